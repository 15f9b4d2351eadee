"""What is said of a picture that is left out: one sentence, with its name and something to do."""

import cv2
import numpy as np

from ecg_assets.scans.image import UnreadableImageError, page_of
from ecg_assets.scans.refusal import refusal_text


def test_errors_of_the_package_say_it_themselves_and_are_named_once() -> None:
    named = UnreadableImageError("page.png is 4 x 4 px; expected at least 32 px a side: scan it larger")
    assert refusal_text(named, "inbox/page.png") == str(named)
    assert refusal_text(UnreadableImageError("too small"), "inbox/page.png") == "inbox/page.png: too small"


def test_any_other_error_is_told_shortly_with_the_place_in_the_package_and_advice() -> None:
    try:
        page_of(np.zeros((0, 5, 3), dtype=np.uint8), 0, 2.0)
    except Exception as error:
        said = refusal_text(error, "page.png")
    assert said.startswith("page.png cannot be read (ZeroDivisionError: ")
    assert "in scans.image, line " in said and said.endswith("at 200 to 300 dpi")
    long = refusal_text(cv2.error("x" * 5000), "page.png")
    assert "xxx..." in long and len(long) < 400
    assert refusal_text(MemoryError(), "page.png").startswith("page.png cannot be read (MemoryError); ")
