"""Operations of a compiled program, with the cycles that the TPU compiler estimates for each."""

import re
from math import prod
from pathlib import PurePath

from pydantic import BaseModel, ConfigDict

# `  %name = <shape> fusion(...), ..., metadata={...}, backend_config={..."estimated_cycles":"123"...}`
_OPERATION = re.compile(r"^\s*(?:ROOT )?%(?P<name>\S+) = (?P<shape>.+?) (?P<kind>[a-z][a-z0-9-]*)\(")
_CYCLES = re.compile(r'"estimated_cycles":"(\d+)"')
_NAMED = re.compile(r'op_name="([^"]*)"')
_SOURCE = re.compile(r'source_file="([^"]*)" source_line=(\d+)')
_ARRAY = re.compile(r"(?P<type>[a-z]+\d*)\[(?P<sides>[\d,]*)\](?:\{(?P<order>[\d,]*)(?::(?P<tiles>[^}]*))?\})?")
_TILE = re.compile(r"T\((\d+(?:,\d+)*)\)")
# torch_xla numbers scopes: `up.0.4 backward.17/aten__sum`.
_SCOPE = re.compile(r"^(?P<module>.+)\.\d+/(?P<operation>[a-z]+__\w+)$")


class Operation(BaseModel):
    """One operation.

    Attributes:
        name: of the compiler.
        cycles: estimated.
        output: its largest result: type, sides, layout and tiling, as the compiler writes them.
        padding: places in memory for each of the output's elements: 1 where none is wasted.
        module: of the network, with ` backward` after it in the backward pass; or the line of the program.
        what: the torch operation, for example `aten::convolution`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    cycles: int
    output: str
    padding: float
    module: str
    what: str


def operations_of(compiled: str) -> list[Operation]:
    """All operations of a compiled program's text for which cycles are estimated, the dearest first."""
    found = [_operation(line, int(cycles[1])) for line in compiled.splitlines() if (cycles := _CYCLES.search(line))]
    return sorted((each for each in found if each is not None), key=lambda each: -each.cycles)


def _operation(line: str, cycles: int) -> Operation | None:
    match = _OPERATION.match(line)
    if match is None:
        return None
    arrays = list(_ARRAY.finditer(match["shape"]))
    largest = max(arrays, key=_elements, default=None)
    named, source = _NAMED.search(line), _SOURCE.search(line)
    module, what = _origin(named[1] if named else "", f"{PurePath(source[1]).name}:{source[2]}" if source else "")
    return Operation(
        name=match["name"],
        cycles=cycles,
        output=largest[0] if largest else match["shape"],
        padding=round(_padding(largest), 2) if largest else 1.0,
        module=module,
        what=what,
    )


def _origin(op_name: str, source: str) -> tuple[str, str]:
    scope = _SCOPE.match(op_name)
    if scope is not None:
        return scope["module"], scope["operation"].replace("__", "::", 1)
    return source, op_name.rpartition("/")[2].replace("__", "::", 1)


def _sides(array: re.Match[str]) -> list[int]:
    return [int(side) for side in array["sides"].split(",") if side]


def _elements(array: re.Match[str]) -> int:
    return prod(_sides(array))


def _padding(array: re.Match[str]) -> float:
    """By its first tile, which covers the minor-most dimensions; the layout names them first."""
    sides, tile = _sides(array), _TILE.search(array["tiles"] or "")
    if not tile or not sides or 0 in sides:
        return 1.0
    order = [int(number) for number in array["order"].split(",")]
    tile_sides = [int(side) for side in tile[1].split(",")]
    padded = list(sides)
    for dimension, side in zip(order, reversed(tile_sides), strict=False):
        padded[dimension] = -(-sides[dimension] // side) * side
    return prod(padded) / prod(sides)
