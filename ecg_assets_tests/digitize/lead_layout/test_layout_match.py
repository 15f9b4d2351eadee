"""Which lead stands where, by how the limb leads fit together."""

import numpy as np
import pytest

from ecg_assets.digitize.benchmark.rendered_pages import records_of_split
from ecg_assets.digitize.lead_layout.einthoven import disagreement, reconcile
from ecg_assets.digitize.lead_layout.layout_match import arrange, candidates, slots_of
from ecg_assets.pages.style.layouts import layout_named, layouts
from ecg_assets.records.record import LEADS, Record

RECORDS = records_of_split("validation", 25)
PRINTED = ["3x4+1", "6x2", "12x1", "cabrera-6x2"]


def rows_of(record: Record, layout: str, noise_mv: float, rng: np.random.Generator) -> np.ndarray:
    """Each row's line as it is printed, at about 8 columns a millimetre."""
    slots = slots_of(layout_named(layout))
    across = max(slot.columns for slot in slots)
    rows = np.full((max(slot.row for slot in slots) + 1, 2000), np.nan)
    time = np.linspace(0, record.signal_mv.shape[1] - 1, rows.shape[1])
    for slot in slots:
        sign = -1.0 if slot.lead.startswith("-") else 1.0
        values = sign * np.interp(time, np.arange(record.signal_mv.shape[1]), record.lead(slot.lead.removeprefix("-")))
        part = slice(slot.column * 2000 // slot.columns, (slot.column + 1) * 2000 // slot.columns)
        rows[slot.row, part] = values[part] - np.median(values[part])
    assert across in (1, 2, 4)
    return rows + rng.normal(0, noise_mv, rows.shape)


def test_the_layout_is_right_in_99_of_100() -> None:
    rng = np.random.default_rng(0)
    right = 0
    for record in RECORDS:
        for layout in PRINTED:
            found = arrange(rows_of(record, layout, 0.03, rng))
            assert found is not None
            right += found.name == layout
    assert right >= 99


def test_all_layouts_with_as_many_rows_are_compared() -> None:
    found = arrange(rows_of(RECORDS[0], "6x2", 0.0, np.random.default_rng(0)))
    assert found is not None
    assert set(found.others) == set(candidates(6))
    assert {"6x2", "cabrera-6x2"} <= set(candidates(6)) <= set(layouts())
    assert found.confidence > 0.3
    assert arrange(np.zeros((9, 100))) is None


def test_leads_that_belong_together_do_not_contradict_each_other() -> None:
    names = ["I", "II", "III", "aVR", "aVL", "aVF"]
    signal = np.stack([RECORDS[0].lead(name) for name in names]).astype(np.float64)
    right = disagreement(names, signal + np.arange(6)[:, None])  # offsets do not matter
    wrong = disagreement(["II", "I", *names[2:]], signal)
    assert right is not None and wrong is not None
    assert right < 0.01 < 0.1 < wrong
    assert disagreement(["V1", "V2", "I"], signal[:3]) is None


def test_a_lead_that_lost_a_peak_gets_it_back_from_the_others() -> None:
    names = ["I", "II", "III", "aVR", "aVL", "aVF"]
    truth = np.stack([RECORDS[0].lead(name) for name in names]).astype(np.float64)
    peak = int(np.abs(truth[1]).argmax())
    broken = truth.copy()
    broken[1, peak - 3 : peak + 4] = np.median(truth[1])
    held = reconcile(names, broken, np.ones(broken.shape))
    assert np.abs(broken - truth).max() > 0.3
    assert np.abs(held - truth).max() < 0.02


def test_of_three_leads_that_disagree_none_is_blamed() -> None:
    names = ["I", "II", "III", "II"]
    truth = np.stack([RECORDS[0].lead(name) for name in names]).astype(np.float64)
    broken = truth.copy()
    broken[0, 100:140] += 0.8
    held = reconcile(names, broken, np.ones(broken.shape))
    assert np.abs(held - truth)[[1, 2, 3]].max() < 0.02


@pytest.mark.parametrize("names", [["I", "II"], ["V1", "V2"]])
def test_two_leads_say_nothing_of_each_other(names: list[str]) -> None:
    signal = np.stack([RECORDS[0].lead(name) for name in names]).astype(np.float64)
    assert (reconcile(names, signal, np.ones(signal.shape)) == signal).all()


def test_known_leads_are_all_leads() -> None:
    assert {slot.lead for slot in slots_of(layout_named("12x1"))} == set(LEADS)
