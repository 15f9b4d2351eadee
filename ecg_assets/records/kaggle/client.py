"""Lists and downloads the files of one Kaggle competition through the `kaggle` package."""

import contextlib
import io
import lzma
import shutil
import stat
import struct
import sys
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecg_assets.records.kaggle.credentials import Credentials, find_credentials
from ecg_assets.records.kaggle.errors import (
    HOW_TO_GET_CREDENTIALS,
    KaggleUnavailableError,
    NoSuchFileError,
    persistently,
    scrubbed,
)
from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.log import Log

COMPETITION = "physionet-ecg-image-digitization"
PAGE_FILES = 200
MAX_UNPACKED_BYTES = 1 << 28
# Encrypted files, and unknown compression methods, raise a RuntimeError.
_ZIP_DAMAGES = (
    zipfile.BadZipFile,
    LookupError,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Competition:
    """An authenticated client for one competition.

    Attributes:
        name: in the competition's address.
        log: receives a line for each failed attempt and for long listings.
    """

    name: str
    log: Log
    _client: Any = field(repr=False)
    _secrets: tuple[str, ...] = field(default=(), repr=False)

    def list_files(self) -> list[str]:
        """Names of all files, sorted, for example `train/1006427285/1006427285-0001.png`; requested page by page.

        Raises:
            KaggleUnavailableError: Kaggle refuses, or does not answer.
        """
        names: set[str] = set()
        token, seen = "", set[str]()
        while True:
            page = self._page(token)
            names.update(file.name for file in page.files)
            token = page.next_page_token or ""
            if not token:
                return sorted(names)
            if token in seen:
                raise KaggleUnavailableError(f"Kaggle's list of files of {self.name} goes in a circle; run again later")
            seen.add(token)
            if len(seen) % 10 == 0:
                self.log(f"{self.name}: {len(names)} files listed so far")

    def _page(self, token: str) -> Any:
        try:
            return self._ask(lambda: self._client.competition_list_files(self.name, token, PAGE_FILES), "the list")
        except NoSuchFileError as error:
            raise NoSuchFileError(
                f"{error}; set `competition` to a name as its address has it: {COMPETITION}"
            ) from None

    def fetch(self, name: str, target: Path, parts: Path) -> None:
        """Downloads the file `name` to `target`, through a temporary name; a zipped file is unpacked.

        Args:
            name: as returned by `list_files`.
            target: the file; its folder is created.
            parts: folder for partial downloads, which the next call resumes.

        Raises:
            NoSuchFileError: Kaggle does not have the file.
            KaggleUnavailableError: Kaggle refuses, does not answer, or sent something else.
        """
        # One folder per file, because the client names its file after the address that it was redirected to.
        place = parts / target.name
        place.mkdir(parents=True, exist_ok=True)
        self._ask(lambda: self._client.competition_download_file(self.name, name, path=str(place), quiet=True), name)
        with atomic_path(target) as temporary:
            _take(place, target.name, temporary)
        shutil.rmtree(place, ignore_errors=True)

    def _ask(self, action: Any, what: str) -> Any:
        return persistently(action, f"{what} of {self.name}", self.name, self.log, self._secrets)


def connect(name: str, log: Log) -> Competition:
    """A client with the credentials that `find_credentials` finds.

    An API token is checked with Kaggle; a broken connection is retried, and reported as such.

    Raises:
        KaggleUnavailableError: there are no credentials, they cannot be used, or Kaggle cannot be reached.
    """
    found, client = _prepared(log)
    persistently(lambda: _authenticate(client, found), "the credentials' check", name, log, found.secrets)
    secrets = (str(client.config_values[key]) for key in ("key", "token") if client.config_values.get(key))
    return Competition(name, log, client, (*found.secrets, *secrets))


def _prepared(log: Log) -> tuple[Credentials, Any]:
    printed = io.StringIO()
    try:
        # The package searches for credentials on import, and prints its help.
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            from kaggle.api.kaggle_api_extended import KaggleApi
    except OSError as error:  # it creates a folder for its settings
        # Partially imported modules could not be imported again.
        for name in [one for one in sys.modules if one.partition(".")[0] == "kaggle"]:
            del sys.modules[name]
        raise KaggleUnavailableError(
            f"the Kaggle client cannot make a folder for its settings ({scrubbed(error)}): set KAGGLE_CONFIG_DIR to "
            "one that you may write"
        ) from error
    client: Any = KaggleApi()
    path = Path(client.config)
    found = find_credentials(path)
    if found.key_file and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        log(f"Warning: {path} is readable by other users on this system: chmod 600 {path}")
    # It ignores a file that begins with a UTF-8 byte order mark, and mistakes a list for fields.
    client.read_config_file = lambda *_, **__: dict(found.key_file)
    return found, client


def _authenticate(client: Any, found: Credentials) -> None:
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            client.authenticate()
    except SystemExit:
        client.config_values = {}
    # Continuing with other credentials would send the refused token again.
    if found.is_token and not client.config_values.get("token"):
        raise KaggleUnavailableError(
            f"Kaggle does not know the API token in {found.where}, or it has expired: {HOW_TO_GET_CREDENTIALS}"
        )
    if not client.config_values.get("username"):
        raise KaggleUnavailableError(f"there are no Kaggle credentials: {HOW_TO_GET_CREDENTIALS}")


def _take(folder: Path, name: str, temporary: Path) -> None:
    """Moves the client's file to `temporary`; Kaggle sends some files as `<name>.zip`."""
    plain, packed = folder / name, folder / f"{name}.zip"
    if plain.exists():
        plain.replace(temporary)
        return
    found = sorted(path.name for path in folder.iterdir())
    # The partial download is useless: the next call starts again.
    try:
        if not packed.exists():
            raise KaggleUnavailableError(f"the Kaggle client wrote no {name}; it wrote {found}")
        temporary.write_bytes(unzipped(packed, name))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def unzipped(packed: Path, name: str) -> bytes:
    """The file `name` of a zip file.

    Raises:
        KaggleUnavailableError: it is damaged, encrypted, too large, or does not hold the file.
    """
    try:
        with zipfile.ZipFile(packed) as archive:
            info = archive.getinfo(name)
            if info.file_size > MAX_UNPACKED_BYTES:
                raise KaggleUnavailableError(
                    f"{name} would be {info.file_size >> 20} MiB unpacked; at most {MAX_UNPACKED_BYTES >> 20} are taken"
                )
            with archive.open(info) as stream:
                # Reads at most the claimed size, even if it would unpack to more.
                content = stream.read(info.file_size)
            if len(content) != info.file_size:
                raise EOFError(f"{len(content)} of {info.file_size} bytes")
            return content
    except KaggleUnavailableError:
        raise
    except _ZIP_DAMAGES as error:
        raise KaggleUnavailableError(f"{packed.name} is damaged or holds no {name} ({error}); run again") from error
