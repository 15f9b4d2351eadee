"""The variables by which a TPU host is told what it is part of, read strictly.

Where TPU_SKIP_MDS_QUERY is set, torch_xla goes by them alone; elsewhere it asks the machine's metadata server.
"""

import re
from collections.abc import Mapping
from math import prod

Variables = Mapping[str, str]

# Cores that torch_xla drives apart; from v4 on the two cores of a chip work as one.
CORES_PER_CHIP = {"v2": 2, "v3": 2, "v2/v3": 2, "v4": 1, "v5e": 1, "v5p": 1, "v6e": 1}
# The number in an accelerator type counts TensorCores, two a chip, in these; in the others it counts chips.
_COUNTED_IN_TENSOR_CORES = {"v2", "v3", "v4", "v5p"}
_BY_OTHER_NAMES = {"v5litepod": "v5e", "v5lite": "v5e"}
# torch_xla sets these for each process, and keeps a value that it finds.
_OF_ONE_PROCESS = ("TPU_VISIBLE_CHIPS", "CLOUD_TPU_TASK_ID", "TPU_PROCESS_PORT")


class TpuEnvironmentError(ValueError):
    """The environment does not describe the TPU that is there; the message names the variable and what to set."""


def told_by_variables(variables: Variables) -> bool:
    """Whether torch_xla goes by the environment and not by the metadata server."""
    return bool(variables.get("TPU_SKIP_MDS_QUERY"))


def read_version(accelerator_type: str | None, by_pci: str | None) -> tuple[str, int | None]:
    """The chips' version, and how many chips the slice has where the accelerator type tells that.

    Raises:
        TpuEnvironmentError: it is unknown, or differs from what PCI tells.
    """
    if accelerator_type is None:
        if by_pci not in CORES_PER_CHIP:
            raise TpuEnvironmentError(
                f"the chips are {by_pci or 'of an unknown version'}; known are {', '.join(CORES_PER_CHIP)}. If they "
                "are one of these, set TPU_ACCELERATOR_TYPE, for example to v3-8"
            )
        return by_pci, None
    match = re.fullmatch(r"(v\d[a-z]*)-(\d+)", accelerator_type)
    version = _BY_OTHER_NAMES.get(match[1], match[1]) if match else ""
    if match is None or version not in CORES_PER_CHIP:
        raise TpuEnvironmentError(
            f"TPU_ACCELERATOR_TYPE is {accelerator_type!r}; expected a version and a size such as v3-8, v4-8, "
            "v5litepod-4 or v6e-8"
        )
    if by_pci is not None and version not in by_pci.split("/"):
        raise TpuEnvironmentError(f"TPU_ACCELERATOR_TYPE is {accelerator_type}, but the chips on PCI are {by_pci}")
    size = int(match[2])
    return version, size // 2 if version in _COUNTED_IN_TENSOR_CORES else size


def read_hosts(variables: Variables, slice_chips: int, chips: int, names: tuple[str, ...]) -> int:
    """How many hosts of `chips` chips make up the slice.

    Raises:
        TpuEnvironmentError: none do, or the host names are not as many.
    """
    slice_name = f"TPU_ACCELERATOR_TYPE {variables['TPU_ACCELERATOR_TYPE']}"
    hosts, rest = divmod(slice_chips, chips)
    if rest or not hosts:
        raise TpuEnvironmentError(
            f"{slice_name} means {slice_chips} chips, which hosts of {chips} chips like this one do not make up; "
            "correct it, or set TPU_PROCESS_BOUNDS to use a part of the chips, such as 1,1,1 for one"
        )
    if (names or told_by_variables(variables)) and max(1, len(names)) != hosts:
        raise TpuEnvironmentError(
            f"{slice_name} means {hosts} hosts of {chips} chips, but TPU_WORKER_HOSTNAMES names {len(names)}; it must "
            "name all of them, separated by commas, the same on every host"
        )
    return hosts


def read_worker_id(variables: Variables, hosts: int) -> int | None:
    """This host's number; None where only the metadata server knows it.

    Raises:
        TpuEnvironmentError: it is missing, or not below `hosts`.
    """
    name = "CLOUD_TPU_TASK_ID" if "CLOUD_TPU_TASK_ID" in variables else "TPU_WORKER_ID"
    text = variables.get(name)
    if text is None and not told_by_variables(variables):
        return 0 if hosts == 1 else None
    if text is None or not text.isdecimal() or int(text) >= hosts:
        raise TpuEnvironmentError(
            f"{name} is {'not set' if text is None else repr(text)}; expected this host's number, from 0 to "
            f"{hosts - 1}, another on each host"
        )
    return int(text)


def read_bounds(variables: Variables, name: str) -> int | None:
    """The product of three bounds such as `2,2,1`; None when they are not set.

    Raises:
        TpuEnvironmentError: they are something else.
    """
    text = variables.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[1-9]\d*,[1-9]\d*,[1-9]\d*", text):
        raise TpuEnvironmentError(f"{name} is {text!r}; expected three numbers such as 2,2,1")
    return prod(int(number) for number in text.split(","))


def check_spawnable(variables: Variables, version: str, processes: int, hosts: int, chips: int) -> None:
    """Looks for what `xmp.spawn` would stumble over.

    Raises:
        TpuEnvironmentError: there is such a thing.
    """
    for name in _OF_ONE_PROCESS:
        if processes > 1 and name in variables:
            raise TpuEnvironmentError(f"{name} is set, and all {processes} processes would get the same; unset it")
    if not told_by_variables(variables):
        return
    if "TPU_ACCELERATOR_TYPE" not in variables:
        raise TpuEnvironmentError("TPU_SKIP_MDS_QUERY is set, so TPU_ACCELERATOR_TYPE must be too, for example v3-8")
    # torch_xla knows the bounds of v2 and v3 by their type, and takes the bounds of a part as they are.
    if CORES_PER_CHIP[version] == 1 and "TPU_PROCESS_BOUNDS" not in variables:
        _check_bounds(variables, "TPU_HOST_BOUNDS", hosts, "hosts")
        _check_bounds(variables, "TPU_CHIPS_PER_HOST_BOUNDS", chips, "chips of a host")


def _check_bounds(variables: Variables, name: str, expected: int, what: str) -> None:
    if read_bounds(variables, name) != expected:
        raise TpuEnvironmentError(
            f"{name} is {variables.get(name, 'not set')}; with TPU_SKIP_MDS_QUERY it must be three numbers whose "
            f"product is {expected}, the {what} (2,2,1 for 4)"
        )
