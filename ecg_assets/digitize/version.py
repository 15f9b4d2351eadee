"""What tells whether a picture would be read otherwise than it was."""

from importlib.resources import files
from pathlib import Path

from ecg_assets.store.fingerprint import fingerprint, sha256_file

# To be raised when the same picture would be read otherwise: after a change of code or tables on the way from a picture
# to millivolts. Weights are told by their content.
CODE_VERSION = "1"


def reader_version() -> str:
    """Hash of the version of the code that reads and of the package's weights, whatever their files are called."""
    weights = Path(str(files("ecg_assets.weights")))
    hashes = sorted(sha256_file(path) for path in weights.iterdir() if path.suffix in (".safetensors", ".onnx"))
    return fingerprint(CODE_VERSION, hashes)
