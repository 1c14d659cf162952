"""Layers merged into one configuration: RFC 7396 and who has the last word."""

import copy
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside_manager.core.config_diff import at, differences, is_same, leaves
from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.merge import in_order, leaf_paths, merge_patch, merged, opinions, setter
from wayside_manager.core.selectors import NodeSelector

START = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = st.sampled_from("abc")
LEAVES = st.one_of(
    st.integers(0, 3), st.booleans(), st.sampled_from(["", "x"]), st.lists(st.integers(0, 2), max_size=2)
)
JSON = st.recursive(LEAVES | st.none(), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)
PATCHES = st.dictionaries(NAMES, JSON, max_size=3)
# One name is always an object or always a value, and nothing is taken away: as configurations without `null` are.
PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "value": LEAVES,
        "other": LEAVES,
        "object": st.fixed_dictionaries({}, optional={"value": LEAVES, "inner": st.dictionaries(NAMES, LEAVES)}),
    },
)
CASES = settings(max_examples=200)


def layer(layer_id: str, priority: int, config: dict[str, Any] | None = None) -> ConfigLayerRecord:
    return ConfigLayerRecord(layer_id, NodeSelector(all_nodes=True), priority, config or {}, START, START)


def layers_of(configs: list[dict[str, Any]]) -> list[ConfigLayerRecord]:
    return [layer(f"l{index}", index, config) for index, config in enumerate(configs)]


# RFC 7396, Appendix A, row by row
@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_rfc_hold(original: object, patch: object, result: object) -> None:
    assert merge_patch(original, patch) == result


def test_an_object_merges_field_by_field_and_a_list_replaces_a_list() -> None:
    low = {"report_period_s": 30, "telemetry": {"broker_host": "a", "broker_port": 1}, "list": [1, 2]}
    high = {"telemetry": {"broker_port": 2}, "list": [3]}
    assert merged([low, high]) == {
        "report_period_s": 30,
        "telemetry": {"broker_host": "a", "broker_port": 2},
        "list": [3],
    }


def test_equal_priorities_are_ordered_by_name() -> None:
    layers = [layer("z", 1), layer("b", 5), layer("a", 5)]
    assert [one.layer_id for one in in_order(layers)] == ["z", "a", "b"]


def test_a_false_zero_or_empty_value_is_a_value() -> None:
    assert merged([{"a": True, "b": 7, "c": "x", "d": [1]}, {"a": False, "b": 0, "c": "", "d": []}]) == {
        "a": False,
        "b": 0,
        "c": "",
        "d": [],
    }


@CASES
@given(PLAIN)
def test_merging_with_nothing_or_itself_changes_nothing(config: dict[str, object]) -> None:
    assert merged([config]) == merged([{}, config]) == merged([config, {}]) == merged([config, config]) == config


@CASES
@given(PLAIN, PLAIN, PLAIN)
def test_merging_in_steps_is_merging_at_once_where_nothing_is_taken_away(
    first: dict[str, object], second: dict[str, object], third: dict[str, object]
) -> None:
    at_once = merged([first, second, third])
    assert merged([merged([first, second]), third]) == at_once == merged([first, merged([second, third])])


@CASES
@given(PATCHES, PATCHES)
def test_applying_the_same_layer_again_changes_nothing(low: dict[str, object], high: dict[str, object]) -> None:
    assert merged([low, high, high]) == merged([low, high])


@CASES
@given(st.lists(PATCHES, max_size=4))
def test_arguments_stay_and_no_null_is_left(configs: list[dict[str, object]]) -> None:
    before = copy.deepcopy(configs)
    result = merged(configs)
    assert configs == before
    assert not any(value is None for _, value in leaves(result))


@CASES
@given(st.lists(PATCHES, min_size=1, max_size=5))
def test_the_layer_named_for_a_value_is_the_one_without_which_it_is_not_so(configs: list[dict[str, Any]]) -> None:
    layers = layers_of(configs)
    result = merged(configs)
    for path, value in leaves(result):
        name = setter(layers, path)
        index = int(name.removeprefix("l"))
        # nobody above says anything of it, and merging up to it gives the value already
        so_far = dict(leaves(merged(configs[: index + 1])))
        assert value == {} or so_far[path] == value
        assert all(said.layer_id <= name for said, _ in opinions(layers, path))


@CASES
@given(st.lists(PATCHES, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_asking_does_not_matter(configs: list[dict[str, Any]], random: Any) -> None:  # noqa: ANN401
    layers = layers_of(configs)
    mixed = list(layers)
    random.shuffle(mixed)
    assert in_order(mixed) == tuple(layers)


def test_a_layer_that_takes_a_whole_away_has_an_opinion_on_what_was_in_it() -> None:
    layers = layers_of([{"a": {"b": 1}}, {"a": None}, {"c": 2}])
    assert [(one.layer_id, value) for one, value in opinions(layers, ("a", "b"))] == [("l0", 1), ("l1", None)]
    assert setter(layers, ("a", "b")) == "l1"
    assert setter(layers, ("x",)) == ""


def test_leaf_paths_are_those_anybody_gives_a_value_to() -> None:
    layers = layers_of([{"a": {"b": 1}, "e": {}}, {"a": {"c": None}}])
    assert leaf_paths(layers) == {("a", "b"), ("a", "c"), ("e",)}


def random_json(random: Random, depth: int = 0) -> Any:  # noqa: ANN401  # JSON
    kind = random.randrange(8 if depth < 3 else 5)
    if kind >= 5:
        return {random.choice("abcd"): random_json(random, depth + 1) for _ in range(random.randrange(4))}
    return (random.randrange(3), random.random() < 0.5, "x", None, [random.randrange(2)])[kind]


@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_stacks_of_layers_keep_the_rules(seed: int) -> None:
    """Beside the properties above, which choose their cases slowly and well: 2,000 cases each, thousands per second."""
    random = Random(seed)  # noqa: S311  # cases, not secrets
    for _ in range(2_000):
        configs = [
            {random.choice("abcd"): random_json(random) for _ in range(random.randrange(4))}
            for _ in range(random.randrange(1, 6))
        ]
        result = merged(configs)
        layers = layers_of(configs)
        assert merged([*configs, configs[-1]]) == result == merged([merged(configs[:-1]), configs[-1]])
        for path, value in leaves(result):
            assert value is not None
            said = list(opinions(layers, path))
            assert said[-1][0].layer_id == setter(layers, path)
            assert value == {} or said[-1][1] == value
        for path, before, after in differences(result, merged(configs[:-1])):
            assert at(result, path) is before or at(result, path) == before
            assert not is_same(before, after)
