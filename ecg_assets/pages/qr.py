"""QR codes."""

import cv2
import numpy as np
import numpy.typing as npt


def qr_modules(text: str) -> npt.NDArray[np.bool_]:
    """The code's modules, (n, n) bool, True where dark; without the quiet zone around it."""
    code = np.asarray(cv2.QRCodeEncoder.create().encode(text)) == 0
    rows, columns = np.flatnonzero(code.any(axis=1)), np.flatnonzero(code.any(axis=0))
    modules: npt.NDArray[np.bool_] = code[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return modules
