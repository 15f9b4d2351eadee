"""The reader's version: pictures are read again when it changes."""

from importlib.resources import files
from pathlib import Path

from ecg_assets.store.fingerprint import fingerprint, sha256_file

# Raise this when a change of code or tables changes the reading of a picture. Changed weights are detected by their
# content.
CODE_VERSION = "1"


def reader_version() -> str:
    """Hash of `CODE_VERSION` and of the package's weights, independent of their file names."""
    weights = Path(str(files("ecg_assets.weights")))
    hashes = sorted(sha256_file(path) for path in weights.iterdir() if path.suffix in (".safetensors", ".onnx"))
    return fingerprint(CODE_VERSION, hashes)
