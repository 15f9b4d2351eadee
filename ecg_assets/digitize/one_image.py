"""Reads one image into a folder."""

import json
from pathlib import Path

from ecg_assets.digitize.outputs import Outputs, contents_of
from ecg_assets.digitize.reader import Reader
from ecg_assets.digitize.score import Scored, described, score_file, truth_of
from ecg_assets.scans.page import read_image
from ecg_assets.store.atomic import write_bytes, write_json


def digitize_to(
    reader: Reader, image: Path, outputs: Outputs, fs_hz: int, layout: str, truth: Path | None
) -> Scored | None:
    """Reads an image and writes its results; nothing is written of one that is refused.

    Args:
        reader: reads pictures.
        image: the file.
        outputs: where the results go.
        fs_hz: sampling rate of the signal that is wanted.
        layout: a name in layouts.yaml, or "auto".
        truth: a CSV of the true signal, or a folder of them; None when it is not known.

    Returns:
        How good it is, where there is a truth.

    Raises:
        UnreadableImageError: the file is no image.
        NotAnEcgError: it is refused.
        SignalsError: the truth cannot be read.
    """
    reading = reader.digitize_image(read_image(image), fs_hz, layout)
    contents = contents_of(reading, image.name, outputs)
    for path, content in contents.items():
        write_bytes(path, content)
    true_signal = truth_of(image, truth) if truth is not None else None
    if true_signal is None:
        return None
    scored = score_file(image.name, true_signal.stem, true_signal, outputs.signals)
    facts = json.loads(outputs.info.read_text("utf-8"))
    write_json(outputs.info, {**facts, "truth": true_signal.name, "snr": described(scored)})
    return scored
