"""The printed pages and the masks of their traces."""

import time
from collections.abc import Iterator

import dagster as dg

from ecg_assets.assets.config_bridge import as_library
from ecg_assets.assets.metadata import drawn, stage_counts, told
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.preview import contact_sheet, mask_sheet
from ecg_assets.pages.shard import NOTES
from ecg_assets.pages.stage import CODE_VERSION, render_pages
from ecg_assets.records.index import QUARANTINED, read_index
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource

_SHOWN = 6


class RenderConfig(dg.Config, PagesConfig):
    """How pages are rendered."""


@dg.multi_asset(
    name="pages",
    group_name="data",
    specs=[
        dg.AssetSpec(
            "rendered_waves",
            deps=["raw_csvs"],
            description="The records printed on ECG paper: one page image per record, with its layout.",
            kinds={"png"},
            code_version=CODE_VERSION,
        ),
        dg.AssetSpec(
            "wave_masks",
            deps=["raw_csvs"],
            description="Masks of the traces on those pages, pixel for pixel from the same drawing.",
            kinds={"png"},
            code_version=CODE_VERSION,
        ),
    ],
)
def pages(
    context: dg.AssetExecutionContext, config: RenderConfig, data_root: DataRootResource, engine: EngineResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Renders pages and masks of their traces in one pass, from the same coverage array."""
    root, started = data_root.open(), time.perf_counter()
    with data_root.writing(root.wave_images, context.log.info):
        look = as_library(config, PagesConfig)
        report = render_pages(root, look, engine.workers(root, context.log.info), context.log.info)
    seconds = time.perf_counter() - started
    printed, counts = report.total("pages"), stage_counts(report)
    images, masks = (report.digest_of(root.relative(folder)) for folder in (root.wave_images, root.wave_masks))
    notes = {f"pages_with_{note}": report.total(note) for note in NOTES}
    yield dg.MaterializeResult(
        asset_key="rendered_waves",
        metadata=told(
            f"{printed} pages",
            root.wave_images,
            picture=drawn(root, "rendered_waves", "pages", images, contact_sheet, root, _SHOWN),
            pages=printed,
            pages_by_style=report.counts("styles"),
            records_quarantined=int((read_index(root)["status"] == QUARANTINED).sum()),
            pages_drawn=report.made_total("drawn"),
            pages_a_second=round(report.made_total("drawn") / seconds, 1),
            **notes,
            **counts,
        ),
        data_version=dg.DataVersion(images),
    )
    yield dg.MaterializeResult(
        asset_key="wave_masks",
        metadata=told(
            f"{printed} wave masks",
            root.wave_masks,
            picture=drawn(root, "wave_masks", "wave masks", [images, masks], mask_sheet, root, _SHOWN),
            wave_share=round(report.total("wave_pixels") / max(1, report.total("pixels")), 5),
            wave_share_of_the_competitions_pages="0.007 to 0.01",
            **counts,
        ),
        data_version=dg.DataVersion(masks),
    )
