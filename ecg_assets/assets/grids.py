"""The empty paper and its mask."""

from collections.abc import Iterator

import dagster as dg

from ecg_assets.assets.metadata import drawn, stage_counts, table, told
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.paper.papers import StyledPapers
from ecg_assets.pages.preview import grid_mask_preview, paper_preview
from ecg_assets.pages.stage import CODE_VERSION, build_papers, paper_hashes
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.fingerprint import fingerprint


class GridsConfig(dg.Config, PagesConfig):
    """Styles of the empty papers; use the same settings for rendered_waves."""


@dg.multi_asset(
    name="grids",
    group_name="data",
    specs=[
        dg.AssetSpec(
            "clean_grid",
            description="The empty ECG paper of each style, without traces.",
            kinds={"png"},
            code_version=CODE_VERSION,
        ),
        dg.AssetSpec(
            "grid_mask",
            description="Masks of the paper's 5-mm lines: horizontal, vertical and their crossings.",
            kinds={"png"},
            code_version=CODE_VERSION,
        ),
    ],
)
def grids(
    context: dg.AssetExecutionContext, config: GridsConfig, data_root: DataRootResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Draws the empty papers and the masks of their lines."""
    root = data_root.open()
    with data_root.writing(root.grids, context.log.info):
        report = build_papers(root, config, context.log.info)
    counts = stage_counts(report)
    styles = list(StyledPapers(config))
    papers, masks = paper_hashes(root)
    shares = [
        {"style": style, "horizontal": share[1], "vertical": share[2], "intersection": share[3]}
        for numbers in report.held.numbers
        for style, share in numbers.get("class_shares", {}).items()
    ]
    yield dg.MaterializeResult(
        asset_key="clean_grid",
        metadata=told(
            f"empty paper in {len(styles)} styles" if len(styles) > 1 else f"the empty paper, style {styles[0]}",
            root.grids,
            picture=drawn(root, "clean_grid", "corners of the empty papers", papers, paper_preview, root, styles),
            styles=styles,
            **counts,
        ),
        data_version=dg.DataVersion(fingerprint(papers)),
    )
    yield dg.MaterializeResult(
        asset_key="grid_mask",
        metadata=told(
            "masks of the 5-mm lines",
            root.grids,
            picture=drawn(root, "grid_mask", "lines in class colours", masks, grid_mask_preview, root, styles),
            class_shares=table(shares),
            **counts,
        ),
        data_version=dg.DataVersion(fingerprint(masks)),
    )
