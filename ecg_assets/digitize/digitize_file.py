"""Digitises one image file and writes its results into a folder."""

import json
from pathlib import Path

from ecg_assets.digitize.interface import Reader
from ecg_assets.digitize.outputs import Outputs, contents_of
from ecg_assets.digitize.scoring.score_folders import Scored, described, score_signals, truth_of
from ecg_assets.digitize.signals_csv import read_signals
from ecg_assets.scans.image import read_image
from ecg_assets.scans.result_guard import PICTURE_SHA256
from ecg_assets.store.atomic import write_bytes, write_json
from ecg_assets.store.fingerprint import sha256_file


def digitize_to(
    reader: Reader, image: Path, outputs: Outputs, fs_hz: int, layout: str, truth: Path | None
) -> Scored | None:
    """Reads an image and writes its results; a refused image leaves no files.

    Args:
        reader: reads pictures.
        image: the file.
        outputs: where the results go.
        fs_hz: sampling rate of the signal to write.
        layout: a name in layouts.yaml, or "auto".
        truth: a CSV of the true signal, or a folder of such CSVs; None if unknown.

    Returns:
        The score, if there is a truth.

    Raises:
        UnreadableImageError: the file is not an image.
        NotAnEcgError: the image is refused.
        SignalsError: the truth cannot be read.
    """
    true_signal = truth_of(image, truth) if truth is not None else None
    # Read the truth before anything is written: with --overwrite a result may replace it.
    true_values = read_signals(true_signal) if true_signal is not None else None
    reading = reader.digitize_image(read_image(image), fs_hz, layout)
    contents = contents_of(reading, image.name, outputs, **{PICTURE_SHA256: sha256_file(image)})
    for path, content in contents.items():
        write_bytes(path, content)
    if true_signal is None or true_values is None:
        return None
    scored = score_signals(image.name, true_signal.stem, true_values, read_signals(outputs.signals))
    facts = json.loads(outputs.info.read_text("utf-8"))
    write_json(outputs.info, {**facts, "truth": true_signal.name, "snr": described(scored)})
    return scored
