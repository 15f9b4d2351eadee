"""Retries transient errors of Kaggle with back-off, and turns the others into one sentence."""

import os
import random
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ecg_assets.store.log import Log

Result = TypeVar("Result")

# Seconds between attempts, each shortened by up to a half; a 429 may ask for more with Retry-After.
WAITS_S: tuple[float, ...] = (1, 3, 8, 20, 60)
# The client itself has already retried broken connections.
CONNECTION_TRIES = 3
MAX_WAIT_S = 120.0

HOW_TO_GET_CREDENTIALS = (
    "to download real images, make a token at https://www.kaggle.com/settings/api (Generate New Token), save it to "
    "~/.kaggle/access_token with permissions 600 (or set KAGGLE_API_TOKEN), and accept the rules on the competition's "
    "page"
)

_SHORTEST_SECRET = 8
_SECRET_VARIABLES = ("KAGGLE_KEY", "KAGGLE_API_TOKEN")
_TOO_MANY, _SERVER_ERROR = 429, 500


class KaggleUnavailableError(RuntimeError):
    """Kaggle cannot be reached, or refuses; the message says why and what to do."""


class NoSuchFileError(KaggleUnavailableError):
    """Kaggle has no such file or competition (404)."""


def persistently(
    action: Callable[[], Result], what: str, competition: str, log: Log, secrets: tuple[str, ...] = ()
) -> Result:
    """Calls `action` until it succeeds; 429, 5xx and broken connections are retried with back-off.

    Args:
        action: calls the client; may be called any number of times.
        what: the requested object, for messages.
        competition: its name, for the address at which its rules are accepted.
        log: receives a line for each failed attempt.
        secrets: never shown in a message.

    Raises:
        NoSuchFileError: 404.
        KaggleUnavailableError: Kaggle refuses, or all attempts failed.
    """
    tries = 0
    while True:
        result, error = _tried(action)
        if error is None:
            return result  # type: ignore[return-value]
        # Raised outside `except`, so that the client's error, which may contain a signed address, is not chained.
        tries += 1
        status, text = _status(error), scrubbed(error, secrets)
        if not _passes(error):
            raise _told(status, text, what, competition)
        if tries > (len(WAITS_S) if status is not None else CONNECTION_TRIES - 1):
            raise KaggleUnavailableError(
                f"{what}: {_unreached(error)}still {text} after {tries} tries; run again later: what was downloaded is "
                "kept"
            )
        wait_s = _wait_s(error, tries)
        log(f"{what}: {text}; trying again in {wait_s:.1f} s")
        time.sleep(wait_s)


def scrubbed(error: BaseException, secrets: tuple[str, ...] = ()) -> str:
    """The error as one short line, without credentials and the queries of addresses (signed ones give access)."""
    text = re.sub(r"\?[^\s'\")]+", "", " ".join(str(error).split()))
    for secret in (*secrets, *(os.environ.get(name, "") for name in _SECRET_VARIABLES)):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return f"{type(error).__name__}: {text[:300]}"


def _tried(action: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    import requests
    import urllib3

    try:
        return action(), None
    # ValueError: raised by the client for a body of the wrong length or that is not JSON.
    except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, ValueError) as error:
        return None, error


def _status(error: Exception) -> int | None:
    """The HTTP status; a code in a JSON body takes precedence, as for the client."""
    response: Any = getattr(error, "response", None)
    if response is None:
        return None
    try:
        code = response.json().get("code")
    except (ValueError, AttributeError, RuntimeError):
        code = None
    return code if isinstance(code, int) else int(response.status_code)


def _passes(error: Exception) -> bool:
    status = _status(error)
    return status is None or status in (408, _TOO_MANY) or status >= _SERVER_ERROR


def _unreached(error: Exception) -> str:
    """The sentence for a broken connection, which does not blame the credentials."""
    import requests
    import urllib3

    broken = (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError, ConnectionError)
    return (
        "Kaggle cannot be reached (where a proxy leads to the internet, set HTTPS_PROXY to it): "
        if isinstance(error, broken)
        else ""
    )


def _wait_s(error: Exception, tries: int) -> float:
    asked = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
    if asked.isdecimal():
        return min(float(asked), MAX_WAIT_S)
    return WAITS_S[tries - 1] * random.uniform(0.5, 1)


def _told(status: int | None, text: str, what: str, competition: str) -> KaggleUnavailableError:
    if status == 404:
        return NoSuchFileError(f"{what}: Kaggle has no such file or competition (404). {text}")
    advice = {
        401: f"Kaggle does not know these credentials (401): {HOW_TO_GET_CREDENTIALS}",
        403: "Kaggle refuses it (403): accept the competition's rules, with the account of these credentials, at "
        f"https://www.kaggle.com/competitions/{competition}/rules",
    }
    return KaggleUnavailableError(f"{what}: {advice[status]}. {text}" if status in advice else f"{what}: {text}")
