"""The competition's files on Kaggle, through the `kaggle` package."""

import contextlib
import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Protocol

import dagster as dg
from pydantic import Field

HOW_TO_GET_CREDENTIALS = (
    "to download real images, make a token at kaggle.com (Settings, API, Create New Token), put the file at "
    "~/.kaggle/kaggle.json with permissions 600 (or set KAGGLE_USERNAME and KAGGLE_KEY), and accept the rules on the "
    "competition's page"
)


class KaggleUnavailableError(RuntimeError):
    """Kaggle cannot be asked; the message says why and what to do."""


class CompetitionFiles(Protocol):
    """The one call of the `kaggle` client that is used."""

    def competition_download_file(
        self, competition: str, file_name: str, path: str | None = None, force: bool = False, quiet: bool = False
    ) -> None: ...


class KaggleResource(dg.ConfigurableResource[Any]):
    """Downloads files of one competition."""

    competition: str = Field(
        default="physionet-ecg-image-digitization", description="The competition's name in its address on kaggle.com."
    )

    def client(self) -> CompetitionFiles:
        """An authenticated client.

        Raises:
            KaggleUnavailableError: there are no credentials.
        """
        said = io.StringIO()
        try:
            # The package looks for credentials when it is imported, prints its help and leaves the interpreter.
            with contextlib.redirect_stdout(said):
                from kaggle.api.kaggle_api_extended import KaggleApi

                client: CompetitionFiles = KaggleApi()
                client.authenticate()  # type: ignore[attr-defined]
        except (SystemExit, OSError, ValueError) as error:
            raise KaggleUnavailableError(f"there are no Kaggle credentials: {HOW_TO_GET_CREDENTIALS}") from error
        return client

    def fetch(self, client: CompetitionFiles, name: str, folder: Path) -> Path:
        """Downloads the file `name` of the competition into `folder`; a file that is there already stays.

        Raises:
            KaggleUnavailableError: Kaggle refused or did not answer; the message names the file.
        """
        target = folder / name.rsplit("/", 1)[-1]
        if target.exists():
            return target
        folder.mkdir(parents=True, exist_ok=True)
        # The client writes in place: a download that breaks off must not look like a file that is there.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".tmp-") as scratch:
            try:
                client.competition_download_file(self.competition, name, path=scratch, quiet=True)
            except (Exception, SystemExit) as error:  # the client raises whatever its HTTP library does
                raise KaggleUnavailableError(f"{name} of {self.competition}: {_reason(error)}") from error
            _unpacked(Path(scratch), target.name).replace(target)
        return target


def _unpacked(folder: Path, name: str) -> Path:
    """The downloaded file; Kaggle sends some as `<name>.zip`."""
    packed = folder / f"{name}.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive:
            (folder / name).write_bytes(archive.read(name))
    if not (folder / name).exists():
        raise KaggleUnavailableError(
            f"the Kaggle client wrote no {name}; it wrote {sorted(p.name for p in folder.iterdir())}"
        )
    return folder / name


def _reason(error: BaseException) -> str:
    text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    advice = {
        401: f"Kaggle does not know these credentials (401): {HOW_TO_GET_CREDENTIALS}",
        403: "Kaggle refuses it (403): accept the competition's rules on its page, with this account",
        404: "Kaggle has no such file (404)",
    }
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"{advice[status]}. {text}" if status in advice else text
