"""Letters go, traces stay, however broken."""

import numpy as np

from ecg_assets.scans.small_components import without_specks

WAVE = 4


def page() -> np.ndarray:
    """A broken trace with a grid line beside it, two letters 4 mm high, at 10 px/mm."""
    mask = np.zeros((400, 900), np.uint8)
    mask[200:203, 50:850] = WAVE
    mask[200:203, 400:402] = 0
    mask[300:303] = 1
    return mask


def test_short_bits_of_wave_become_background_and_nothing_else_changes() -> None:
    clean = page()
    lettered = clean.copy()
    for left in (100, 140):
        lettered[60:100, left : left + 3] = WAVE
        lettered[60:63, left : left + 20] = WAVE
    np.testing.assert_array_equal(without_specks(lettered, WAVE, 10.0), clean)


def test_a_bit_as_long_as_6_mm_stays() -> None:
    mask = np.zeros((200, 200), np.uint8)
    mask[50:52, 20:80] = WAVE
    np.testing.assert_array_equal(without_specks(mask, WAVE, 10.0), mask)
    assert not without_specks(mask, WAVE, 11.0).any()


def test_a_page_without_a_wave_stays_as_it_is() -> None:
    mask = np.full((64, 64), 2, np.uint8)
    np.testing.assert_array_equal(without_specks(mask, WAVE, 7.87), mask)


def test_a_frame_around_the_page_goes_and_a_trace_that_reaches_it_stays() -> None:
    framed = np.zeros((200, 400), np.uint8)
    framed[[0, -1]] = framed[:, [0, -1]] = WAVE
    assert not without_specks(framed, WAVE, 7.87).any()
    framed[100] = WAVE
    assert (without_specks(framed, WAVE, 7.87)[100] == WAVE).all()
