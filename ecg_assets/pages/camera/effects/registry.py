"""Registry of all effects by name. To add one, add a file in this folder and a test."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar

from ecg_assets.store.registry import enter, import_all, look_up

Kind = Literal["photometric", "ink", "cover"]
Function = TypeVar("Function", bound=Callable[..., Any])


class UnknownEffectError(ValueError):
    """The effect does not exist; the message lists those that do."""


@dataclass(frozen=True)
class Effect:
    """One effect.

    Attributes:
        name: as recipes name it.
        kind: `photometric` changes colours: (image_hwc, rng, strength) -> image_hwc. `ink` thins the ink's colour:
            ((h, w), rng, strength) -> factor (h, w) float32 of 0 to 1. `cover` lays something over the page:
            (image_hwc, rng, strength) -> (image_hwc, hidden_hw bool), true where it hides the page.
        describe: one sentence.
        apply: the pure function itself; images are (h, w, 3) uint8 RGB, strength is 0 to 1.
    """

    name: str
    kind: Kind
    describe: str
    apply: Callable[..., Any]


_EFFECTS: dict[str, Effect] = {}


def photometric(name: str) -> Callable[[Function], Function]:
    """Registers a function that changes a picture's colours."""
    return _registers(name, "photometric")


def ink(name: str) -> Callable[[Function], Function]:
    """Registers a function that thins the ink."""
    return _registers(name, "ink")


def cover(name: str) -> Callable[[Function], Function]:
    """Registers a function that lays something over the page."""
    return _registers(name, "cover")


@cache
def effects() -> dict[str, Effect]:
    """All effects by name: those of every module of this package."""
    import_all("ecg_assets.pages.camera.effects")
    return dict(sorted(_EFFECTS.items()))


def effect(name: str) -> Effect:
    """One effect.

    Raises:
        UnknownEffectError: the name does not exist.
    """
    return look_up(effects(), name, "effect", UnknownEffectError)


def _registers(name: str, kind: Kind) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        describe = (function.__doc__ or "").strip().split("\n")[0]
        entry = Effect(name, kind, describe, function)
        enter(_EFFECTS, name, entry, "effect", lambda taken: taken.apply.__module__)
        return function

    return register
