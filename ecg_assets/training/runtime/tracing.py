"""A runtime that traces the replicas' computation for the TPU compiler without executing it.

Use it in a separate process (see `plan.tracing`). There are no values: torch_xla ends the process if one is needed, to
be read or for an operation on the host. `NamesOperations` has then written which operation that was.
"""

import gc
import os
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch_xla
import torch_xla.core.xla_builder as xb
import torch_xla.core.xla_model as xm
import torch_xla.runtime as xr
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.utils._python_dispatch import TorchDispatchMode
from torch_xla import _XLAC  # type: ignore[attr-defined]

from ecg_assets.training.runtime.base import Fed, Label
from ecg_assets.training.runtime.xla import XlaRuntime

_METADATA = re.compile(r", metadata=\{[^}]*\}")
_BACKWARD = " backward"


@dataclass(frozen=True)
class Graph:
    """The graph that one `sync()` would compile.

    Attributes:
        proto: the serialised HLO module, with the names of network modules in its metadata.
        text: the module as text, without metadata, so that it is the same wherever the program was traced.
        held_bytes: of all tensors on the device at that time, its arguments and results included.
    """

    proto: bytes
    text: str
    held_bytes: int


class TracingRuntime(XlaRuntime):
    """One of `world_size` replicas; every `sync()` records a graph and replaces its results by tensors without values.

    Attributes:
        graphs: in the order in which they would be compiled.
    """

    def __init__(self, world_size: int) -> None:
        # Collectives of a world that does not exist.
        _XLAC._xla_set_replication_devices(list(xm.get_xla_supported_devices()))
        xr._WORLD_SIZE = world_size  # type: ignore[assignment]
        self.device, self.ordinal, self.world_size, self.host_replicas = torch_xla.device(), 0, world_size, world_size
        self.core: str | None = None
        self.graphs: list[Graph] = []

    def sync(self) -> None:
        """Records the queued operations as a graph."""
        queued = self._queued()
        if queued:
            proto, text = _XLAC._get_xla_tensors_hlo_proto(queued), _XLAC._get_xla_tensors_hlo(queued)
            self.graphs.append(Graph(proto, _METADATA.sub("", text), _bytes(_on_device())))
            _XLAC._clear_pending_irs(str(self.device))
        _XLAC._set_all_reduce_token(str(self.device), None)

    def beat(self) -> None:
        """Does nothing: no watchdog runs."""

    def feed(self, batches: Iterator[Fed[Label]]) -> Generator[Fed[Label], None, None]:
        """Tensors of the same shapes without values."""
        for label, tensors in batches:
            yield label, [self.without_values(tensor) for tensor in tensors]

    def within_memory(self, compute: Callable[[], Tensor]) -> Tensor | None:
        """The result, without a memory limit."""
        return compute()

    def without_values(self, tensor: Tensor) -> Tensor:
        """A tensor on the device with shape and type of one on the host."""
        made: Tensor = xb.create_placeholder_tensor(list(tensor.shape), tensor.dtype)  # type: ignore[no-untyped-call]
        return made

    def _queued(self) -> list[Tensor]:
        # In the order of torch_xla's own step, because another order of results would be another program.
        found = {_XLAC._xla_get_tensor_id(tensor): tensor for tensor in _on_device()}
        return [found[number] for number in sorted(found) if _is_queued(found[number])]


class NamesOperations(TorchDispatchMode):
    """Writes the name of each operation to a file before it is traced; the last one ended the process."""

    def __init__(self, path: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._path = path

    def __enter__(self) -> Self:
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]
        os.close(self._file)

    def __torch_dispatch__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, function._schema.name.encode("utf-8"), 0)
        return function(*args, **(kwargs or {}))


def name_modules(network: nn.Module) -> None:
    """Names every operation, also of the backward pass, after the module of `network` that it belongs to."""
    for name, module in network.named_modules():
        if not list(module.children()):
            _ModuleScope(name).follow(module)


class _ModuleScope:
    """The operations of a module, between its inputs and its outputs.

    Found by autograd's nodes: PyTorch's own backward hooks of modules return views, which break networks with in-place
    additions or ReLUs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[Any] = []
        self._before: set[Node] = set()

    def follow(self, module: nn.Module) -> None:
        """Begins with the next forward pass of `module`."""
        module.register_forward_pre_hook(self._forward)
        module.register_forward_hook(self._forward_ends)

    def _forward(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._before = set(_nodes(inputs))
        self._push(self._name)

    def _forward_ends(self, _: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        self._open.pop()
        seen, ahead = set(self._before), _nodes(output)
        while ahead:
            node = ahead.pop()
            if node not in seen:
                seen.add(node)
                node.register_prehook(lambda _: self._push(self._name + _BACKWARD))
                node.register_hook(lambda *_: self._pop())
                ahead += [before for before, _ in node.next_functions if before is not None]

    def _push(self, name: str) -> None:
        self._open.append(_XLAC.profiler.scope_pusher(name))

    def _pop(self) -> None:
        self._open.pop()


def _nodes(tensors: Any) -> list[Node]:
    """The autograd nodes that produced the tensors."""
    found = tensors if isinstance(tensors, Sequence) else [tensors]
    return [tensor.grad_fn for tensor in found if isinstance(tensor, Tensor) and tensor.grad_fn is not None]


def _on_device() -> list[Tensor]:
    """All tensors on an XLA device that are referenced, or were a moment ago."""
    # `type` is used because `__class__` triggers warnings of some lazy objects.
    held = [thing for thing in gc.get_objects() if issubclass(type(thing), Tensor)]
    return [tensor for tensor in held if tensor.device.type == "xla"]


def _is_queued(tensor: Tensor) -> bool:
    """Whether the tensor is still to be computed from others."""
    queued = re.search(r"^IR: (.*)$", _XLAC._get_xla_tensor_debug_info(tensor), re.MULTILINE)
    return queued is not None and queued[1] != "None" and "xla::device_data" not in queued[1]


def _bytes(tensors: Sequence[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
