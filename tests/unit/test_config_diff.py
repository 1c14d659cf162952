"""What differs between two configurations, and nodes that differ alike."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.errors import InvalidArgumentError
from wayside_manager.core.config_diff import (
    at,
    differences,
    grouped_changes,
    grouped_refusals,
    is_same,
    parsed,
    shown,
    value_changes,
)
from wayside_manager.core.configs import MISSING, ValueChange
from wayside_manager.core.merge import merged

NAMES = st.sampled_from(["a", "b", "c.d"])
LEAVES = st.one_of(st.integers(0, 2), st.booleans(), st.just(1.0), st.lists(st.integers(0, 1), max_size=2))
CONFIGS = st.dictionaries(
    NAMES, st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=2), max_leaves=6), max_size=3
)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": ""}, {}, [("a", "", MISSING)]),
        ({}, {"a": {"b": 1}}, [("a.b", MISSING, 1)]),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, [("a.b", 1, 2), ("a.c", MISSING, 3)]),
        ({"a": {}}, {"a": {"b": 1}}, [("a.b", MISSING, 1)]),
        ({"a": {"b": 1}}, {"a": {}}, [("a.b", 1, MISSING)]),
        ({}, {"a": {}}, [("a", MISSING, {})]),
        ({"a": {}}, {}, [("a", {}, MISSING)]),
        ({"a": [1]}, {"a": [1, 2]}, [("a", [1], [1, 2])]),
        ({"a": 5}, {"a": {"b": 1}}, [("a", 5, {"b": 1})]),
        ({"a": {"b": 1}}, {"a": 5}, [("a", {"b": 1}, 5)]),
        ({"a": {"x.y": 1}}, {"a": {}}, [('a."x.y"', 1, MISSING)]),
    ],
)
def test_every_value_that_differs_is_named(
    before: dict[str, Any], after: dict[str, Any], said: list[tuple[str, object, object]]
) -> None:
    found = [(one.path, one.before, one.after) for one in value_changes(before, after)]
    assert found == said
    assert all(one[1] is two[1] or is_same(one[1], two[1]) for one, two in zip(found, said, strict=True))


@settings(max_examples=200)
@given(CONFIGS, CONFIGS)
def test_two_configurations_differ_where_their_values_do(before: dict[str, Any], after: dict[str, Any]) -> None:
    changes = list(differences(before, after))
    assert bool(changes) == (not is_same(before, after))
    for path, old, new in changes:
        assert old is at(before, path) or is_same(old, at(before, path))
        assert new is at(after, path) or is_same(new, at(after, path))
        assert not is_same(old, new)
    back = [(path, new, old) for path, old, new in differences(after, before)]
    assert repr(back) == repr(changes)


@settings(max_examples=200)
@given(CONFIGS, CONFIGS)
def test_what_differs_makes_one_of_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    result = merged([before])
    for path, _, new in differences(before, after):
        patch: Any = None if new is MISSING else new
        for name in reversed(path):
            patch = {name: patch}
        result = merged([result, patch])
    assert {one.path for one in value_changes(result, after) if one.before != {}} == set()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ('a."x.y".c', ("a", "x.y", "c")),
        ('"q\\"q"', ('q"q',)),
        ("can.buses.Body X", ("can", "buses", "Body X")),
    ],
)
def test_paths_are_read_as_they_are_written(text: str, path: tuple[str, ...]) -> None:
    assert parsed(text) == path
    assert shown(path) == text


@pytest.mark.parametrize("text", [".", "a.", ".a", "a..b", 'a"b', '"a', '"a"b', "a" * 1001])
def test_a_malformed_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="path:"):
        parsed(text)


@settings(max_examples=200)
@given(st.lists(st.text(max_size=4), max_size=4).map(tuple))
def test_any_path_survives_being_written(path: tuple[str, ...]) -> None:
    assert parsed(shown(path)) == path


def test_nodes_that_change_alike_are_together_and_most_come_first() -> None:
    one, other = (ValueChange("a", 1, 2, "l"),), (ValueChange("a", 1, True, "l"),)
    same = (ValueChange("a", 1, 2, "l"),)
    groups = grouped_changes([("n3", one), ("n9", other), ("n1", same), ("n2", (ValueChange("a", MISSING, 2, "l"),))])
    assert [group.node_ids for group in groups] == [("n1", "n3"), ("n2",), ("n9",)]


def test_nodes_refused_alike_are_together() -> None:
    groups = grouped_refusals([("n2", "1.0", ("p",)), ("n1", "1.0", ("p",)), ("n3", "2.0", ("p",))])
    assert [(group.version, group.node_ids) for group in groups] == [("1.0", ("n1", "n2")), ("2.0", ("n3",))]
