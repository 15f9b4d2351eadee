"""Wrong values in right places: fields of a tree of JSON or YAML replaced, dropped, doubled or nested."""

import copy
from typing import Any

from hypothesis import strategies as st

# Beyond what Python or a parser would follow.
DEEP = 1_500
NUMBERS = (-1, 0, 1, 2**31, 2**63, 10**40, -(10**40), 0.5, 1e308, float("nan"), float("inf"), float("-inf"))
TEXTS = ("", "../../x", "\0", "x" * 5000, "1", "nan")
WRONG: tuple[Any, ...] = (None, True, False, *NUMBERS, *TEXTS, [], {}, [[]], {"": None}, {"x": 1}, [1, "a", None])


def paths_of(tree: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where each value of a tree stands."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [here, *(path for key, value in inner for path in paths_of(value, (*here, key)))]


def parent_of(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        tree = tree[key]
    return tree


@st.composite
def wrong_trees(draw: st.DrawFn, whole: Any) -> Any:
    """The tree with one to three values replaced by a wrong one, removed, renamed or put one level deeper."""
    tree = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths_of(tree)))
        if not path:
            continue
        parent, key = parent_of(tree, path), path[-1]
        kind = draw(st.sampled_from(["wrong", "wrong", "wrong", "remove", "rename", "deeper", "other"]))
        if kind == "wrong":
            parent[key] = copy.deepcopy(draw(st.sampled_from(WRONG)))
        elif kind == "remove":
            del parent[key]
        elif kind == "rename" and isinstance(parent, dict):
            parent[draw(st.sampled_from(["", "x", "..", "épochs", "\u202e", 7, None]))] = parent.pop(key)
        elif kind == "deeper":
            parent[key] = {str(key): parent[key]} if draw(st.booleans()) else [parent[key]]
        elif kind == "other":
            other = draw(st.sampled_from(paths_of(whole)))
            parent[key] = copy.deepcopy(parent_of(whole, other)[other[-1]] if other else whole)
    return tree
