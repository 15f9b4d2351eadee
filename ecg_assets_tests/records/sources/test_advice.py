"""Every advice about sources as such: archives, buckets, lists and folders; doing what it says helps."""

import io
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from ecg_assets.assets.records import OneSource, RawCsvsConfig, source_config
from ecg_assets.records.index import read_index
from ecg_assets.records.ingest import ingest
from ecg_assets.records.sources.archive import ArchiveError
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig, SourceSpec
from ecg_assets.records.sources.snapshot import look_at
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import AdviceGiven, pack, quiet
from ecg_assets_tests.records.einthoven import beats_mv, write_source
from ecg_assets_tests.records.wfdb.recordings import write_recording
from ecg_assets_tests.store.bucket.bucket_emulator import BUCKET, Emulator, emulator_running

ADDRESS = f"gs://{BUCKET}/records"


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data")


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return write_source(tmp_path / "source", ("101", "102", "103"))


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with emulator_running(monkeypatch) as running:
        yield running


def with_member(archive: Path, info: tarfile.TarInfo) -> None:
    """Adds an empty member, behind the others."""
    with tarfile.open(archive) as stream:
        held = [(one, stream.extractfile(one).read()) for one in stream]  # type: ignore[union-attr]
    with tarfile.open(archive, "w:gz") as stream:
        for one, content in held:
            stream.addfile(one, io.BytesIO(content))
        stream.addfile(info)


def of_a_size_below_zero(archive: Path) -> None:
    """Python writes no such member, and only its parts count: the size, in base 256, and the sum of the header."""
    with tarfile.open(archive.with_name("plain.tar"), "w") as stream:
        stream.addfile(tarfile.TarInfo("train"))
    block = bytearray(archive.with_name("plain.tar").read_bytes()[:512])
    block[124:136] = b"\xff" * 12
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    archive.write_bytes(bytes(block) + bytes(1024))


