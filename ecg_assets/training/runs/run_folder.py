"""Paths in an experiment's run folder: its config, events, checkpoints and state."""

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
        host: index of this host. Each host writes its own files; only host 0 writes the shared ones.
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
        """One JSON line for each event of this host."""
        return self._own / "events.jsonl"

    @property
    def state(self) -> Path:
        """The run's progress, as JSON: a `RunState`."""
        return self.path / "state.json"

    @property
    def best(self) -> Path:
        """Weights of the epoch with the best mean Dice in validation."""
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def last(self) -> Path:
        """Weights, optimizer and progress to resume from."""
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def previous(self) -> Path:
        """The last checkpoint but one."""
        return self.path / "checkpoints" / "previous.safetensors"

    @property
    def heartbeats(self) -> Path:
        """The folder with a file for each replica of this host, written in every step; see `Sign`."""
        return self._own / "heartbeats"

    @property
    def stop_request(self) -> Path:
        """If this file exists, the training stops after a step or two on all hosts, and can be resumed."""
        return self._own / "stop_request"

    @property
    def stop_point(self) -> Path:
        """The point at which all replicas of this host stop after a request; see `StopPoints`."""
        return self._own / "stop_point"

    @property
    def stop_agreement(self) -> Path:
        """This host's message to the others on where to stop; see `HostsAgreement`."""
        return self._own / "stop_agreement"


def read_json_fields(path: Path, remedy: str) -> dict[str, Any]:
    """The fields of a JSON file, without validation.

    Raises:
        RunFolderError: it is not a JSON object, or has changed since it was written; the message ends with the remedy.
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
    """Hash of the present dataset.

    Raises:
        RunFolderError: there is no dataset, or its facts are damaged.
    """
    path = root.dataset / "dataset.json"
    if not path.exists():
        raise RunFolderError(f"{path} is not there; materialise mixed_dataset first")
    facts = read_json_fields(path, "delete it and materialise mixed_dataset")
    if not isinstance(facts.get("digest"), str):
        raise RunFolderError(f"{path} is damaged (it has no digest); delete it and materialise mixed_dataset")
    return str(facts["digest"])
