"""What messages about samples and pages advise is done, and it helps."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from PIL import Image

from ecg_assets.assets.records import RawCsvsConfig, source_config
from ecg_assets.checks.dataset import class_shares_are_within_bounds, no_record_is_in_two_splits, samples_are_decodable
from ecg_assets.cli import main
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.layout.plan import LayoutError
from ecg_assets.pages.paths import layout_path, page_path, paper_mask_path, paper_path
from ecg_assets.pages.raster.png import PngError, encode, read_grey, read_rgb
from ecg_assets.pages.stage import build_papers, render_pages
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import ingest
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.crops import CropError
from ecg_assets.samples.reader import DatasetError, EmptySplitError, SampleReader
from ecg_assets.samples.stage import DiskSpaceError, MissingInputError, build_dataset
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.splits import SPLITS
from ecg_assets_tests.checks.test_checks import reason, result_of
from ecg_assets_tests.checks.test_dataset import IDS, SOUND, put_samples
from ecg_assets_tests.conftest import CLEAN_PAGES, AdviceGiven, quiet
from ecg_assets_tests.inspection.copies import copied_root
from ecg_assets_tests.small_disk import small_disk

TINY = SamplesConfig(recipes={"clean": 1.0}, positives=1, negatives=1, crop_px=64)
# Whose splits are all three.
RECORDS = ("90000001", "90000002", "90000005")


def draw(root: DataRoot, pages: PagesConfig = CLEAN_PAGES) -> None:
    build_papers(root, pages, quiet)
    render_pages(root, pages, 1, quiet)


def samples(root: DataRoot, config: SamplesConfig = TINY) -> int:
    build_dataset(root, config, 1, quiet)
    return len(SampleReader(root.dataset, None))


@pytest.fixture(scope="module")
def drawn(synthetic_source: Path, tmp_path_factory: pytest.TempPathFactory) -> DataRoot:
    """Three records with their pages and samples. Read only: tests copy it."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "source" / "train").mkdir(parents=True)
    table = (synthetic_source / "train.csv").read_text().splitlines(keepends=True)
    kept = [line for line in table if line.split(",")[0] in ("id", *RECORDS)]
    (folder / "source" / "train.csv").write_text("".join(kept))
    for one in RECORDS:
        shutil.copytree(synthetic_source / "train" / one, folder / "source" / "train" / one)
    root = open_root(folder / "data")
    ingest(root, SourceConfig(source=str(folder / "source")), quiet)
    draw(root)
    samples(root)
    return root


@pytest.fixture
def root(drawn: DataRoot, tmp_path: Path) -> DataRoot:
    return copied_root(drawn, tmp_path)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def without_palette(path: Path) -> None:
    Image.fromarray(read_rgb(path)).save(path)


def without_provenance(path: Path) -> None:
    path.write_text(
        json.dumps({name: value for name, value in json.loads(path.read_text()).items() if name != "provenance"})
    )


@pytest.mark.parametrize(
    ("place", "damage"),
    [
        pytest.param(
            layout_path,
            cut_off,
            marks=pytest.mark.advice("pages/layout/layout_file.py", "); delete it and materialise rendered_waves"),
        ),
        pytest.param(
            layout_path,
            Path.unlink,
            marks=pytest.mark.advice("pages/layout/layout_file.py", " is not there; materialise rendered_waves"),
        ),
        pytest.param(
            layout_path,
            without_provenance,
            marks=pytest.mark.advice("samples/labelled_page.py", "delete it and materialise rendered_waves"),
        ),
        pytest.param(
            page_path,
            without_palette,
            marks=pytest.mark.advice("pages/raster/png.py", "); delete it and materialise rendered_waves"),
        ),
    ],
)
def test_a_damaged_page_is_deleted_and_drawn_again(
    place: Callable[[DataRoot, str], Path], damage: Callable[[Path], None], root: DataRoot, advice: AdviceGiven
) -> None:
    path = place(root, str(accepted_records(root)["id"][0]))
    before = path.read_bytes()
    damage(path)
    with pytest.raises((LayoutError, PngError)) as caught:
        samples(root, TINY.model_copy(update={"seed": 1}))
    advice.in_message(caught.value)
    path.unlink(missing_ok=True)
    draw(root)
    assert samples(root, TINY.model_copy(update={"seed": 1})) == 6
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "makers"),
    [
        ("grids/kaggle.png", "clean_grid and grid_mask"),
        ("grids/kaggle_mask.png", "clean_grid and grid_mask"),
        ("data/wave_images/{}.png", "rendered_waves and wave_masks"),
        ("data/wave_masks/{}_mask.png", "rendered_waves and wave_masks"),
    ],
)
def test_a_damaged_picture_names_what_makes_it(name: str, makers: str, root: DataRoot) -> None:
    path = root.path / name.format(accepted_records(root)["id"].iloc[0])
    before = path.read_bytes()
    cut_off(path)
    with pytest.raises(PngError, match=f"; delete it and materialise {makers}$"):
        samples(root, TINY.model_copy(update={"seed": 1}))
    path.unlink()
    build_papers(root, CLEAN_PAGES, quiet) if "grid" in makers else render_pages(root, CLEAN_PAGES, 1, quiet)
    assert path.read_bytes() == before
    assert samples(root, TINY.model_copy(update={"seed": 1})) == 6


