"""What messages advise, found in the program's text, and the tests that carry it out.

A test that carries a piece of advice out says so by the mark `advice`: the module, below `ecg_assets`, and a part of
the message as it stands there, between two values. `test_advice.py` compares the two.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ecg_assets

PACKAGE = Path(ecg_assets.__file__).parent
TESTS = Path(__file__).parent

# Where a value stands in a message; in no message otherwise.
_VALUE = "\0"
_VERBS = (
    "accept add ask check choose convert copy correct delete download export fetch free give install join leave look "
    "lower make materialise move name pack pass pick put raise re-execute reduce remove rename replace restore run "
    "save set sign split start try turn unset upgrade upload use wait write"
)
_ADVICE = re.compile(rf"(?:^|[;:.,] |\bor |\band )(?:{'|'.join(_VERBS.split())})\b(?! to be\b)", re.IGNORECASE)
# Arguments whose text describes a field or an option.
_DESCRIPTIONS = {"description", "help", "short_help", "epilog", "group_name", "metavar"}
# Shorter texts are parts of others.
_SHORTEST = 30


@dataclass(frozen=True, order=True)
class Advice:
    """A message that tells what to do.

    Attributes:
        module: its file, below the package.
        text: the message; values are left out.
    """

    module: str
    text: str

    def __str__(self) -> str:
        return f"{self.module}: {self.text.replace(_VALUE, '{}')}"


@cache
def advice_in_messages() -> tuple[Advice, ...]:
    """All advice of the package."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        module = path.relative_to(PACKAGE).as_posix()
        for text in _texts(ast.parse(path.read_text("utf-8"))):
            if len(text) >= _SHORTEST and _ADVICE.search(text):
                found.add(Advice(module, text))
    return tuple(sorted(found))


@cache
def advice_carried_out() -> tuple[Advice, ...]:
    """What the marks of tests say."""
    found = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.advice":
                module, *texts = (ast.literal_eval(argument) for argument in node.args)
                found |= {Advice(module, text) for text in texts}
    return tuple(sorted(found))


def _texts(node: ast.AST) -> Iterator[str]:
    """String constants below a node that are no docstrings and no descriptions."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else _VALUE for part in node.values)  # type: ignore[misc]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not _describes(node):
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)


def _describes(node: ast.AST) -> bool:
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or (isinstance(node, ast.keyword) and node.arg in _DESCRIPTIONS)
