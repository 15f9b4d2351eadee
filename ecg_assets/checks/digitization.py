"""Checks of what is read in pictures."""

from typing import TYPE_CHECKING

import dagster as dg

from ecg_assets.checks.result import failed, verdict
from ecg_assets.digitize.benchmark.snr_targets import TARGETS_DB
from ecg_assets.resources.data_root import DataRootResource

if TYPE_CHECKING:
    from ecg_assets.digitize.benchmark.scorecard import Card


_WANTED = ", ".join(f"{recipe} {db:g}" for recipe, db in TARGETS_DB.items())


@dg.asset_check(
    asset="digitization_report",
    description=f"SNR in dB is at least: {_WANTED}; and of the samples that are called 90 % sure, 90 % are within "
    "0.1 mV. A warning, not an error.",
)
def reading_is_good_enough(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Warns when pages of known signal are read worse than `snr_targets` asks, or with too much confidence."""
    from ecg_assets.digitize.benchmark.scorecard import read_card
    from ecg_assets.digitize.benchmark.stage import scores_path

    card = read_card(scores_path(data_root.open()))
    missed = _missed(card)
    if not missed:
        return verdict([], pages=len(card.pages))
    reason = f"{'; '.join(missed)}; {len(card.pages)} pages: the report shows the worst"
    return failed(reason, dg.AssetCheckSeverity.WARN)


def _missed(card: "Card") -> list[str]:
    """What is not reached, in words."""
    from ecg_assets.digitize.benchmark.scorecard import TARGET_SURE

    low = [f"{recipe} {db:.2f} dB (wanted {TARGETS_DB[recipe]:g})" for recipe, db in card.below_target().items()]
    wrong = [f"{recipe} {share:.1%} (wanted {TARGET_SURE:.0%})" for recipe, share in card.overconfident().items()]
    said = {"SNR below what is wanted": low, "samples that are called sure, but right only in": wrong}
    return [f"{what}: {', '.join(which)}" for what, which in said.items() if which]
