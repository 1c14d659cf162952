"""JSON values cross the wire as Structs and come back as they were."""

import math
import random
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct, Value

from wayside.errors import InvalidArgumentError
from wayside_manager.api.struct_values import DEPTH_MAX, mapping, struct, value
from wayside_manager.core.configs import MISSING

CASES = 500
FIELD = "config_layer.config"


def anything(pick: random.Random, depth: int = 0) -> Any:  # noqa: ANN401  # any JSON value
    kind = pick.randrange(5 if depth > 4 else 7)
    if kind == 5:
        return [anything(pick, depth + 1) for _ in range(pick.randrange(4))]
    if kind == 6:
        return {pick.choice("abcdé.\x00"): anything(pick, depth + 1) for _ in range(pick.randrange(4))}
    return (None, pick.random() < 0.5, pick.randint(-(2**53), 2**53), pick.uniform(-1e9, 1e9), "${x} é\n")[kind]


@pytest.mark.parametrize("seed", range(4))
def test_what_goes_in_comes_out(seed: int) -> None:
    pick = random.Random(seed)  # noqa: S311  # cases, no secrets
    for _ in range(CASES):
        before = {"x": anything(pick), "y": anything(pick)}
        crossed = Struct.FromString(struct(before).SerializeToString())
        assert mapping(crossed, field=FIELD) == before


@pytest.mark.parametrize(
    ("number", "expected"),
    [(30.0, 30), (-0.0, 0), (0.5, 0.5), (2.0**53, 2**53), (2.0**54, 2.0**54), (1e300, 1e300)],
)
def test_integral_numbers_become_integers_as_far_as_they_are_exact(number: float, expected: float) -> None:
    (found,) = mapping(struct({"x": number}), field=FIELD).values()
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_have_are_refused_by_their_path(number: float) -> None:
    message = Struct()
    message.fields["telemetry"].struct_value.fields["periods"].list_value.values.add().number_value = number
    with pytest.raises(InvalidArgumentError, match=r"^config_layer\.config\.telemetry\.periods\[0\]: "):
        mapping(message, field=FIELD)


def test_a_value_without_a_kind_is_refused() -> None:
    message = Struct()
    message.fields["x"].CopyFrom(Value())
    with pytest.raises(InvalidArgumentError, match=r"config\.x: the value has no kind"):
        mapping(message, field=FIELD)


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"x": 1}
    for _ in range(depth - 1):
        inner = {"x": inner}
    return inner


def test_objects_may_nest_only_so_deep() -> None:
    deepest = nested(DEPTH_MAX)
    assert mapping(struct(deepest), field=FIELD) == deepest
    with pytest.raises(InvalidArgumentError, match="nest deeper than 20"):
        mapping(struct(nested(DEPTH_MAX + 1)), field=FIELD)


def test_what_is_larger_than_a_mebibyte_is_refused() -> None:
    assert mapping(struct({"x": "y" * 1_000_000}), field=FIELD)
    with pytest.raises(InvalidArgumentError, match="use several layers"):
        mapping(struct({"x": "y" * 1_100_000}), field=FIELD)


def test_names_in_a_sentence_cannot_break_its_line() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        mapping(struct({"a\nb" * 500: math.nan}), field=FIELD)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


def test_a_value_that_is_not_there_is_none_and_null_is_a_value() -> None:
    assert value(MISSING) is None
    null = value(None)
    assert null is not None
    assert null.WhichOneof("kind") == "null_value"
