"""Every advice about WFDB recordings: the fault is made, and doing what its message says helps."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.records.index import read_index
from ecg_assets.records.ingest import IngestReport, ingest, load_record
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig, SourceSpec
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.records.einthoven import beats_mv
from ecg_assets_tests.records.wfdb.recordings import Signal, rewrite, write_recording

STEP_MV = 0.00051


@dataclass
class Source:
    """A folder with the recordings r1, which comes to harm, and r2.

    Attributes:
        folder: of both.
        wanted: the signal of r1.
        settings: of the source, beside its path.
        elsewhere: keeps r1 as it was.
    """

    folder: Path
    wanted: Signal
    elsewhere: Path
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def header(self) -> Path:
        return self.folder / "r1.hea"

    @property
    def signals(self) -> Path:
        return self.folder / "r1.dat"

    def rewrite(self, old: str, new: str) -> None:
        rewrite(self.header, (old, new))

    def fetch_again(self) -> None:
        for path in self.elsewhere.iterdir():
            shutil.copy(path, self.folder)

    def leave_out(self) -> None:
        self.header.unlink()

    def write(self, signal: Signal) -> None:
        write_recording(self.folder, "r1", signal)

    def take(self, root: DataRoot) -> IngestReport:
        spec = SourceSpec.model_validate({"path": str(self.folder), "name": "mine", **self.settings})
        return ingest(root, SourceConfig(sources=(spec,)), quiet)


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "wfdb"
    write_recording(folder, "r1", beats_mv(500, 30)[:, :5000])
    shutil.copytree(folder, tmp_path / "elsewhere")
    write_recording(folder, "r2", beats_mv(500, 30) * 0.9)
    return Source(folder, beats_mv(500), tmp_path / "elsewhere")


Step = Callable[[Source], object]


def without_a_count(source: Source) -> None:
    """The header leaves it to the signal file how long the recording is, and that is empty."""
    source.rewrite("r1 12 500 5000", "r1 12 500")
    source.signals.write_bytes(b"")


def without_samples_of_a_lead(source: Source) -> None:
    """Frames of two samples of each lead but one."""
    first, *lines = source.header.read_text().replace("r1.dat 16 ", "r1.dat 16x2 ").splitlines()
    lines[7] = lines[7].replace("16x2", "16x0")
    source.header.write_text("\n".join([first.replace("500 5000", "250 2500"), *lines]) + "\n")


def of_two_segments(source: Source) -> None:
    for name in ("a", "b"):
        write_recording(source.folder / "parts", f"r1{name}", source.wanted[:, :2500])
    source.header.write_text("r1/2 12 500 5000\nr1a 2500\nr1b 2500\n")


def exported_as_one(source: Source) -> None:
    shutil.rmtree(source.folder / "parts")
    source.write(source.wanted)


def with_a_gap(source: Source) -> None:
    """30 s, the first 10 of which lack a sample: -32768 stands for none in format 16."""
    source.write(np.concatenate([source.wanted, source.wanted, source.wanted], axis=1))
    samples = np.frombuffer(source.signals.read_bytes(), "<i2").copy()
    samples[12 * 700 + 1] = -32768
    source.signals.write_bytes(samples.tobytes())


def begin_later(source: Source) -> None:
    source.settings["window_start_s"] = 10


def flip_a_bit(source: Source) -> None:
    content = bytearray(source.signals.read_bytes())
    content[24 * 1000] ^= 1
    source.signals.write_bytes(bytes(content))


def without_checksums(source: Source) -> None:
    source.settings["checksums"] = False


def linked_out(source: Source) -> None:
    source.signals.unlink()
    source.signals.symlink_to(source.elsewhere / "r1.dat")


def copied(source: Source) -> None:
    source.signals.unlink()
    shutil.copy(source.elsewhere / "r1.dat", source.signals)


def led_out(source: Source) -> None:
    source.signals.rename(source.folder.parent / "r1.dat")
    source.rewrite("r1.dat", "../r1.dat")


def put_beside(source: Source) -> None:
    (source.folder.parent / "r1.dat").rename(source.signals)
    source.rewrite("../r1.dat", "r1.dat")


def led_into_a_folder(source: Source) -> None:
    (source.folder / "signals").mkdir()
    source.signals.rename(source.folder / "signals" / "r1.dat")
    source.rewrite("r1.dat", "signals/r1.dat")


def put_beside_the_header(source: Source) -> None:
    (source.folder / "signals" / "r1.dat").rename(source.signals)


IN = [
    pytest.param(
        lambda s: s.rewrite("1000.0(0)/mV", "10.0(0)/mV"),
        lambda s: s.rewrite("10.0(0)/mV", "1000.0(0)/mV"),
        id="a wrong gain",
        marks=pytest.mark.advice("records/wfdb/record.py", " mV: correct its gain or unit in the header"),
    ),
    pytest.param(
        without_a_count,
        Source.fetch_again,
        id="an empty signal file",
        marks=pytest.mark.advice("records/wfdb/header.py", "): fetch them again"),
    ),
    pytest.param(
        lambda s: s.rewrite("r1 12 500", "r1 12 50"),
        lambda s: s.rewrite("r1 12 50", "r1 12 500"),
        id="a wrong rate",
        marks=pytest.mark.advice("records/wfdb/header.py", " Hz: correct the header, or leave the recording out"),
    ),
    pytest.param(
        lambda s: s.header.write_text(""),
        Source.fetch_again,
        id="an empty header",
        marks=pytest.mark.advice("records/wfdb/header.py", "): the file is damaged; fetch it again"),
    ),
    pytest.param(
        of_two_segments,
        exported_as_one,
        id="segments",
        marks=pytest.mark.advice("records/wfdb/header.py", "; expected one recording: export it as a single one"),
    ),
    pytest.param(
        lambda s: s.header.write_text("".join(s.header.read_text().splitlines(keepends=True)[:7])),
        Source.fetch_again,
        id="a header cut off",
        marks=pytest.mark.advice("records/wfdb/header.py", " signals, expected "),
    ),
    pytest.param(
        lambda s: s.rewrite("/mV", "/mmHg"),
        lambda s: s.rewrite("/mmHg", "/mV"),
        id="another unit",
        marks=pytest.mark.advice("records/wfdb/header.py", ", expected V, mV, uV or nV: correct the header"),
    ),
    pytest.param(
        lambda s: s.signals.write_bytes(s.signals.read_bytes()[:-5000]),
        Source.fetch_again,
        id="a signal file cut off",
        marks=pytest.mark.advice("records/wfdb/record.py", " does not hold what "),
    ),
    pytest.param(
        without_samples_of_a_lead,
        Source.fetch_again,
        id="a lead without samples",
        marks=pytest.mark.advice("records/wfdb/record.py", "; fetch all of them again"),
    ),
    pytest.param(
        lambda s: s.write(s.wanted[:, :4000]),
        lambda s: s.write(beats_mv(500, 12)),
        id="too short",
        marks=pytest.mark.advice("records/wfdb/record.py", ": leave it out, or take a longer recording"),
    ),
    pytest.param(
        with_a_gap,
        begin_later,
        id="a gap",
        marks=pytest.mark.advice("records/wfdb/record.py", ": set `window_start_s` of its source to another 10 s"),
    ),
    pytest.param(
        flip_a_bit,
        Source.fetch_again,
        id="a flipped bit",
        marks=pytest.mark.advice("records/wfdb/record.py", ": the signal file is damaged; fetch it again (or set "),
    ),
    pytest.param(
        lambda s: s.rewrite(s.header.read_text().splitlines()[1].split()[6] + " 0 I\n", "7 0 I\n"),
        without_checksums,
        id="a wrong checksum",
        marks=pytest.mark.advice("records/wfdb/record.py", "(or set `checksums: false` for a source whose headers"),
    ),
    pytest.param(
        linked_out,
        copied,
        id="a link",
        marks=pytest.mark.advice("records/wfdb/folder.py", " is a link out of the source: copy the file itself there"),
    ),
    pytest.param(
        led_out,
        put_beside,
        id="a name that leads out",
        marks=pytest.mark.advice(
            "records/wfdb/written_header.py", "): put the file there, and its name alone into the header"
        ),
    ),
]


@pytest.mark.parametrize(("fault", "remedy"), IN)
def test_what_the_reason_of_a_refusal_advises_brings_the_recording_in(
    root: DataRoot, source: Source, advice: AdviceGiven, fault: Step, remedy: Step
) -> None:
    fault(source)
    advice.in_message(reason(source.take(root)))
    remedy(source)
    report = source.take(root)
    assert (report.accepted, report.quarantined) == (2, {}), report.index["reason"].tolist()
    np.testing.assert_allclose(load_record(root, "mine-r1", 500).signal_mv, source.wanted, atol=STEP_MV)


# As short that no mark can name them.
SHORT: dict[str, tuple[Step, Step]] = {
    "twice, as 'V3' and 'v3'; keep one": (
        lambda s: s.rewrite(" V4", " v3"),
        lambda s: s.rewrite(" v3", " V4"),
    ),
    "which is not beside it: fetch r1.dat": (lambda s: s.signals.unlink(), Source.fetch_again),
    "which is not beside it: put r1.dat beside the header": (led_into_a_folder, put_beside_the_header),
}


@pytest.mark.parametrize("said", SHORT)
def test_what_the_reason_of_a_refusal_advises_in_few_words_brings_the_recording_in(
    root: DataRoot, source: Source, said: str
) -> None:
    fault, remedy = SHORT[said]
    fault(source)
    assert said in reason(source.take(root))
    remedy(source)
    assert source.take(root).accepted == 2
    np.testing.assert_allclose(load_record(root, "mine-r1", 500).signal_mv, source.wanted, atol=STEP_MV)


OUT = [
    pytest.param(
        lambda s: s.rewrite(" V3", " V9"),
        id="a lead missing",
        marks=pytest.mark.advice("records/wfdb/header.py", ": leave the recording out"),
    ),
    pytest.param(
        lambda s: s.rewrite("r1 12 500", "r1 12 50"),
        id="a wrong rate",
        marks=pytest.mark.advice("records/wfdb/header.py", " Hz: correct the header, or leave the recording out"),
    ),
    pytest.param(
        lambda s: s.header.write_text(s.header.read_text() + "# \n" * 600_000),
        id="a header without end",
        marks=pytest.mark.advice("records/wfdb/header.py", ", expected a header of a few lines: leave it out"),
    ),
    pytest.param(
        lambda s: s.write(s.wanted[:, :4000]),
        id="too short",
        marks=pytest.mark.advice("records/wfdb/record.py", ": leave it out, or take a longer recording"),
    ),
    pytest.param(
        with_a_gap,
        id="a gap",
        marks=pytest.mark.advice("records/wfdb/record.py", " of its source to another 10 s, or leave it out"),
    ),
]


@pytest.mark.parametrize("fault", OUT)
def test_a_recording_that_its_reason_advises_to_leave_out_is_told_of_no_more(
    root: DataRoot, source: Source, advice: AdviceGiven, fault: Step
) -> None:
    fault(source)
    advice.in_message(reason(source.take(root)))
    source.leave_out()
    report = source.take(root)
    assert (report.index["id"].tolist(), report.quarantined) == (["mine-r2"], {})


def reason(report: IngestReport) -> str:
    assert report.accepted == 1
    return str(report.index.set_index("id").loc["mine-r1", "reason"])


@pytest.mark.advice("records/wfdb/folder.py", " holds no WFDB headers (*.hea); set `path` to a folder that does")
def test_a_folder_without_recordings_is_told_and_another_path_helps(
    root: DataRoot, source: Source, advice: AdviceGiven
) -> None:
    holding, source.folder = source.folder, source.folder / "empty"
    source.folder.mkdir()
    source.settings["kind"] = "wfdb"
    with pytest.raises(SourceError) as caught:
        source.take(root)
    advice.in_message(caught.value)
    source.folder = holding
    assert source.take(root).accepted == 2


@pytest.mark.advice("records/wfdb/folder.py", ": give each folder as a source of its own")
def test_folders_with_a_name_in_common_are_sources_of_their_own(
    root: DataRoot, tmp_path: Path, advice: AdviceGiven
) -> None:
    for place, part in enumerate(("a", "b"), start=1):
        write_recording(tmp_path / "wfdb" / part, "r1", beats_mv(500) / place)
        write_recording(tmp_path / "wfdb" / part, f"only-{part}", beats_mv(500) / place)
    report = ingest(root, SourceConfig(source=str(tmp_path / "wfdb")), quiet)
    advice.in_message(report.index.set_index("id").loc["wfdb-r1", "reason"])
    each = tuple(SourceSpec(path=str(tmp_path / "wfdb" / part)) for part in ("a", "b"))
    assert ingest(root, SourceConfig(sources=each), quiet).quarantined == {}
    assert read_index(root)["id"].tolist() == ["a-only-a", "a-r1", "b-only-b", "b-r1"]


@pytest.mark.advice("records/wfdb/folder.py", ", no header: left out; put a file there")
def test_a_pipe_in_a_header_s_place_is_told_and_a_file_there_is_read(
    root: DataRoot, source: Source, advice: AdviceGiven
) -> None:
    source.header.unlink()
    os.mkfifo(source.header)
    lines: list[str] = []
    ingest(root, SourceConfig(source=str(source.folder)), lines.append)
    advice.in_message("\n".join(lines))
    source.header.unlink()
    source.fetch_again()
    assert ingest(root, SourceConfig(source=str(source.folder)), quiet).accepted == 2
