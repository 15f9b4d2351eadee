"""Name registry: registers objects from a package's modules, and looks them up."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TypeVar

Thing = TypeVar("Thing")


def _module(thing: Any) -> str:
    return str(thing.__module__)


def import_all(package_name: str) -> None:
    """Imports every module of a package, so that each can register its objects in a table."""
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
    """Registers an object in a table.

    Args:
        table: name -> object; changed.
        name: its name.
        thing: the object.
        what: the kind of object, for the message.
        module: returns the module of an object of the table, for the message.

    Raises:
        ValueError: the name is taken.
    """
    if name in table:
        raise ValueError(f"two {what}s are named {name!r}: {module(table[name])} has one already")
    table[name] = thing


def look_up(
    table: Mapping[str, Thing], name: str, what: str, error: type[Exception], where: str = "there are"
) -> Thing:
    """The object of that name.

    Args:
        table: name -> object.
        name: of the object.
        what: the kind of object, for the message.
        error: the exception class; its message lists all names.
        where: begins the message's list.

    Raises:
        error: the name does not exist.
    """
    if name not in table:
        raise error(f"there is no {what} {name!r}; {where} {', '.join(table)}")
    return table[name]
