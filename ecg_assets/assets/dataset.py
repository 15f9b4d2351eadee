"""The training samples."""

import json

import dagster as dg

from ecg_assets.assets.config_bridge import as_library
from ecg_assets.assets.metadata import drawn, stage_counts, table, told
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.samples.classes import CLASSES
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.preview import recipe_sheet, sample_sheet
from ecg_assets.samples.stage import CODE_VERSION, build_dataset
from ecg_assets.store.sealed import read_unsealed

_SHOWN, _SHOWN_OF_A_RECIPE = 10, 5
# Measured on whole pages of variant 0001; samples are cut around traces, so their shares are higher.
_COMPETITION_SHARES = ("0.85", "0.071", "0.070", "0.0056", "0.007 to 0.01")


class DatasetConfig(dg.Config, SamplesConfig):
    """How samples are cut from pages."""


@dg.asset(
    deps=["clean_grid", "grid_mask", "rendered_waves", "wave_masks"],
    group_name="data",
    kinds={"arrow"},
    code_version=CODE_VERSION,
)
def mixed_dataset(
    context: dg.AssetExecutionContext, config: DatasetConfig, data_root: DataRootResource, engine: EngineResource
) -> dg.MaterializeResult[None]:
    """Crops of the pages with 5-class masks (background, grid lines, their crossings, wave), split by record."""
    root = data_root.open()
    with data_root.writing(root.dataset, context.log.info):
        cuts = as_library(config, SamplesConfig)
        report = build_dataset(root, cuts, engine.workers(root, context.log.info), context.log.info)
    facts = json.loads(read_unsealed(root.dataset / "dataset.json"))
    samples: dict[str, int] = facts["samples"]
    shares = [
        {"class": name, "share": round(share, 5), "share of the competition's pages": known}
        for name, share, known in zip(CLASSES, facts["class_shares"], _COMPETITION_SHARES, strict=True)
    ]
    said, digest = "samples and their masks", str(facts["digest"])
    split_text = ", ".join(f"{count} {split}" for split, count in samples.items())
    return dg.MaterializeResult(
        metadata=told(
            f"{sum(samples.values())} samples ({split_text})",
            root.dataset,
            picture=drawn(root, "mixed_dataset", said, digest, sample_sheet, root.dataset, _SHOWN),
            **{
                f"samples_{recipe}": drawn(
                    root,
                    f"samples_{recipe}",
                    f"{recipe}: {said}",
                    digest,
                    recipe_sheet,
                    root.dataset,
                    recipe,
                    _SHOWN_OF_A_RECIPE,
                )
                for recipe in facts["recipes"]
            },
            samples=sum(samples.values()),
            samples_by_split=samples,
            samples_by_recipe=facts["recipes"],
            samples_by_kind=facts["kinds"],
            pages_without_trace=facts["without_trace"],
            class_shares=table(shares),
            **stage_counts(report),
        ),
        data_version=dg.DataVersion(digest),
    )
