"""Tables of named things: a name is taken once, and one that is missing is told with those there are."""

import pytest

from ecg_assets.store.registry import enter, look_up


def test_a_name_is_taken_once() -> None:
    table: dict[str, object] = {}
    enter(table, "grey", enter, "effect")
    with pytest.raises(ValueError, match=r"two effects are named 'grey'.*store\.registry"):
        enter(table, "grey", look_up, "effect")
    assert table == {"grey": enter}


def test_a_missing_name_is_told_with_those_there_are() -> None:
    assert look_up({"a": 1, "b": 2}, "b", "layout", KeyError) == 2
    with pytest.raises(LookupError, match=r"there is no layout 'c'; layouts\.yaml has a, b"):
        look_up({"a": 1, "b": 2}, "c", "layout", LookupError, "layouts.yaml has")
