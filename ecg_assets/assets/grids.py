"""The empty paper and its mask."""

from collections.abc import Iterator

import dagster as dg

from ecg_assets.assets.metadata import picture, stage_counts, told
from ecg_assets.pages.preview import grid_mask_preview, paper_preview
from ecg_assets.pages.stage import CODE_VERSION, PagesConfig, build_papers, paper_mask_path, paper_path
from ecg_assets.resources.storage import DataRootResource
from ecg_assets.store.fingerprint import sha256_file


@dg.multi_asset(
    name="grids",
    group_name="data",
    specs=[
        dg.AssetSpec(
            "clean_grid",
            description="The empty ECG paper, without any trace.",
            kinds={"png"},
            code_version=CODE_VERSION,
        ),
        dg.AssetSpec(
            "grid_mask",
            description="The paper's 5-mm lines as classes: horizontal, vertical and where they cross.",
            kinds={"png"},
            code_version=CODE_VERSION,
        ),
    ],
)
def grids(context: dg.AssetExecutionContext, data_root: DataRootResource) -> Iterator[dg.MaterializeResult[None]]:
    """The empty paper and the mask of its lines, made together."""
    root = data_root.open()
    with data_root.writing(root.grids, context.log.info):
        report = build_papers(root, PagesConfig(), context.log.info)
    counts = stage_counts(report)
    paper, mask = paper_path(root), paper_mask_path(root)
    yield dg.MaterializeResult(
        asset_key="clean_grid",
        metadata=told("the empty paper", paper, picture=picture(paper_preview(root), "the empty paper"), **counts),
        data_version=dg.DataVersion(sha256_file(paper)),
    )
    yield dg.MaterializeResult(
        asset_key="grid_mask",
        metadata=told(
            "the mask of its lines", mask, picture=picture(grid_mask_preview(root), "lines in class colours"), **counts
        ),
        data_version=dg.DataVersion(sha256_file(mask)),
    )
