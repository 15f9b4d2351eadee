"""Replaces upsampling in third-party networks by operations that XLA compiles on every device."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class UpsamplingByRepeating(TorchFunctionMode):
    """Within this context, `interpolate` in mode `nearest` by a whole factor repeats pixels, with the same values.

    The backward pass of torch_xla's own version runs on the host if there is no TPU.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if function is functional.interpolate:
            repeated = _repeated(*args, **named)
            if repeated is not None:
                return repeated
        return function(*args, **named)


def _repeated(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    *_: Any,
    **__: Any,
) -> Tensor | None:
    """None if repeating is not equivalent; the arguments are those of `interpolate`."""
    if mode != "nearest" or input.ndim != 4:
        return None
    sides = input.shape[2:]
    wanted = (
        _pair(size) if size is not None else [side * by for side, by in zip(sides, _pair(scale_factor), strict=True)]
    )
    factors = [target / side for target, side in zip(wanted, sides, strict=True)]
    if not all(factor >= 1 and factor == int(factor) for factor in factors):
        return None
    down, across = (int(factor) for factor in factors)
    b, c, h, w = input.shape
    return input[:, :, :, None, :, None].expand(b, c, h, down, w, across).reshape(b, c, h * down, w * across)


def _pair(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) else [value, value]
