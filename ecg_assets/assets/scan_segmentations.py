"""Segmentation of real images with the champion."""

import dagster as dg

from ecg_assets.assets.metadata import picture, table, told
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.scans.inbox import images_in, inbox
from ecg_assets.scans.preview import overlay_sheet
from ecg_assets.scans.stage import CODE_VERSION, results, segment_inbox
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.training.evaluation.champion_store import champion_checkpoint, put_weights_back, read_champion

_SHOWN = 3


@dg.asset(deps=["champion", "kaggle_subset"], group_name="scans", kinds={"png", "torch"}, code_version=CODE_VERSION)
def scan_segmentations(
    context: dg.AssetExecutionContext, data_root: DataRootResource, engine: EngineResource
) -> dg.MaterializeResult[None]:
    """Predicted masks of all images in scans/inbox, and overlays of the masks on the images."""
    root = data_root.open()
    images = images_in(root)
    if images:
        with data_root.writing(root.champion, context.log.info):
            _require_champion(root, context.log.info)
    with data_root.writing(results(root), context.log.info):
        # On this machine the network itself uses all cores.
        workers = engine.workers(root, context.log.info, local=1)
        # Also for an empty inbox: results of removed images are deleted.
        report = segment_inbox(root, champion_checkpoint(root), context.log.info, workers)
    if not images and not report.unreadable:
        summary = f"nothing to segment: put scans or photos of paper ECGs into {inbox(root)}"
        context.log.info(summary)
        return dg.MaterializeResult(metadata=told(summary, inbox(root)), data_version=dg.DataVersion("empty"))
    metadata = told(
        f"{len(report.made) + len(report.skipped)} images segmented, {len(report.unreadable)} unreadable",
        results(root),
        made=len(report.made),
        skipped=len(report.skipped),
        unreadable=len(report.unreadable),
    )
    if report.manifests:
        metadata["picture"] = picture(overlay_sheet(root, _SHOWN), "overlays of real images")
    if report.unreadable:
        metadata["why"] = table([{"image": name, "why": why} for name, why in report.unreadable.items()])
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(report.digest))


def _require_champion(root: DataRoot, log: Log) -> None:
    champion = read_champion(root)
    if champion is None:
        raise dg.Failure(
            f"{root.scans / 'inbox'} holds images, but there is no champion to segment them: materialise champion"
        )
    if not put_weights_back(root, champion, log):
        raise dg.Failure(f"{champion_checkpoint(root)} is damaged or missing: materialise champion")
