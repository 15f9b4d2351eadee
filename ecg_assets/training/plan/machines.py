"""TPUs that a config can be planned for, as the compiler and torch_xla see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CompileTarget:
    """What the compiler is told to compile for.

    Attributes:
        topology: its name for the chips.
        options: of the topology, as pairs of name and value.
    """

    topology: str
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class TpuCore:
    """What one replica runs on: a core of v2 and v3; of later ones a chip, whose two cores, if it has two, work as one.

    Attributes:
        version: for example `v3`.
        clock_hz: of the compiler's cycles.
        peak_flops: products and sums a second in bf16, as Google publishes them.
        target: the smallest one with such a core.
    """

    version: str
    clock_hz: float
    peak_flops: float
    target: CompileTarget


@dataclass(frozen=True)
class TpuMachine:
    """A TPU, of one host or several.

    Attributes:
        name: Google's accelerator type.
        core: what each replica runs on.
        replicas: that torch_xla has on it.
        target: all of it.
    """

    name: str
    core: TpuCore
    replicas: int
    target: CompileTarget


_MEGACORE = (("chip_config_name", "megacore"),)  # or the compiler takes the two cores of a chip as two devices
_ONE_CHIP, _EIGHT_CHIPS = (("chips_per_host_bounds", (1, 1, 1)),), (("chips_per_host_bounds", (2, 4, 1)),)

V2 = TpuCore("v2", 700e6, 22.5e12, CompileTarget("v2:2x2"))
V3 = TpuCore("v3", 940e6, 61.5e12, CompileTarget("v3:2x2"))
V4 = TpuCore("v4", 1050e6, 275e12, CompileTarget("v4:2x2x1", _MEGACORE))
V5E = TpuCore("v5e", 1500e6, 197e12, CompileTarget("v5e:2x2"))
V5P = TpuCore("v5p", 1750e6, 459e12, CompileTarget("v5p:2x2x1", _MEGACORE))
V6E = TpuCore("v6e", 1750e6, 918e12, CompileTarget("v6e:1x1", _ONE_CHIP))


class UnknownMachineError(ValueError):
    """There is no TPU of that name among those that can be planned for."""


MACHINES: Mapping[str, TpuMachine] = {
    machine.name: machine
    for machine in (
        TpuMachine("v2-8", V2, 8, CompileTarget("v2:2x2")),
        TpuMachine("v3-8", V3, 8, CompileTarget("v3:2x2")),
        TpuMachine("v4-8", V4, 4, CompileTarget("v4:2x2x1", _MEGACORE)),
        TpuMachine("v5litepod-4", V5E, 4, CompileTarget("v5e:2x2")),
        TpuMachine("v5litepod-8", V5E, 8, CompileTarget("v5e:2x4", _EIGHT_CHIPS)),
        TpuMachine("v5p-8", V5P, 4, CompileTarget("v5p:2x2x1", _MEGACORE)),
        TpuMachine("v6e-1", V6E, 1, CompileTarget("v6e:1x1", _ONE_CHIP)),
        TpuMachine("v6e-8", V6E, 8, CompileTarget("v6e:2x4", _EIGHT_CHIPS)),
        TpuMachine("v3-32", V3, 32, CompileTarget("v3:4x4")),
        TpuMachine("v4-32", V4, 16, CompileTarget("v4:2x2x4", _MEGACORE)),
    )
}


def machine_named(name: str) -> TpuMachine:
    """The machine of a name such as `v3-8`.

    Raises:
        UnknownMachineError: there is none.
    """
    if name not in MACHINES:
        raise UnknownMachineError(f"machine is {name!r}; expected one of {', '.join(MACHINES)}")
    return MACHINES[name]
