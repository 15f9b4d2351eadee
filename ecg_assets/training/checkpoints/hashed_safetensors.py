"""Writes and reads safetensors files with a hash of their content, so that a flipped bit is detected."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.lock import check_locks
from ecg_assets.store.plain_file import NotAPlainFileError, open_plain
from ecg_assets.store.write_errors import WriteRefusedError
from ecg_assets.training.checkpoints.remedy import remedy

_SEAL = "content_sha256"
# Length limit of the parser's message, which repeats its input.
_SHOWN = 200


class CheckpointError(ValueError):
    """A checkpoint cannot be read; the message names the file and says what to do."""


class CheckpointWriteError(OSError):
    """A checkpoint cannot be written; the message names the file, the reason, and what to do."""


def write_sealed(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    """Writes tensors and texts as one file, renamed into place when it is complete and on disk.

    Raises:
        CheckpointWriteError: for example the disk is full, or the folder cannot be written.
    """
    # safetensors distinguishes slices of one vector by address only, so they are copied.
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
    header = {**header, _SEAL: content_hash(tensors, header)}
    try:
        with atomic_path(path) as temporary:
            save_file(tensors, temporary, header)
    except (OSError, SafetensorError) as error:
        why = error.__cause__ if isinstance(error, WriteRefusedError) else error
        raise CheckpointWriteError(
            f"{path} cannot be written ({why}); the one before is untouched. Make room, or make {path.parent} a folder "
            "that can be written, and launch again: training goes on from there"
        ) from error


def read_sealed(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and texts of a file that `write_sealed` wrote.

    Raises:
        CheckpointError: the file is missing, truncated, changed, without its seal, or was written by another program.
    """
    try:
        open_plain(path).close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CheckpointError(f"{path} is not there; {remedy(path)}") from error
    except NotAPlainFileError as error:
        raise CheckpointError(str(error)) from error
    try:
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (SafetensorError, OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"{path} is no whole safetensors file ({str(error)[:_SHOWN]}); {remedy(path)}") from error
    if "network" not in header:
        raise CheckpointError(
            f"{path} is a safetensors file, but its header names no network; it is of another program"
        )
    seal = header.pop(_SEAL, None)
    if seal is None:
        raise CheckpointError(
            f"{path} has no seal (the hash of its own content), so that nothing tells whether it is whole: it was "
            f"changed, or is of another program; put the file back as training wrote it, or {remedy(path)}"
        )
    if seal != _hash_of(path, tensors, header):
        raise CheckpointError(f"{path} has changed since it was written (its hash differs); {remedy(path)}")
    return tensors, header


def _hash_of(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> str:
    try:
        return content_hash(tensors, header)
    except TypeError as error:
        raise CheckpointError(f"{path} holds tensors of a type that is not written here ({error})") from error


def content_hash(tensors: dict[str, Tensor], header: dict[str, str]) -> str:
    """SHA-256 over all texts, and names, types, shapes and bytes of all tensors."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode("utf-8"))
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name].numpy())
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(values.data)
    return digest.hexdigest()


def keep_as(path: Path, previous: Path) -> None:
    """Hard-links the present file as `previous`, so that it survives the next write of `path`."""
    if path.exists():
        check_locks()
        link = previous.with_name(f".tmp-link-{os.getpid()}-{previous.name}")
        link.unlink(missing_ok=True)
        os.link(path, link)
        link.replace(previous)
