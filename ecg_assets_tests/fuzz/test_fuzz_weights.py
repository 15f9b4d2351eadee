"""Checkpoints: a safetensors file whose header tells a network."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import strategies as st
from safetensors.torch import save_file

from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.checkpoints.hashed_safetensors import CheckpointError, write_sealed
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets_tests.fuzz.attack import damaged, fuzz, refusal
from ecg_assets_tests.fuzz.trees import wrong_trees

SPEC = NetworkSpec(classes=3, widths=(2, 4), patch_px=1)
TEXT = SPEC.model_dump_json()


def weights() -> dict[str, torch.Tensor]:
    return {name: torch.full_like(tensor, 0.25) for name, tensor in SPEC.build().state_dict().items()}


def sealed(path: Path) -> bytes:
    write_sealed(path, weights(), {"network": TEXT})
    return path.read_bytes()


def read_weights(path: Path) -> None:
    network = load_network(path)
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == {
        name: tensor.shape for name, tensor in weights().items()
    }


def with_header(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The file with another header of JSON before the same bytes of tensors."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    change(header)
    packed = json.dumps(header).encode()
    return len(packed).to_bytes(8, "little") + packed + content[8 + size :]


def with_new_header(content: bytes, header: dict[str, Any]) -> bytes:
    """The file with this header before the same bytes of tensors."""

    def exchange(old: dict[str, Any]) -> None:
        old.clear()
        old.update(header)

    return with_header(content, exchange)


def unsealed(path: Path, text: str, tensors: dict[str, torch.Tensor] | None = None) -> bytes:
    """A file of another program: no hash of its own."""
    save_file(weights() if tensors is None else tensors, path, {"network": text})
    return path.read_bytes()


def first_of(header: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = next(entry for name, entry in header.items() if name != "__metadata__")
    return entry


CORPUS: dict[str, Callable[[Path], bytes]] = {
    "nothing": lambda path: b"",
    "a header of exabytes": lambda path: b"\xff" * 8 + sealed(path)[8:],
    "a bit flipped": lambda path: sealed(path)[:-9] + b"\x55" + sealed(path)[-8:],
    "cut off": lambda path: sealed(path)[:-8],
    "a pickle": lambda path: b"\x80\x04cos\nsystem\n.",
    "a header that would be repeated in full": lambda path: with_header(
        sealed(path), lambda h: h.update(__metadata__="x" * 5000)
    ),
    "of another type": lambda path: with_header(sealed(path), lambda h: first_of(h).update(dtype="U16")),
    "of a type that is none": lambda path: with_header(sealed(path), lambda h: first_of(h).update(dtype="F7")),
    "tensors over each other": lambda path: with_header(
        sealed(path), lambda h: first_of(h).update(data_offsets=[0, 4])
    ),
    "a network of a wrong kind": lambda path: unsealed(path, '{"network": "compact", "classes": "many"}'),
    "a network that is no JSON": lambda path: unsealed(path, "compact"),
    "a network without levels": lambda path: unsealed(path, '{"classes": 3}'),
    "a network of no such zoo": lambda path: unsealed(path, '{"network": "smp/unet/no_such", "classes": 3}'),
    "a network of half a name": lambda path: unsealed(path, '{"network": "smp/unet", "classes": 3}'),
    "a network of terabytes": lambda path: unsealed(path, '{"classes": 3, "widths": [900000, 900000]}'),
    "a network of negative width": lambda path: unsealed(path, '{"classes": 3, "widths": [-2, 4]}'),
    "a network without end": lambda path: unsealed(path, json.dumps({"classes": 3, "widths": [1] * 2000})),
    "another network's tensors": lambda path: unsealed(path, '{"classes": 3, "widths": [2, 8]}'),
    "half precision of another kind": lambda path: unsealed(
        path, TEXT, {name: tensor.to(torch.bfloat16) for name, tensor in weights().items()} | {"more": torch.ones(1)}
    ),
    "no tensor": lambda path: unsealed(path, TEXT, {}),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("shape", CORPUS)
def test_a_known_shape_is_refused_by_name(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "best.safetensors"
    path.write_bytes(CORPUS[shape](tmp_path / "made.safetensors"))
    assert refusal(path, read_weights, (CheckpointError,)) is not None


def test_what_is_whole_is_read(tmp_path: Path) -> None:
    sealed(tmp_path / "best.safetensors")
    assert refusal(tmp_path / "best.safetensors", read_weights, (CheckpointError,)) is None


@pytest.mark.soak
def test_hundreds_of_damaged_checkpoints_are_read_or_refused_by_name(tmp_path: Path) -> None:
    whole, path = sealed(tmp_path / "made.safetensors"), tmp_path / "best.safetensors"
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    headers: st.SearchStrategy[bytes] = wrong_trees(header).map(partial(with_new_header, whole))
    told = [fuzz(path, files, read_weights, (CheckpointError,), 150) for files in (headers, damaged([whole]))]
    print("checkpoint", *told, sep="; ")  # noqa: T201 - what pytest -s is asked for
    assert all(one.refused for one in told)
