"""Things by name: filling a table from a package's modules, and looking one up."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TypeVar

Thing = TypeVar("Thing")


def _module(thing: Any) -> str:
    return str(thing.__module__)


def import_all(package_name: str) -> None:
    """Imports every module of a package, so that each can enter what it has into a table."""
    package = importlib.import_module(package_name)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package_name}.{module.name}")


def enter(
    table: MutableMapping[str, Thing],
    name: str,
    thing: Thing,
    what: str,
    module: Callable[[Thing], str] = _module,
) -> None:
    """Puts a thing into a table.

    Args:
        table: name -> thing; changed.
        name: its name.
        thing: the thing.
        what: the kind of thing, for the message.
        module: names the module that a thing of the table comes from, for the message.

    Raises:
        ValueError: the name is taken.
    """
    if name in table:
        raise ValueError(f"two {what}s are named {name!r}: {module(table[name])} has one already")
    table[name] = thing


def look_up(
    table: Mapping[str, Thing], name: str, what: str, error: type[Exception], where: str = "there are"
) -> Thing:
    """The thing of that name.

    Args:
        table: name -> thing.
        name: which.
        what: the kind of thing, for the message.
        error: what is raised when there is none; its message names all there are.
        where: begins the message's list of them.

    Raises:
        error: there is none of that name.
    """
    if name not in table:
        raise error(f"there is no {what} {name!r}; {where} {', '.join(table)}")
    return table[name]
