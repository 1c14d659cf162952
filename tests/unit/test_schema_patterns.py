"""Patterns of published schemas: those of agents pass, those that never come to an end are refused."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from wayside import node_config
from wayside.errors import InvalidArgumentError
from wayside_manager.core.config_checks import problems
from wayside_manager.core.config_schemas import ConfigSchema
from wayside_manager.core.published_schema import checked_schema
from wayside_manager.core.schema_patterns import fault_of


def patterns_of(value: Any) -> Iterator[str]:  # noqa: ANN401  # JSON
    if isinstance(value, dict) and isinstance(value.get("pattern"), str):
        yield value["pattern"]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from patterns_of(part)


@pytest.mark.parametrize("pattern", sorted(set(patterns_of(node_config.schema()))))
def test_what_the_agent_publishes_is_taken(pattern: str) -> None:
    assert fault_of(pattern) == ""


@pytest.mark.parametrize(
    "pattern", [r"^(a+)+$", r"^(a|aa)*$", r"^(a?){100}b(x*)*$", r"^((ab?)*c)*$", r"^(?=(a*)*)b", "x" * 501, "a?" * 60]
)
@pytest.mark.parametrize("place", ["pattern", "patternProperties"])
def test_what_never_ends_is_refused(pattern: str, place: str) -> None:
    value: dict[str, Any] = {"pattern": pattern} if place == "pattern" else {"patternProperties": {pattern: {}}}
    with pytest.raises(InvalidArgumentError, match="pattern"):
        checked_schema(json.dumps({"properties": {"name": value}}).encode())


def test_a_long_text_has_no_form_at_all() -> None:
    schema = ConfigSchema("2.0.0", json.dumps({"properties": {"name": {"type": "string", "pattern": "^a*a*b"}}}))
    began_s = time.perf_counter()
    assert problems({"name": "a" * 500_000}, schema)[0].startswith("name: ")
    assert time.perf_counter() - began_s < 5.0
    assert problems({"name": "aab"}, schema) == ()
