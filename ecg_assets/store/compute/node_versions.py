"""Compares the code and library versions of a cluster's machines, because results depend on them.

Machines with different versions make different pages under the same fingerprint, so a task refuses to run on them.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

_PACKAGE = Path(str(files("ecg_assets")))
_CODE = (".py", ".yaml")
_LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "pyarrow", "scipy", "torch")


class NodeDiffersError(RuntimeError):
    """Two machines of a cluster have different code or libraries; the message names them."""


@lru_cache(maxsize=1)
def versions_here() -> dict[str, str]:
    """By name: the hash of this package's code and tables, and the versions of the libraries that affect results."""
    digest = hashlib.sha256()
    for path in sorted(path for path in _PACKAGE.rglob("*") if path.suffix in _CODE):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode("utf-8"))
        digest.update(path.read_bytes())
    return {"ecg_assets": digest.hexdigest()[:16], **{name: version(name) for name in _LIBRARIES}}


def require_versions(wanted: Mapping[str, str], here: Mapping[str, str], node: str) -> None:
    """Compares this machine with the one that distributes the work.

    Args:
        wanted: `versions_here()` of that machine.
        here: those of this machine.
        node: this machine's name, for messages.

    Raises:
        NodeDiffersError: they differ.
    """
    different = [f"{name} {here.get(name)}, not {wanted[name]}" for name in wanted if here.get(name) != wanted[name]]
    if different:
        raise NodeDiffersError(
            f"{node} has {'; '.join(different)}: install the same commit and constraints.txt on every machine, and "
            "start its Ray again"
        )
