"""Converts WFDB headers to the form that the `wfdb` package reads, because published ones deviate from header(5).

Their file names may, for example, have endings and folders."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from ecg_assets.records.rejection import RecordRejected
from ecg_assets.store.regular_files import is_regular, what_else

_PLAIN_RECORD = re.compile(r"[-\w]+(/\d+)?", re.ASCII)
_PLAIN_FILE = re.compile(r"~?[-\w]*\.?\w*", re.ASCII)
_ENDINGS = (".dat", ".mat")
_BOM = "\ufeff"
# 12 signals take 1 KB.
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Written:
    """The words of a header.

    Attributes:
        path: the header.
        lines: of its record line and its signals' lines, without comments and empty lines.
        bom: whether it begins with a UTF-8 byte order mark.
    """

    path: Path
    lines: list[list[str]]
    bom: bool

    @property
    def signals(self) -> list[list[str]]:
        """Words of the signals' lines."""
        return self.lines[1:]

    @property
    def joins_segments(self) -> bool:
        """Whether it joins segments: header(5) then gives their number after the name, and each name and length."""
        segmented = bool(self.lines) and re.fullmatch(r".+/\d+", self.lines[0][0]) is not None
        return segmented and all(len(words) == 2 for words in self.signals)

    @property
    def names(self) -> list[str]:
        """The signals' names, if they have any."""
        return [" ".join(words[8:]) for words in self.signals]

    def frames_of(self, place: int) -> int:
        """Samples of a signal per frame: `16x4` in header(5), without a number for one."""
        found = re.match(r"\d+x(\d{1,4})", self.signals[place][1]) if len(self.signals[place]) > 1 else None
        return max(1, int(found.group(1))) if found else 1


def written(path: Path) -> Written:
    """Reads a header's words without checking them; empty for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
    except OSError:  # the package, which also reads it, reports why
        return Written(path, [], False)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:  # headers do not name their encoding, and older programs wrote Latin-1
        text = content.decode("latin-1")
    bom = text.startswith(_BOM)
    lines = text.removeprefix(_BOM).splitlines()
    told = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return Written(path, told, bom)


def signal_file(header_path: Path, name: str) -> Path | None:
    """The file beside the header that it names, without a leading folder; None if it does not exist."""
    for place in _places(header_path, name):
        if is_regular(place):
            return place
    return None


def _places(header_path: Path, name: str) -> Iterator[Path]:
    """Possible paths of a file: by its name, with the usual endings, in lower or upper case."""
    base = PureWindowsPath(name).name
    if not base or _leads_out(name) or base.endswith(" "):
        return
    yield header_path.with_name(base)
    if "." not in base:
        yield from (header_path.with_name(base + ending) for ending in _ENDINGS)
    stem, dot, ending = base.rpartition(".")
    if dot:
        yield from (header_path.with_name(f"{stem}.{other}") for other in {ending.lower(), ending.upper()} - {ending})


def _leads_out(name: str) -> bool:
    parts = PureWindowsPath(name)
    return ".." in parts.parts or bool(parts.root or parts.drive) or "\0" in name


def require_files(header: Written) -> None:
    """Checks that each file named by the header is beside it.

    Raises:
        RecordRejected: a file is missing, is not a plain file, or has a name that leads elsewhere.
    """
    path = header.path
    for name in sorted({words[0] for words in header.signals}):
        base = PureWindowsPath(name).name
        if not base or _leads_out(name):
            raise RecordRejected(
                "unreadable",
                f"{path.name} is no WFDB header that can be followed (it names {name[:80]!r}, expected a file beside "
                "it): put the file there, and its name alone into the header",
            )
        if signal_file(path, name) is None:
            other = what_else(path.with_name(base))
            said = f"which is {other}, no file" if other else "which is not beside it"
            needed = f"put {base[:80]} beside the header" if base != name else f"fetch {base[:80]}"
            raise RecordRejected("missing_file", f"{path.name} names {name[:80]}, {said}: {needed}")


def oddities(header: Written) -> list[str]:
    """The header's deviations from header(5), a clause each; empty for nearly all."""
    told = ["it begins with a mark of UTF-8"] if header.bom else []
    if header.lines and not _PLAIN_RECORD.fullmatch(header.lines[0][0]):
        told.append(f"it calls the record {header.lines[0][0][:80]!r}")
    for name in sorted({words[0] for words in header.signals}):
        found = signal_file(header.path, name)
        if found is not None and found.name != name:
            told.append(f"it names {name[:80]!r}, and {found.name} beside it is read")
    return told


@contextmanager
def as_the_package_reads_it(header: Written) -> Iterator[Path]:
    """The header for the package: the original, or a copy with plain names in a separate folder.

    Missing files are named in it too.
    """
    if not header.lines or header.joins_segments:
        yield header.path
        return
    found = {words[0]: signal_file(header.path, words[0]) for words in header.signals}
    plain = all(file is not None and file.name == name and _PLAIN_FILE.fullmatch(name) for name, file in found.items())
    if header.bom or not plain or not _PLAIN_RECORD.fullmatch(header.lines[0][0]):
        with tempfile.TemporaryDirectory(prefix="wfdb-") as folder:
            yield _rewritten(header, found, Path(folder))
    else:
        yield header.path


def _rewritten(header: Written, found: dict[str, Path | None], folder: Path) -> Path:
    names: dict[str, str] = {}
    for number, (name, file) in enumerate(found.items()):
        names[name] = f"{number}.dat"
        if file is not None:
            (folder / names[name]).symlink_to(file.absolute())
    first = header.lines[0]
    record = first[0] if _PLAIN_RECORD.fullmatch(first[0]) else "record"
    lines = [[record, *first[1:]], *([names[words[0]], *words[1:]] for words in header.signals)]
    target = folder / "record.hea"
    target.write_text("".join(" ".join(line) + "\n" for line in lines), "utf-8")
    return target
