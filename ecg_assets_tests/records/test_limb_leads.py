"""Limb leads that contradict each other, and what would make them fit."""

from itertools import combinations

import numpy as np
import pytest

from ecg_assets.records.limb_leads import LIMB_LEADS, VIOLATED, limb_leads
from ecg_assets_tests.records.einthoven import Signal, beats_mv

FS_HZ = 500


def as_printed(signal: Signal) -> Signal:
    """What a page of 3x4 and a strip of II shows; nothing else is known."""
    shown, quarter = np.full_like(signal, np.nan), signal.shape[1] // 4
    for lead in range(12):
        place = slice(lead // 3 * quarter, (lead // 3 + 1) * quarter)
        shown[lead, place] = signal[lead, place]
    shown[1] = signal[1]
    return shown


def test_leads_that_fit_fit_with_offsets_drift_and_noise() -> None:
    signal = beats_mv(FS_HZ)
    drift = np.linspace(-3, 2, 12)[:, None] * np.linspace(0, 1, signal.shape[1]) + np.arange(12)[:, None]
    noise = np.random.default_rng(0).normal(0, 0.003, signal.shape)
    for fits in (signal, signal + drift + noise, as_printed(signal), np.zeros_like(signal), signal * 1e-4):
        assert limb_leads(fits, FS_HZ).violation < 0.1
        assert limb_leads(fits, FS_HZ).explained_by == ()


@pytest.mark.parametrize("place", range(6))
def test_a_lead_upside_down_is_named(place: int) -> None:
    signal = beats_mv(FS_HZ)
    signal[place] *= -1
    assert limb_leads(signal, FS_HZ).explained_by == (f"{LIMB_LEADS[place]} is upside down",)
    assert f"{LIMB_LEADS[place]} is upside down" in limb_leads(as_printed(signal), FS_HZ).explained_by


@pytest.mark.parametrize(("one", "other"), combinations(range(6), 2))
def test_two_swapped_leads_are_named(one: int, other: int) -> None:
    signal = beats_mv(FS_HZ)
    signal[[one, other]] = signal[[other, one]]
    assert limb_leads(signal, FS_HZ).explained_by == (f"{LIMB_LEADS[one]} and {LIMB_LEADS[other]} are swapped",)


def test_leads_that_have_nothing_to_do_with_each_other_are_not_explained() -> None:
    noise = np.random.default_rng(1).normal(0, 0.3, (12, 5000))
    found = limb_leads(noise, FS_HZ)
    assert (found.violation > 3 * VIOLATED, found.explained_by) == (True, ())


def test_a_lead_that_stays_at_its_last_value_is_not_compared_there() -> None:
    signal = beats_mv(FS_HZ)
    signal[0, 2500:] = signal[0, 2499]
    assert limb_leads(signal, FS_HZ).violation < 0.01
