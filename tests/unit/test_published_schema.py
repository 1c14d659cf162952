"""Which schemas of a configuration a release may publish."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from wayside.errors import InvalidArgumentError
from wayside.node_config import schema
from wayside_manager.core.published_schema import SCHEMA_MAX_BYTES, checked_schema


def test_the_schema_of_this_very_agent_is_taken_as_it_is() -> None:
    published = json.dumps(schema(), indent=3)
    assert json.loads(checked_schema(published.encode())) == json.loads(published)


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"$defs": {"a/b": {"type": "object"}}, "properties": {"x": {"$ref": "#/$defs/a~1b"}}},
        {"$defs": {"tree": {"properties": {"left": {"$ref": "#/$defs/tree"}}}}, "$ref": "#/$defs/tree"},
        {"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}},
    ],
    ids=["empty", "escaped name", "tree of itself", "fields named like keywords"],
)
def test_a_schema_that_can_judge_is_taken(good: dict[str, Any]) -> None:
    text = checked_schema(json.dumps(good).encode())
    Draft202012Validator(json.loads(text)).is_valid({"left": {"left": {}}, "x": {}})


_DOUBLING = {f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(20)} | {"a20": {}}
_CIRCLE = {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"{", "it is no JSON"),
        (b"[" * 200_000, "it is no JSON"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested more than 64 deep"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[]", "it is no JSON object"),
        (b"true", "it is no JSON object"),
        (b" " * (SCHEMA_MAX_BYTES + 1), "more than 262144 bytes"),
        ({"type": "objekt"}, "is not valid"),
        ({"properties": {"host": {"pattern": "("}}}, r"\$\.properties\.host\.pattern"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "its \\$schema is not"),
        ({"$ref": "https://example.org/schema.json"}, "refer to its own parts only"),
        ({"$ref": "file:///etc/passwd"}, "refer to its own parts only"),
        ({"$ref": "other.json#/a"}, "refer to its own parts only"),
        ({"$ref": "#anchor"}, "refer to its own parts only"),
        ({"$id": "https://example.org/", "$ref": "#/$defs/a", "$defs": {"a": {}}}, r"uses \$id"),
        ({"$ref": "#/$defs/none"}, "which is not in it"),
        ({"$ref": "#/$defs", "$defs": []}, "is not"),
        ({"$ref": "#"}, "in a circle"),
        ({"$defs": _CIRCLE}, "in a circle"),
        ({"$defs": _DOUBLING}, "more than 1000 of its parts"),
    ],
    ids=[
        *(
            "cut short",
            "deep list",
            "deep object",
            "no text",
            "list",
            "truth value",
            "too large",
            "no type",
            "no pattern",
        ),
        *("another draft", "web", "file", "another document", "anchor", "base", "missing part", "no definitions"),
        *("itself", "circle", "doubling"),
    ],
)
def test_a_schema_that_could_not_judge_is_refused(bad: bytes | dict[str, Any], why: str) -> None:
    content = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    with pytest.raises(InvalidArgumentError, match=why) as caught:
        checked_schema(content)
    assert caught.value.reason == "CONFIG_SCHEMA_INVALID"
