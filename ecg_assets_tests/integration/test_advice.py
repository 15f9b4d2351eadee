"""Every advice is carried out: a fault is made, its message is read, what it says is done, and it helps.

A row of the table is a file that comes to harm. A step that reads it fails, `ecg-assets verify` and the failure say
what to do, the file is deleted, and the run is executed again from its failure, as the UI does it.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from ecg_assets.cli import main
from ecg_assets.definitions import definitions
from ecg_assets.records.index import accepted_records
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.integration.live import instance_of, make_home
from ecg_assets_tests.integration.live_training import write_experiment

pytestmark = pytest.mark.timeout(900)

EVERYTHING = [
    *("raw_csvs", "clean_grid", "grid_mask", "rendered_waves", "wave_masks", "mixed_dataset"),
    *("trained_checkpoint", "evaluation_report", "champion", "scan_segmentations"),
]
# By op: the asset that it makes, and how.
CONFIG = {
    "grids": ("clean_grid", {"config": {"styles": "kaggle"}}),
    "pages": ("rendered_waves", {"config": {"styles": "kaggle"}}),
    "mixed_dataset": (
        "mixed_dataset",
        {"config": {"recipes": {"clean": 1.0}, "positives": 1, "negatives": 1, "crop_px": 64}},
    ),
}
RENDERED, DATASET = "data/wave_images", "dataset_grid_wave_mix"


@cache
def made_job() -> dg.JobDefinition:
    """Putting all definitions together takes a second."""
    everything = dg.Definitions(jobs=[dg.define_asset_job("everything", dg.AssetSelection.all())])
    return dg.Definitions.merge(definitions(), everything).resolve_job_def("everything")


def whole_job() -> dg.JobDefinition:
    return made_job()


@dataclass(frozen=True)
class Platform:
    """A data root with all assets made, and the instance that has their runs."""

    root: DataRoot
    instance: dg.DagsterInstance

    def run(self, *keys: str) -> dg.JobExecutionResult:
        """What Materialize does with a selection."""
        config = {"ops": {op: settings for op, (key, settings) in CONFIG.items() if key in keys}}
        selection = [dg.AssetKey(key) for key in keys]
        options = {"asset_selection": selection, "run_config": config, "raise_on_error": False}
        with dg.execute_job(dg.reconstructable(whole_job), self.instance, **options) as result:  # type: ignore[arg-type]
            return result

    def again_from_failure(self, failed: dg.JobExecutionResult) -> dg.JobExecutionResult:
        """What Re-execute from failure does."""
        options = dg.ReexecutionOptions.from_failure(failed.run_id, self.instance)
        with dg.execute_job(
            dg.reconstructable(whole_job),
            self.instance,
            reexecution_options=options,
            run_config=failed.dagster_run.run_config,
            raise_on_error=False,
        ) as result:
            return result

    def told(self, failed: dg.JobExecutionResult) -> str:
        """What its failed steps and checks say, and its log, which holds what a trainer says."""
        lines = [entry.user_message for entry in self.instance.all_logs(failed.run_id)]
        return "\n".join([errors(failed), *lines])

    def contents(self) -> dict[str, str]:
        """Hashes of what people get; what tells of times is left out."""
        kept = [path for name in ("ori_csv", "grids", "data", DATASET) for path in (self.root.path / name).rglob("*.*")]
        kept += [self.root.path / name for name in ("runs/published.safetensors", "champion/champion.safetensors")]
        return {
            self.root.relative(path): sha256_file(path)
            for path in kept
            if path.is_file() and not path.name.startswith(".") and "_manifests" not in path.parts
        }


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("advice")
    tiny = write_experiment(folder, "tiny", runtime="torch", epochs=2, steps_per_epoch=2, validation_steps=1)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "ECG_ASSETS_DATA": str(folder / "data_root"),
            "DAGSTER_HOME": str(make_home(folder / "home")),
            "ECG_EXPERIMENT": str(tiny),
            "ECG_RECORDS": "12",
            "ECG_WORKERS": "1",
            "HOME": str(folder),
        }.items():
            patch.setenv(name, value)
        patch.delenv("ECG_SOURCE", raising=False)
        root = open_root()
        with instance_of(folder / "home") as instance:
            made = Platform(root, instance)
            result = made.run(*EVERYTHING[:-1])
            assert result.success, errors(result)
            (root.scans / "inbox").mkdir(parents=True, exist_ok=True)
            shutil.copy(sorted(root.wave_images.glob("*.png"))[0], root.scans / "inbox" / "scan.png")
            assert made.run("scan_segmentations").success
            yield made


def errors(result: dg.JobExecutionResult) -> str:
    """All that a failed run's steps and checks say."""
    said = [str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure]
    checks = [event.event_specific_data for event in result.all_events]
    failed = [one for one in checks if isinstance(one, dg.AssetCheckEvaluation) and not one.passed]
    return "\n".join([*said, *(str(check.description) for check in failed)])


