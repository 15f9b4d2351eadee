"""Another sampling rate: band-limited signals come out as if they had been recorded so."""

import numpy as np
import pytest

from ecg_assets.records.resampling import resample_fft


@pytest.mark.parametrize(
    ("n", "count"), [(2575, 5000), (5000, 2575), (1000, 5000), (5000, 1000), (999, 1000), (500, 500)]
)
def test_tones_come_out_as_recorded_at_the_other_rate(n: int, count: int) -> None:
    def tones(samples: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        turns = 2 * np.pi * np.arange(samples) / samples
        return np.stack([np.sin(3 * turns) + 0.2, np.cos(7 * turns + 1)])

    found, wanted = resample_fft(tones(n), count), tones(count)
    # Beside the ends, where the periodic continuation has a kink, and beyond the last sample, which nobody measured.
    inner = np.s_[:, count // 50 : -(count // 50)]
    np.testing.assert_allclose(found[inner], wanted[inner], atol=0.002)
    np.testing.assert_allclose(found, wanted, atol=0.05)


def test_a_drift_does_not_ring_at_the_ends() -> None:
    drift = np.linspace(-1.0, 2.0, 2575)[None]
    found = resample_fft(drift, 5000)
    assert np.abs(found[0] - (-1.0 + 3.0 * np.arange(5000) * (2575 / 5000) / 2574)).max() < 1e-9


@pytest.mark.parametrize(("n", "count"), [(1000, 5000), (2000, 1000)])
def test_a_tone_at_half_of_the_lower_rate_keeps_its_height(n: int, count: int) -> None:
    tone = [np.cos(2 * np.pi * 500 * np.arange(samples) / samples)[None] for samples in (n, count)]
    inner = np.s_[:, count // 50 : -(count // 50)]
    np.testing.assert_allclose(resample_fft(tone[0], count)[inner], tone[1][inner], atol=0.02)
