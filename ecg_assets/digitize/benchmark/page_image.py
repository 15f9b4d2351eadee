"""Draws a preview of a page with its recovered traces and of its worst lead."""

import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ecg_assets.digitize.benchmark.rendered_pages import Trial
from ecg_assets.digitize.interface import Reading
from ecg_assets.digitize.scoring.snr import align, lead_powers, printed_window
from ecg_assets.records.record import LEADS

_WIDTH_PX, _PLOT_PX, _DPI, _COLOURS = 760, 240, 80, 128

Rgb = npt.NDArray[np.uint8]


def page_picture(trial: Trial, reading: Reading) -> bytes:
    """A PNG: the picture with the recovered traces, above the worst lead's truth and reading."""
    powers = lead_powers(trial.truth_mv, reading.signal_mv, trial.record.fs_hz)
    worst = min(powers, key=lambda lead: powers[lead].db)
    with Image.open(io.BytesIO(reading.check_png())) as drawn:
        check: Rgb = np.asarray(drawn.convert("RGB"))
    title = f"{worst}, {powers[worst].db:.1f} dB"
    return _small_png(np.vstack([_wide(check), _plot(trial, reading, worst, title)]))


def refused_picture(trial: Trial) -> bytes:
    """A PNG preview of a refused picture."""
    return _small_png(_wide(trial.picture_hwc))


def _wide(image_hwc: Rgb) -> Rgb:
    """Averages areas: picking pixels would drop thin lines."""
    height = max(1, round(image_hwc.shape[0] * _WIDTH_PX / image_hwc.shape[1]))
    return np.asarray(cv2.resize(image_hwc, (_WIDTH_PX, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _plot(trial: Trial, reading: Reading, lead: str, title: str) -> Rgb:
    """(h, w, 3) uint8: one lead's true and recovered signal, with shift and offset removed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    place, fs_hz = LEADS.index(lead), trial.record.fs_hz
    window = printed_window(trial.truth_mv[place])
    truth = trial.truth_mv[place][window]
    read = align(truth, reading.signal_mv[place][window], fs_hz).values_mv
    figure = Figure(figsize=(_WIDTH_PX / _DPI, _PLOT_PX / _DPI), dpi=_DPI, layout="constrained")
    canvas, axes = FigureCanvasAgg(figure), figure.subplots()
    time_s = (np.arange(len(truth)) + window.start) / fs_hz
    axes.plot(time_s, truth, color="0.6", linewidth=2.4, label="printed")
    axes.plot(time_s, read, color="tab:red", linewidth=0.9, label="read")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("s")
    axes.set_ylabel("mV")
    axes.legend(loc="upper right", fontsize=8)
    axes.grid(alpha=0.3)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels: Rgb = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    return np.asarray(cv2.resize(pixels, (_WIDTH_PX, _PLOT_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _small_png(image_hwc: Rgb) -> bytes:
    target = io.BytesIO()
    # The other quantisation methods spend all palette colours on paper and noise and drop those of the traces.
    few = Image.fromarray(image_hwc).quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(target, "PNG", optimize=True)
    return target.getvalue()