def verified() -> str:
    result = CliRunner().invoke(main, ["verify"])
    return "" if result.exit_code == 0 else result.output


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def no_json(path: Path) -> None:
    path.write_text("{")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@dataclass(frozen=True)
class Row:
    """A file that comes to harm.

    Attributes:
        file: below the data root, with the `id` and the `shard` of one record.
        fails: the asset that is materialised and fails at it.
        due: files whose absence makes that asset's work due.
        damage: how it comes to harm.
        seen: whether `verify` sees it.
        trains: whether what helps is a new training, whose weights are others.
    """

    file: str
    fails: tuple[str, ...]
    due: tuple[str, ...] = ()
    damage: Callable[[Path], None] = cut_off
    seen: bool = True
    trains: bool = False

    def __str__(self) -> str:
        return self.file


PAGES, SAMPLES = ("rendered_waves", "wave_masks"), ("mixed_dataset",)
REDRAWN, RECUT = (f"{RENDERED}/{{id}}.png",), (f"{DATASET}/{{shard}}.arrow",)
RETRAINED = ("runs/tiny/config.json",)
RESCORED = ("runs/tiny/report/scores.json",)
TABLE = (
    Row(f"{RENDERED}/{{id}}.png", SAMPLES, RECUT),
    pytest.param(
        Row("runs/tiny/checkpoints/best.safetensors", ("trained_checkpoint",), (), flipped),
        marks=pytest.mark.advice(
            "inspection/advice.py", "delete it and materialise trained_checkpoint with experiment "
        ),
    ),
    Row("runs/published.json", ("evaluation_report",), (), no_json, seen=False),
)
# By `make soak`.
MORE = (
    Row("ori_csv/train/{id}/{id}.csv", PAGES, REDRAWN),
    Row(f"{RENDERED}/_manifests/{{shard}}.json", SAMPLES, RECUT, no_json),
    Row(f"{DATASET}/{{shard}}.arrow", ("evaluation_report",), RESCORED),
    Row("ori_csv/index.parquet", PAGES, REDRAWN),
    Row("ori_csv/_manifests/records.json", ("raw_csvs",), (), no_json),
    Row("grids/kaggle_mask.png", SAMPLES, RECUT),
    Row("grids/kaggle.png", SAMPLES, RECUT),
    Row("grids/_manifests/shard-000.json", SAMPLES, RECUT, no_json),
    Row(f"{RENDERED}/{{id}}.json", SAMPLES, RECUT),
    Row("data/wave_masks/{id}_mask.png", SAMPLES, RECUT),
    Row(f"{DATASET}/_manifests/{{shard}}.json", SAMPLES, (), no_json),
    Row(f"{DATASET}/dataset.json", ("trained_checkpoint",), (), no_json, seen=False),
    Row("runs/tiny/report/scores.json", ("champion",), (), no_json, seen=False),
    Row("runs/tiny/state.json", ("trained_checkpoint",), (), no_json, seen=False),
    # These train anew, and no two trainings take the same time, which their checkpoints tell.
    Row("runs/tiny/config.json", ("trained_checkpoint",), (), no_json, seen=False, trains=True),
    Row(f"{DATASET}/{{shard}}.arrow", ("trained_checkpoint",), RETRAINED, trains=True),
)
ROWS = [*TABLE, *(pytest.param(row, marks=pytest.mark.soak) for row in MORE)]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_deleting_what_is_damaged_and_executing_again_from_the_failure_helps(
    platform: Platform, row: Row, request: pytest.FixtureRequest
) -> None:
    record_id, shard = one_record(platform.root)
    path, *due = (
        platform.root.path / name.format(id=record_id, shard=f"shard-{shard:03d}") for name in (row.file, *row.due)
    )
    before = platform.contents()
    for work in due:
        work.unlink()
    row.damage(path)
    failed = platform.run(*row.fails)
    assert not failed.success
    said, name = platform.told(failed), platform.root.relative(path)
    assert path.name in said and "delete it" in said, said
    assert not row.seen or name in verified()
    if request.node.get_closest_marker("advice"):
        request.getfixturevalue("advice").in_message(verified())
    path.unlink()
    again = platform.again_from_failure(failed)
    assert again.success, errors(again)
    assert verified() == ""
    changed = {name for name, sha256 in platform.contents().items() if sha256 != before.get(name)}
    assert changed == ({"runs/published.safetensors"} if row.trains else set())
    assert len(platform.contents()) == len(before)


def one_record(root: DataRoot) -> tuple[str, int]:
    """A record, and the shard in which it is."""
    last = accepted_records(root, ["shard"]).iloc[-1]
    return str(last["id"]), int(last["shard"])
