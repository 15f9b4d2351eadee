"""The comb of 5-mm lines: any resolution and colour, strong or dotted 1-mm lines, and how far it drifts."""

import numpy as np
import numpy.typing as npt
import pytest

from ecg_assets.pages.paper.line_spacing import NoCombError, drift_px, find_comb

Colour = tuple[int, int, int]
Colours = npt.NDArray[np.float64]

LENGTH_MM, FIRST_MM = 200.0, 2.1
WHITE, RED = (255, 255, 255), (230, 60, 60)


def covered(px_per_mm: float, spacing_mm: float, width_mm: float, first_mm: float) -> Colours:
    """(n, 1) how much of each pixel the lines cover."""
    edges = np.arange(round(LENGTH_MM * px_per_mm) + 1)[:, None] / px_per_mm
    middles = first_mm + spacing_mm * np.arange(-5, LENGTH_MM / spacing_mm + 5)
    inside = np.clip(edges, middles - width_mm / 2, middles + width_mm / 2)
    cover: Colours = np.diff(inside, axis=0).sum(axis=1, keepdims=True) * px_per_mm
    return cover


def paper(
    px_per_mm: float,
    major: Colour = RED,
    minor: Colour | None = None,
    white: Colour = WHITE,
    minor_mm: float = 0.2,
    first_mm: float = FIRST_MM,
) -> Colours:
    """Mean colours of the rows of a paper."""
    colours = np.broadcast_to(np.array(white, dtype=np.float64), (round(LENGTH_MM * px_per_mm), 3))
    for colour, spacing_mm, width_mm in ((minor, 1.0, minor_mm), (major, 5.0, 0.25)):
        if colour is not None:
            cover = covered(px_per_mm, spacing_mm, width_mm, first_mm % spacing_mm)
            colours = colours * (1 - cover) + np.array(colour) * cover
    return colours


def truth_px(px_per_mm: float) -> Colours:
    return np.arange(FIRST_MM, LENGTH_MM, 5.0) * px_per_mm


@pytest.mark.parametrize("dpi", [100, 120, 150, 200, 254, 300, 400])
@pytest.mark.parametrize("minor", [None, (254, 223, 219), (235, 120, 120)])
def test_lines_are_found_at_any_resolution_with_faint_strong_or_no_1_mm_lines(dpi: int, minor: Colour | None) -> None:
    comb = find_comb(paper(dpi / 25.4, minor=minor))
    assert comb.spacing_px == pytest.approx(5 * dpi / 25.4, rel=2e-4)
    np.testing.assert_allclose(comb.places_px, truth_px(dpi / 25.4), atol=0.25)


@pytest.mark.parametrize(
    ("major", "minor", "white"),
    [
        ((60, 160, 80), (200, 235, 205), WHITE),
        ((255, 190, 200), (255, 235, 238), WHITE),
        ((240, 240, 100), None, WHITE),
        ((80, 220, 120), (30, 70, 40), (20, 20, 30)),  # light on dark
        ((150, 150, 255), None, (255, 230, 150)),  # the least channel is the same in line and paper
    ],
)
def test_lines_are_found_in_any_colour(major: Colour, minor: Colour | None, white: Colour) -> None:
    comb = find_comb(paper(8.0, major, minor, white))
    np.testing.assert_allclose(comb.places_px, truth_px(8.0), atol=0.1)


def test_lines_all_alike_are_no_comb() -> None:
    with pytest.raises(NoCombError, match=r"of the pattern|expected lines"):
        find_comb(paper(8.0, major=RED, minor=RED, minor_mm=0.25))


@pytest.mark.parametrize("drift_mm", [-1.5, -0.2, 0.0, 0.2, 1.5])
def test_a_drift_is_measured_whatever_the_colours(drift_mm: float) -> None:
    first = paper(8.0, minor=(254, 223, 219))
    second = paper(8.0, minor=(254, 223, 219), first_mm=FIRST_MM + drift_mm) * 0.8
    assert drift_px(first, second, 40.0) == pytest.approx(drift_mm * 8.0, abs=0.05)