@pytest.mark.advice("samples/stage.py", " holds no finished papers; materialise clean_grid and grid_mask first")
def test_papers_are_made_first(root: DataRoot, advice: AdviceGiven) -> None:
    shutil.rmtree(root.grids)
    with pytest.raises(MissingInputError) as caught:
        samples(root)
    advice.in_message(caught.value)
    build_papers(root, CLEAN_PAGES, quiet)
    assert samples(root) == 6


@pytest.mark.advice(
    "samples/stage.py", " is not finished; materialise rendered_waves and wave_masks (they come before "
)
def test_pages_are_made_first(root: DataRoot, advice: AdviceGiven) -> None:
    shutil.rmtree(root.wave_images)
    with pytest.raises(MissingInputError) as caught:
        samples(root)
    advice.in_message(caught.value)
    render_pages(root, CLEAN_PAGES, 1, quiet)
    assert samples(root) == 6


@pytest.mark.advice("samples/stage.py", "make room, set ECG_ASSETS_DATA to a larger disk, or lower `positives`")
@pytest.mark.parametrize("done", ["make room", "a larger disk", "lower positives"])
def test_a_dataset_gets_room(done: str, drawn: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    many = TINY.model_copy(update={"positives": 30, "seed": 1})
    with small_disk(tmp_path / "disk", 24) as disk:
        root = copied_root(drawn, disk)
        free = shutil.disk_usage(disk).free
        assert free > 2 << 20
        (disk / "other").write_bytes(bytes(free - (900 << 10)))
        with pytest.raises(DiskSpaceError) as caught:
            samples(root, many)
        advice.in_message(caught.value)
        if done == "make room":
            (disk / "other").unlink()
        root = copied_root(drawn, tmp_path) if done == "a larger disk" else root
        config = many.model_copy(update={"positives": 10}) if done == "lower positives" else many
        assert samples(root, config) == 3 * config.per_page


@pytest.mark.advice("samples/stage.py", "; raise ECG_RECORDS or add records")
@pytest.mark.parametrize("done", ["raise ECG_RECORDS", "add records"])
def test_more_records_fill_all_splits(
    done: str, source_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    data, table = open_root(tmp_path / "data"), source_copy / "train.csv"

    def made(records: int | None) -> int:
        monkeypatch.setenv("ECG_SOURCE", str(source_copy))
        monkeypatch.setenv("ECG_RECORDS", str(records)) if records else monkeypatch.delenv("ECG_RECORDS", raising=False)
        ingest(data, source_config(RawCsvsConfig()), quiet)
        draw(data, PagesConfig(styles="coarse-print"))
        return samples(data)

    whole = table.read_text()
    if done == "add records":
        table.write_text("".join(whole.splitlines(keepends=True)[:3]))
    with pytest.raises(EmptySplitError) as caught:
        made(2 if done == "raise ECG_RECORDS" else None)
    advice.in_message(caught.value)
    table.write_text(whole)
    assert made(6 if done == "raise ECG_RECORDS" else None) == 12


@pytest.mark.advice("samples/crops.py", " px; lower crop_px, or raise the style's dpi")
@pytest.mark.parametrize("done", ["lower crop_px", "raise dpi"])
def test_crops_fit_a_page(done: str, drawn: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    table = tmp_path / "own.yaml"
    table.write_text("styles:\n  mine: {layout: 3x4+1, grid: pink, dpi: 100}\nmixes: {}\n")
    pages, large = PagesConfig(styles=f"{table}#mine"), TINY.model_copy(update={"crop_px": 1024})
    root = copied_root(drawn, tmp_path)
    draw(root, pages)
    with pytest.raises(CropError) as caught:
        samples(root, large)
    advice.in_message(caught.value)
    if done == "raise dpi":
        table.write_text(table.read_text().replace("100", "200"))
        read_styles.cache_clear()  # as in the next run's process
        draw(root, pages)
    assert samples(root, large if done == "raise dpi" else TINY) == 6


@pytest.mark.advice("samples/reader.py", " holds no shard-*.arrow; materialise mixed_dataset first")
def test_a_dataset_is_made_first(
    root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    shutil.rmtree(root.dataset)
    refused = CliRunner().invoke(main, ["export-dataset", str(tmp_path / "out")])
    assert refused.exit_code == 1
    advice.in_message(refused.output)
    samples(root)
    assert CliRunner().invoke(main, ["export-dataset", str(tmp_path / "out")]).exit_code == 0
    assert len(list((tmp_path / "out" / "images").iterdir())) == 6


@pytest.mark.advice("samples/reader.py", "); delete it and materialise mixed_dataset")
def test_a_cut_off_shard_is_deleted(root: DataRoot, advice: AdviceGiven) -> None:
    path = min(root.dataset.glob("shard-*.arrow"))
    cut_off(path)
    with pytest.raises(DatasetError) as caught:
        SampleReader(root.dataset, "train")
    advice.in_message(caught.value)
    path.unlink()
    assert samples(root) == 6


@pytest.mark.advice(
    "samples/reader.py", " %), so at least 20 records are needed to fill all three with near certainty; add "
)
def test_records_are_added_to_a_split_that_is_empty(root: DataRoot, advice: AdviceGiven) -> None:
    shutil.rmtree(root.dataset)
    put_samples(root, {IDS["train"]: ["train"]})
    with pytest.raises(EmptySplitError) as caught:
        SampleReader(root.dataset, "test")
    advice.in_message(caught.value)
    put_samples(root, SOUND)
    assert len(SampleReader(root.dataset, "test")) == 1


@pytest.mark.advice(
    "samples/reader.py", "; give them a weight in mixed_dataset's `recipes`, add records, or change `recipes` "
)
@pytest.mark.parametrize("done", ["a weight", "add records", "change recipes"])
def test_a_recipe_gets_samples(done: str, drawn: DataRoot, root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    few = TINY.model_copy(update={"recipes": {"clean": 1e9, "scan": 1.0}})
    many = few.model_copy(update={"recipes": {"clean": 1.0, "scan": 9.0}})
    config = TINY if done == "a weight" else few
    samples(root, config)
    with pytest.raises(DatasetError) as caught:
        SampleReader(root.dataset, "train", ("scan",))
    advice.in_message(caught.value)
    if done == "change recipes":
        assert len(SampleReader(root.dataset, "train", ("clean", "scan")))
        return
    if done == "add records":  # each draws its recipe anew
        put_samples_of_recipe(root, "scan")
    else:
        samples(root, many)
    assert len(SampleReader(root.dataset, "train", ("scan",)))


def put_samples_of_recipe(root: DataRoot, recipe: str) -> None:
    """A further shard, as of further records."""
    path = max(root.dataset.glob("shard-*.arrow"))
    table = pa.ipc.open_file(path).read_all()
    place = table.schema.get_field_index("recipe")
    column = pa.array([recipe] * len(table), table.schema.field("recipe").type)
    table = table.set_column(place, table.schema.field("recipe"), column)
    split = table.schema.get_field_index("split")
    table = table.set_column(
        split, table.schema.field("split"), pa.array(["train"] * len(table), table.schema.field("split").type)
    )
    with pa.OSFile(str(root.dataset / "shard-999.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)


@pytest.mark.advice("samples/split_leakage.py", "; add records")
def test_records_are_added_until_no_split_is_empty(root: DataRoot, advice: AdviceGiven) -> None:
    shutil.rmtree(root.dataset)
    put_samples(root, {IDS[split]: [split] for split in SPLITS[:2]})
    advice.in_message(reason(no_record_is_in_two_splits, root))
    put_samples(root, SOUND)
    assert result_of(no_record_is_in_two_splits, root).passed


@pytest.mark.advice("samples/sample_checks.py", "); delete the dataset's shards and materialise mixed_dataset")
def test_shards_with_broken_samples_are_deleted(root: DataRoot, advice: AdviceGiven) -> None:
    path = max(root.dataset.glob("shard-*.arrow"))
    table = pa.ipc.open_file(path).read_all()
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, table.schema.with_metadata({"crop_px": "65"})) as out,
    ):
        out.write_table(table.replace_schema_metadata({"crop_px": "65"}))
    advice.in_message(reason(samples_are_decodable, root))
    for shard in root.dataset.glob("shard-*.arrow"):
        shard.unlink()
    assert samples(root) == 6
    assert result_of(samples_are_decodable, root).passed


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            {},
            marks=pytest.mark.advice(
                "samples/sample_checks.py", " has no class shares (", "); materialise mixed_dataset"
            ),
        ),
        pytest.param(
            {"class_shares": [0.5, 0.1]},
            marks=pytest.mark.advice("samples/sample_checks.py", " numbers that sum to 1; materialise mixed_dataset"),
        ),
    ],
)
def test_facts_of_the_dataset_are_made_again(facts: dict[str, Any], root: DataRoot, advice: AdviceGiven) -> None:
    (root.dataset / "dataset.json").write_text(json.dumps(facts))
    advice.in_message(reason(class_shares_are_within_bounds, root))
    samples(root)
    assert "class_shares" not in facts or result_of(class_shares_are_within_bounds, root).passed
    assert len(json.loads((root.dataset / "dataset.json").read_text())["class_shares"]) == 5


@pytest.mark.advice(
    "samples/sample_checks.py", ": choose other styles (rendered_waves), or other recipes, positives or "
)
@pytest.mark.parametrize("done", ["negatives", "styles"])
def test_other_settings_bring_a_class_within_bounds(done: str, root: DataRoot, advice: AdviceGiven) -> None:
    if done == "negatives":
        samples(root, TINY.model_copy(update={"negatives": 60}))
        said = reason(class_shares_are_within_bounds, root)
        samples(root)
    else:
        draw(root, PagesConfig(styles="plain-paper"))
        samples(root)
        said = reason(class_shares_are_within_bounds, root)
        draw(root)
        samples(root)
    advice.in_message(said)
    result = result_of(class_shares_are_within_bounds, root)
    assert result.passed, result.description


@pytest.mark.advice("pages/paper/scanned_paper.py", " px from edge to edge; turn the picture until they are straight")
def test_a_turned_paper_is_turned(root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    from ecg_assets.pages.paper.scanned_paper import NoGridError
    from ecg_assets_tests.pages.paper.test_scanned_paper import turned

    paper, own = read_rgb(paper_path(root, "kaggle")), tmp_path / "own.png"
    Image.fromarray(turned(paper, 0.13)).save(own)
    config = CLEAN_PAGES.model_copy(update={"grid_png": str(own)})
    with pytest.raises(NoGridError) as caught:
        build_papers(root, config, quiet)
    advice.in_message(caught.value)
    degrees = float(str(caught.value).split("turned by ")[1].split()[0])
    with Image.open(own) as picture:
        picture.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor="white").save(own)
    assert build_papers(root, config, quiet).made


def test_a_paper_of_one_s_own_that_is_damaged_is_exported_again_and_not_deleted(root: DataRoot, tmp_path: Path) -> None:
    paper, own = read_rgb(paper_path(root, "kaggle")), tmp_path / "own.png"
    own.write_bytes(encode(read_grey(paper_mask_path(root, "kaggle")))[:200])
    config = CLEAN_PAGES.model_copy(update={"grid_png": str(own)})
    with pytest.raises(PngError, match=r"own\.png cannot be read as an image .*; export it as a PNG again$"):
        build_papers(root, config, quiet)
    Image.fromarray(paper).save(own)
    assert build_papers(root, config, quiet).made