def linking(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


def with_a_nul(archive: Path) -> None:
    info = tarfile.TarInfo("train/x.csv")
    info.pax_headers = {"path": "train/x\0y.csv"}
    with_member(archive, info)


ARCHIVES = [
    pytest.param(
        lambda archive: archive.write_bytes(archive.read_bytes()[:-900]),
        id="cut off",
        marks=pytest.mark.advice("records/sources/archive.py", "; fetch it again"),
    ),
    pytest.param(
        of_a_size_below_zero,
        id="a size below zero",
        marks=pytest.mark.advice("records/sources/archive.py", " bytes: pack it again"),
    ),
    pytest.param(
        with_a_nul,
        id="a name with a NUL",
        marks=pytest.mark.advice("records/sources/archive.py", " has a name that no file can have: pack it again"),
    ),
    pytest.param(
        lambda archive: with_member(archive, linking("train/link.csv")),
        id="a link",
        marks=pytest.mark.advice(
            "records/sources/archive.py", "; expected plain files and folders only: pack it again"
        ),
    ),
    pytest.param(
        lambda archive: with_member(archive, tarfile.TarInfo("../evil.csv")),
        id="a name that leads out",
        marks=pytest.mark.advice("records/sources/archive.py", " leads outside of the archive's folder: pack it again"),
    ),
]


@pytest.mark.parametrize("fault", ARCHIVES)
def test_an_archive_that_is_fetched_or_packed_again_as_its_message_says_is_read(
    root: DataRoot, records: Path, advice: AdviceGiven, fault: Callable[[Path], object]
) -> None:
    shutil.copytree(records / "train", records.with_name("kept"))
    fault(pack(records))
    with pytest.raises(ArchiveError) as caught:
        ingest(root, SourceConfig(source=str(records)), quiet)
    advice.in_message(caught.value)
    shutil.rmtree(records / "train")
    shutil.copytree(records.with_name("kept"), records / "train")
    pack(records)
    assert ingest(root, SourceConfig(source=str(records)), quiet).accepted == 3


def upload(emulator: Emulator, folder: Path) -> None:
    for path in sorted(folder.rglob("*.*")):
        emulator.put(f"records/{path.relative_to(folder).as_posix()}", path.read_bytes())


def refused(root: DataRoot, address: str = ADDRESS) -> str:
    with pytest.raises(SourceError) as caught:
        ingest(root, SourceConfig(source=address), quiet)
    return str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.advice("records/sources/gcs.py", "; expected a table with columns id, fs, sig_len (the competition's): ")
def test_the_table_that_a_bucket_lacks_is_uploaded(
    root: DataRoot, records: Path, emulator: Emulator, advice: AdviceGiven, packed: bool
) -> None:
    if packed:
        pack(records)
    table = (records / "train.csv").read_bytes()
    (records / "train.csv").unlink()
    upload(emulator, records)
    said = refused(root)
    advice.in_message(said)
    assert f"upload it with `gcloud storage cp train.csv {ADDRESS}/`" in said
    emulator.put("records/train.csv", table)
    assert ingest(root, SourceConfig(source=ADDRESS), quiet).accepted == 3


@pytest.mark.advice("records/sources/gcs.py", " beside it, or WFDB recordings (.hea): correct the address")
def test_an_address_without_records_is_corrected(
    root: DataRoot, records: Path, emulator: Emulator, advice: AdviceGiven
) -> None:
    upload(emulator, records)
    advice.in_message(refused(root, f"gs://{BUCKET}/record"))
    assert ingest(root, SourceConfig(source=ADDRESS), quiet).accepted == 3


@pytest.mark.advice("records/sources/gcs.py", "); pack and upload it again")
def test_an_archive_in_a_bucket_that_is_cut_off_is_uploaded_again(
    root: DataRoot, records: Path, emulator: Emulator, advice: AdviceGiven
) -> None:
    """The table is looked for in the archive, which has it at its end."""
    shutil.move(records / "train.csv", records / "train" / "train.csv")
    whole = pack(records).read_bytes()
    emulator.put("records/train-csvs.tar.gz", whole[:-900])
    advice.in_message(refused(root))
    emulator.put("records/train-csvs.tar.gz", whole)
    assert ingest(root, SourceConfig(source=ADDRESS), quiet).accepted == 3


@pytest.mark.advice("records/sources/config.py", " more than once; raise `records` of one of them")
def test_more_synthetic_records_are_asked_for_in_one_source(root: DataRoot, advice: AdviceGiven) -> None:
    twice = [OneSource(kind="synthetic", records=2), OneSource(kind="synthetic", records=3)]
    with pytest.raises(ValidationError) as caught:
        source_config(RawCsvsConfig(sources=twice))
    advice.in_message(caught.value)
    config = source_config(RawCsvsConfig(sources=[OneSource(kind="synthetic", records=5)]))
    assert ingest(root, config, quiet).accepted == 5


@pytest.mark.advice("records/sources/config.py", " are set; move it into the list")
def test_a_source_beside_a_list_is_put_into_the_list(root: DataRoot, records: Path, advice: AdviceGiven) -> None:
    more = OneSource(kind="synthetic", records=2)
    with pytest.raises(ValidationError) as caught:
        source_config(RawCsvsConfig(source=str(records), sources=[more]))
    advice.in_message(caught.value)
    config = source_config(RawCsvsConfig(sources=[OneSource(path=str(records)), more]))
    assert ingest(root, config, quiet).accepted == 5


@pytest.mark.advice(
    "records/sources/snapshot.py", " is no folder; set ECG_SOURCE (or `path` in its list) to one that holds records"
)
@pytest.mark.parametrize("listed", [False, True])
def test_a_source_that_is_watched_and_nowhere_is_found_where_it_is_named(
    tmp_path: Path, records: Path, advice: AdviceGiven, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    def name(folder: Path) -> SourceConfig:
        table = tmp_path / "sources.yaml"
        table.write_text(f"sources: [{{path: {folder}}}]")
        monkeypatch.setenv("ECG_SOURCE", str(table if listed else folder))
        return source_config(RawCsvsConfig())

    with pytest.raises(SourceError) as caught:
        look_at(name(tmp_path / "nowhere"), {}, quiet)
    advice.in_message(caught.value)
    assert len(look_at(name(records), {}, quiet)) == 4


def named(root: DataRoot, *sources: SourceSpec) -> list[str]:
    ingest(root, SourceConfig(sources=sources), quiet)
    return sorted(set(read_index(root)["source"]))


@pytest.mark.advice("records/open_sources.py", " has no letter or digit in its folder's name; give it a `name`")
def test_a_folder_of_points_is_given_a_name(root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    write_recording(tmp_path / "...", "r1", beats_mv(500))
    with pytest.raises(SourceError) as caught:
        named(root, SourceSpec(path=str(tmp_path / "...")))
    advice.in_message(caught.value)
    assert named(root, SourceSpec(path=str(tmp_path / "..."), name="mine")) == ["mine"]


@pytest.mark.advice("records/open_sources.py", "; set `path` to one that holds WFDB headers (*.hea)")
def test_a_folder_of_recordings_that_is_nowhere_is_found_by_its_path(
    root: DataRoot, tmp_path: Path, advice: AdviceGiven
) -> None:
    write_recording(tmp_path / "held", "r1", beats_mv(500))
    with pytest.raises(SourceError) as caught:
        named(root, SourceSpec(kind="wfdb", path=str(tmp_path / "nowhere")))
    advice.in_message(caught.value)
    assert named(root, SourceSpec(kind="wfdb", path=str(tmp_path / "held"))) == ["held"]


@pytest.mark.advice("records/open_sources.py", "; give one of them another `name`")
def test_of_two_sources_of_one_name_one_is_given_another(root: DataRoot, records: Path, advice: AdviceGiven) -> None:
    one = SourceSpec(path=str(records))
    with pytest.raises(SourceError) as caught:
        named(root, one, one)
    advice.in_message(caught.value)
    assert named(root, one, SourceSpec(path=str(records), name="again")) == ["again", "kaggle"]


@pytest.mark.advice("records/open_sources.py", " is a linked folder and is not entered; copy the folder itself there")
def test_a_linked_folder_is_told_and_a_copy_is_entered(root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    write_recording(tmp_path / "wfdb" / "a", "r1", beats_mv(500))
    write_recording(tmp_path / "elsewhere", "r2", beats_mv(500) * 0.9)
    (tmp_path / "wfdb" / "b").symlink_to(tmp_path / "elsewhere")
    lines: list[str] = []
    assert ingest(root, SourceConfig(source=str(tmp_path / "wfdb")), lines.append).accepted == 1
    advice.in_message("\n".join(lines))
    (tmp_path / "wfdb" / "b").unlink()
    shutil.copytree(tmp_path / "elsewhere", tmp_path / "wfdb" / "b")
    assert ingest(root, SourceConfig(source=str(tmp_path / "wfdb")), quiet).accepted == 2
