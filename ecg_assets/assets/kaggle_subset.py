"""Real images of the Kaggle competition."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from ecg_assets.assets.metadata import told
from ecg_assets.records.kaggle.errors import KaggleUnavailableError
from ecg_assets.records.kaggle.subset import DEFAULT_VARIANTS, PARTS_NAME, SubsetReport, current_subset, download_subset
from ecg_assets.records.kaggle.subset_manifest import MANIFEST_NAME, ZIP_NAME, Wanted, write_zip
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.resources.kaggle import KaggleResource
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.log import Log

CHECK_NAME = "real_images_were_downloaded"


class KaggleSubsetConfig(dg.Config):
    """Which images to download."""

    records: int = Field(default=10, ge=1, le=1000, description="Number of records, drawn with the seed.")
    variants: list[str] = Field(
        default=list(DEFAULT_VARIANTS),
        description="Images of each record: 0001 generated page, 0003 / 0004 scans in colour / grey, 0005 "
        "photo of a print, 0006 photo of a screen, 0009 / 0010 stained / damaged paper, 0011 / 0012 mouldy scans. "
        "About 10 MB each.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the random draw of records.")
    zip: bool = Field(default=False, description=f"Also pack all files into {ZIP_NAME} in scans/inbox.")
    required: bool = Field(
        default=False,
        description="Fail when nothing can be downloaded, for example without credentials. If off, the asset "
        "warns and the run continues with the images in scans/inbox.",
    )


@dataclass(frozen=True)
class _Outcome:
    report: SubsetReport | None = None
    problem: str | None = None


@dg.asset(
    group_name="scans",
    kinds={"png", "csv"},
    check_specs=[
        dg.AssetCheckSpec(
            CHECK_NAME,
            asset="kaggle_subset",
            description="All requested Kaggle files are in scans/inbox. A warning that does not stop the run.",
        )
    ],
)
def kaggle_subset(
    context: dg.AssetExecutionContext, config: KaggleSubsetConfig, data_root: DataRootResource, kaggle: KaggleResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # with a check, Dagster refuses the generic form
    """Real page images and their signals, downloaded from the Kaggle competition into scans/inbox."""
    inbox = data_root.open().scans / "inbox"
    with data_root.writing(inbox.parent, context.log.info):
        inbox.mkdir(parents=True, exist_ok=True)
        outcome = _download(kaggle, config, inbox, context.log.info)
    if outcome.problem is not None:
        if config.required:
            raise dg.Failure(f"nothing downloaded, and `required` is set: {outcome.problem}", allow_retries=False)
        # The rest of the platform works without an account, so the run does not fail.
        context.log.warning(f"nothing downloaded: {outcome.problem}")
    present = _content(inbox)
    return dg.MaterializeResult(
        metadata=_metadata(outcome, inbox, len(present)),
        data_version=dg.DataVersion(fingerprint(present)),
        check_results=[_checked(outcome)],
    )


def _download(kaggle: KaggleResource, config: KaggleSubsetConfig, inbox: Path, log: Log) -> _Outcome:
    wanted = Wanted(
        competition=kaggle.competition, records=config.records, variants=tuple(config.variants), seed=config.seed
    )
    try:
        report = current_subset(wanted, inbox)
        if report is None:
            report = download_subset(kaggle.connect(log), wanted, inbox, inbox.parent / PARTS_NAME, log)
    except KaggleUnavailableError as error:
        return _Outcome(problem=str(error))
    if config.zip:
        write_zip(inbox, report.manifest)
    return _Outcome(report)


def _metadata(outcome: _Outcome, inbox: Path, present: int) -> dict[str, Any]:
    summary = f"{present} files in the inbox"
    if outcome.report is None:
        return told(f"nothing downloaded; {summary}", inbox, files=present, not_downloaded_because=outcome.problem)
    more = {"missing": list(outcome.report.manifest.missing)} if outcome.report.manifest.missing else {}
    kept = len(outcome.report.manifest.files) - outcome.report.fetched
    return told(
        f"{outcome.report.summary}; {summary}", inbox, files=present, made=outcome.report.fetched, skipped=kept, **more
    )


def _checked(outcome: _Outcome) -> dg.AssetCheckResult:
    if outcome.report is not None:
        return dg.AssetCheckResult(
            check_name=CHECK_NAME, passed=True, metadata={"files": len(outcome.report.manifest.files)}
        )
    return dg.AssetCheckResult(
        check_name=CHECK_NAME,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=outcome.problem,
        metadata={"reason": str(outcome.problem)},
    )


def _content(inbox: Path) -> dict[str, str]:
    """Name -> SHA-256 of all files in the inbox, including images that people put there."""
    return {
        path.relative_to(inbox).as_posix(): sha256_file(path)
        for path in sorted(inbox.rglob("*"))
        if path.is_file() and path.name[0] != "." and path.name not in (MANIFEST_NAME, ZIP_NAME)
    }
