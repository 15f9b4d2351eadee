"""One experiment's run folder: what it was started with, what it told, its checkpoints, and how it ended."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.store.root import DataRoot
from ecg_assets.store.sealed import SealBrokenError, read_unsealed


class RunFolderError(ValueError):
    """A run folder cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run, `runs/<experiment>/`.

    Attributes:
        path: the folder, which all hosts of a TPU slice share.
        host: number of the host that asks. What each host writes for itself is its own: only host 0 writes the rest.
    """

    path: Path
    host: int = 0

    @property
    def _own(self) -> Path:
        return self.path / "hosts" / str(self.host) if self.host else self.path

    @property
    def config(self) -> Path:
        """The `Start`, as JSON."""
        return self.path / "config.json"

    @property
    def events(self) -> Path:
        """One JSON line for each event that this host tells."""
        return self._own / "events.jsonl"

    @property
    def state(self) -> Path:
        """How far the run is, as JSON: a `RunState`."""
        return self.path / "state.json"

    @property
    def best(self) -> Path:
        """Weights of the epoch with the best mean Dice in validation."""
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def last(self) -> Path:
        """Weights, optimizer and progress to go on from."""
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def previous(self) -> Path:
        """The last checkpoint but one."""
        return self.path / "checkpoints" / "previous.safetensors"

    @property
    def heartbeats(self) -> Path:
        """A file for each replica of this host, written in every step: see `Sign`."""
        return self._own / "heartbeats"

    @property
    def stop_request(self) -> Path:
        """While this file is there, the training stops after a step or two, resumably, on all hosts."""
        return self._own / "stop_request"

    @property
    def stop_point(self) -> Path:
        """The point at which all replicas of this host stop, once there is a request; see `StopPoints`."""
        return self._own / "stop_point"

    @property
    def stop_agreement(self) -> Path:
        """What this host tells the others of where to stop; see `HostsAgreement`."""
        return self._own / "stop_agreement"


def read_json_fields(path: Path, remedy: str) -> dict[str, Any]:
    """The fields of a JSON file, whatever they are called.

    Raises:
        RunFolderError: it is no JSON, holds no fields, or has changed since it was written; the message ends with the
            remedy.
    """
    try:
        fields = json.loads(read_unsealed(path))
    except SealBrokenError as error:
        raise RunFolderError(f"{error}; {remedy}") from error
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is damaged (it is no JSON text); {remedy}") from error
    if not isinstance(fields, dict):
        raise RunFolderError(f"{path} is damaged (it holds no fields); {remedy}")
    return fields


def dataset_digest(root: DataRoot) -> str:
    """Hash of the dataset that is there now.

    Raises:
        RunFolderError: there is none, or its facts are damaged.
    """
    path = root.dataset / "dataset.json"
    if not path.exists():
        raise RunFolderError(f"{path} is not there; materialise mixed_dataset first")
    facts = read_json_fields(path, "delete it and materialise mixed_dataset")
    if not isinstance(facts.get("digest"), str):
        raise RunFolderError(f"{path} is damaged (it has no digest); delete it and materialise mixed_dataset")
    return str(facts["digest"])
