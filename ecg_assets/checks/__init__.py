"""Asset checks: blocking ones for defects that would corrupt downstream assets, warnings for poor results."""

from ecg_assets.checks.dataset import class_shares_are_within_bounds, no_record_is_in_two_splits, samples_are_decodable
from ecg_assets.checks.digitization import reading_is_good_enough
from ecg_assets.checks.pages import masks_lie_on_the_ink
from ecg_assets.checks.records import index_is_sound, no_signal_is_in_two_splits, records_are_sound
from ecg_assets.checks.scans import scans_look_like_samples
from ecg_assets.checks.training import (
    champion_beats_baseline,
    dice_is_high_enough,
    training_fits_tpu,
    weights_are_sound,
)

CHECKS = [
    index_is_sound,
    records_are_sound,
    no_signal_is_in_two_splits,
    masks_lie_on_the_ink,
    no_record_is_in_two_splits,
    samples_are_decodable,
    class_shares_are_within_bounds,
    weights_are_sound,
    training_fits_tpu,
    dice_is_high_enough,
    champion_beats_baseline,
    scans_look_like_samples,
    reading_is_good_enough,
]
