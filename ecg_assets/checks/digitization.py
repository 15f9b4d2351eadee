"""Checks of digitised signals."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from ecg_assets.assets.metadata import table
from ecg_assets.resources.data_root import DataRootResource

if TYPE_CHECKING:
    from ecg_assets.digitize.benchmark.scorecard import Card


# Required signal-to-noise ratio of the competition in dB, by degradation recipe.
TARGETS_DB: dict[str, float] = {"clean": 24.5, "scan": 23.0, "photo": 19.0, "screen": 17.0, "damaged": 15.0}
_WANTED = ", ".join(f"{recipe} {db:g}" for recipe, db in TARGETS_DB.items())


@dg.asset_check(
    asset="digitization_report",
    description=f"SNR in dB is at least: {_WANTED}; and 90 % of the samples with a confidence of 90 % are within "
    "0.1 mV. A warning, not an error.",
)
def reading_is_good_enough(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Warns when pages with known signals are below `TARGETS_DB`, or when the confidence is too high."""
    from ecg_assets.digitize.benchmark.html_report import decibel
    from ecg_assets.digitize.benchmark.scorecard import read_card, score_of
    from ecg_assets.digitize.benchmark.stage import scores_path

    card = read_card(scores_path(data_root.open()))
    reached = {recipe: decibel(score_of(pages)) for recipe, pages in card.grouped("recipe").items()}
    rows = [
        {"recipe": recipe, "SNR, dB": db, "target, dB": f"{TARGETS_DB[recipe]:g}" if recipe in TARGETS_DB else "-"}
        for recipe, db in reached.items()
    ]
    metadata: dict[str, Any] = {"pages": len(card.pages), "by_recipe": table(rows)}
    missed = _missed(card)
    if not missed:
        return dg.AssetCheckResult(passed=True, metadata=metadata)
    reason = f"{'; '.join(missed)}; {len(card.pages)} pages; the report shows the worst"
    return dg.AssetCheckResult(
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=reason,
        metadata=metadata | {"reason": reason},
    )


def _missed(card: "Card") -> list[str]:
    """Targets that are not reached, as text."""
    from ecg_assets.digitize.benchmark.scorecard import TARGET_SURE

    low = [f"{recipe} {db:.2f} dB (target {TARGETS_DB[recipe]:g})" for recipe, db in card.below(TARGETS_DB).items()]
    wrong = [f"{recipe} {share:.1%} (target {TARGET_SURE:.0%})" for recipe, share in card.overconfident().items()]
    said = {"SNR below the target": low, "share of high-confidence samples that are correct": wrong}
    return [f"{what}: {', '.join(which)}" for what, which in said.items() if which]
