"""Retries transient errors of a bucket with back-off, and turns the others into one sentence."""

import random
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from ecg_assets.store.log import Log

Result = TypeVar("Result")

# Seconds between attempts, each shortened by up to a half so that many clients do not retry at the same time.
WAITS_S: tuple[float, ...] = (0.5, 1, 2, 4, 8, 16, 30, 30)

LOGIN_ADVICE = (
    "run `gcloud auth application-default login` (`gcloud auth login` alone does not give them), or set "
    "GOOGLE_APPLICATION_CREDENTIALS to a service account's key file; a VM of Google's has those of its service account"
)


class BucketError(OSError):
    """A bucket cannot be read or written; the message names the object and says what to do."""


class ObjectMissingError(BucketError):
    """The object, or its bucket, does not exist."""


class GenerationChangedError(BucketError):
    """The object was written after it was listed."""


class CutOffError(ConnectionError):
    """A body was shorter than announced."""


def persistently(
    action: Callable[[], Result], what: str, log: Log, progress: Callable[[], int] | None = None
) -> Result:
    """Calls `action` until it succeeds; transient errors (429, 5xx, broken connections) are retried with back-off.

    Args:
        action: may be called any number of times.
        what: the object's address, for messages.
        log: receives a line for each failed attempt.
        progress: a number that grows with the work done; the count of attempts restarts when it has grown.

    Raises:
        BucketError: the error is not transient, or all attempts failed; the message is a sentence.
    """
    tries, reached = 0, progress() if progress else 0
    while True:
        try:
            return action()
        except Exception as error:
            if not _passes(error):
                raise _told(error, what) from error
            if progress and progress() > reached:
                tries, reached = 0, progress()
            if tries == len(WAITS_S):
                raise BucketError(
                    f"{what}: still {_short(error)} after {tries + 1} tries; run again when the bucket can be reached: "
                    "what was transferred is kept"
                ) from error
            wait_s = WAITS_S[tries] * random.uniform(0.5, 1)
            tries += 1
            log(f"{what}: {_short(error)}; trying again in {wait_s:.1f} s")
            time.sleep(wait_s)


def _passes(error: Exception) -> bool:
    import requests
    import urllib3
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth  # type: ignore[import-untyped,unused-ignore]

    if isinstance(error, auth.RefreshError | auth.DefaultCredentialsError | requests.exceptions.InvalidURL):
        return False
    return (
        isinstance(
            error,
            api.TooManyRequests
            | api.ServerError
            | ConnectionError
            | requests.ConnectionError
            | requests.Timeout
            | requests.exceptions.ChunkedEncodingError
            | urllib3.exceptions.HTTPError
            | auth.TransportError,
        )
        or getattr(error, "code", None) == 408
    )


def _told(error: Exception, what: str) -> Exception:
    """The error as a sentence; unknown errors are returned unchanged."""
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth

    if isinstance(error, api.NotFound):
        return ObjectMissingError(
            f"{what} is not there (404): correct the address, or make the bucket with `gcloud storage buckets create "
            f"gs://{what.removeprefix('gs://').partition('/')[0]}`"
        )
    if isinstance(error, api.PreconditionFailed):
        return GenerationChangedError(f"{what} has been written by somebody else in the meantime (412)")
    if isinstance(error, api.Forbidden):
        return BucketError(
            f"{what}: access denied (403); give this account the role Storage Object Viewer on the bucket (to write: "
            "Storage Object User)"
        )
    if isinstance(error, api.Unauthorized | auth.GoogleAuthError):
        return BucketError(f"{what}: the credentials are missing or no longer valid ({_short(error)}); {LOGIN_ADVICE}")
    return error


def _short(error: Exception) -> str:
    code = getattr(error, "code", None)
    if isinstance(code, int):
        return f"{int(code)} {HTTPStatus(code).phrase}"
    return " ".join(str(error).split())[:160] or type(error).__name__
