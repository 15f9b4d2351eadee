"""Parses addresses gs://bucket/prefix, and finds the folder of their local copy."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

CACHE_VARIABLE = "ECG_ASSETS_CACHE"
SCHEME = "gs://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]")


class BucketAddressError(ValueError):
    """An address or an object's name cannot be used; the message names it and what is expected."""


@dataclass(frozen=True)
class BucketAddress:
    """A place in a bucket.

    Attributes:
        bucket: its name.
        prefix: of all objects' names, without slashes at its ends; empty for the whole bucket.
    """

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return SCHEME + "/".join(filter(None, (self.bucket, self.prefix)))

    def object(self, name: str) -> str:
        """The object's name in the bucket, for a name below this address."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def parent(self) -> "BucketAddress":
        """The address one level up; a bucket's own address is its own parent."""
        return BucketAddress(self.bucket, self.prefix.rpartition("/")[0])

    def folder_name(self) -> str:
        """A readable file name that is unique to this address."""
        plain = re.sub(r"[^A-Za-z0-9.-]+", "_", str(self).removeprefix(SCHEME))[-60:].strip("._")
        return f"{plain}-{hashlib.sha256(str(self).encode()).hexdigest()[:8]}"


def parse_address(text: str) -> BucketAddress:
    """Reads gs://bucket/prefix.

    Raises:
        BucketAddressError: another scheme, or an invalid bucket name.
    """
    if not text.startswith(SCHEME):
        raise BucketAddressError(f"{text!r} is no address of a bucket; expected gs://bucket/prefix, or a local folder")
    bucket, _, prefix = text.removeprefix(SCHEME).partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise BucketAddressError(
            f"{text!r} names the bucket {bucket!r}; expected gs://bucket/prefix with a name of lower-case letters, "
            "digits, dots and dashes"
        )
    kept = prefix.strip("/")
    if kept and not _is_plain(kept):
        raise BucketAddressError(
            f"{text!r} has a prefix that is no plain path; correct it: no empty parts, '..', backslashes or control "
            "characters"
        )
    return BucketAddress(bucket, kept)


def safe_relative(name: str) -> PurePosixPath:
    """An object's name as a relative path that cannot leave the folder it is appended to.

    Raises:
        BucketAddressError: it is absolute, contains `..`, control characters or backslashes.
    """
    if not _is_plain(name):
        raise BucketAddressError(
            f"the object {name!r} has a name that is no plain path (empty parts, '..', backslash or control "
            "characters); rename it in the bucket"
        )
    return PurePosixPath(*name.split("/"))


def _is_plain(name: str) -> bool:
    return not _UNFIT.search(name) and not any(part in ("", ".", "..") for part in name.split("/"))


def cache_folder() -> Path:
    """`ECG_ASSETS_CACHE`, or `ecg-assets` in the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    user = os.environ.get("XDG_CACHE_HOME")
    return (Path(user) if user else Path.home() / ".cache").absolute() / "ecg-assets"


def working_copy(address: BucketAddress) -> Path:
    """The folder of the local copy of a data root in a bucket: one per address."""
    return cache_folder() / "roots" / address.folder_name()
