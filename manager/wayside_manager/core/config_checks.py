"""Configurations against the schema of the agent that shall run them: one sentence per problem.

A sentence names the path, the value, what is allowed and the version. Of unknown names it says the nearest known ones.
What lies in a field that names a secret is never repeated: somebody may have written the secret itself. Usage:

    problems({"report_period_s": 0}, own_schema()) == ("report_period_s: 0 is outside 1 to 3600 (agent 0.1.0)",)
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import ValidationError

from wayside import node_config
from wayside_manager.core.config_diff import Path, leaves, shown
from wayside_manager.core.config_schemas import ConfigSchema
from wayside_manager.core.configs import ConfigMapping

PROBLEMS_MAX_COUNT = 20
"""Said of one configuration; who mends these sees the others."""
_SHOWN_CHARS = 80
_NAMES_MAX_COUNT = 3
_SECRET_NAME = re.compile(r"([A-Za-z0-9_][A-Za-z0-9._-]{0,254})?\Z")
_NO_LINE_END = r"(?!\n)"  # Python's `$` would allow one; people need not read that
_WORDS = {
    "maxLength": "has more than {bound} characters",
    "minLength": "has fewer than {bound} characters",
    "maxItems": "has more than {bound} entries",
    "minItems": "has fewer than {bound} entries",
    "maxProperties": "has more than {bound} fields",
    "minProperties": "has fewer than {bound} fields",
    "multipleOf": "is no multiple of {bound}",
    "uniqueItems": "has an entry twice",
}
_TYPES = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def problems(config: ConfigMapping, schema: ConfigSchema, content: bytes = b"") -> tuple[str, ...]:
    """Every reason why an agent cannot run a configuration, in order of paths. Empty: it is sound.

    `content` is its canonical JSON, when there is one already.
    """
    content = content or node_config.canonical(config)
    if len(content) > node_config.MAX_BYTES:
        return (f"the configuration has {len(content)} bytes, more than {node_config.MAX_BYTES}; name fewer signals",)
    found = list(_secret_problems(config, schema)) if schema.secrets else []
    if schema.is_surely_sound is None or not schema.is_surely_sound(content):
        found += _schema_problems(config, schema)
    every = sorted(set(found))
    more = len(every) - PROBLEMS_MAX_COUNT
    return tuple(every) if more <= 0 else (*every[:PROBLEMS_MAX_COUNT], f"and {more} more")


def _secret_problems(config: ConfigMapping, schema: ConfigSchema) -> Iterator[str]:
    for path, value in leaves(config):
        field = _secret_field(path, schema)
        if field and not (field == path and isinstance(value, str) and _SECRET_NAME.match(value)):
            yield _secret_sentence(field, schema)


@lru_cache(maxsize=16_384)  # nodes of a fleet set the same fields
def _secret_field(path: Path, schema: ConfigSchema) -> Path:
    """The field at or above a path that names a secret; empty: none does."""
    outer = (path[:length] for length in range(1, len(path) + 1))
    return next((field for field in outer if schema.says_secret(field)), ())


def _secret_sentence(path: Path, schema: ConfigSchema) -> str:
    return (
        f"{shown(path)}: it names a secret on the unit, by 1 to 255 letters, digits, '.', '_' and '-'; "
        f"the secret itself is no configuration{_of(schema)}"
    )


def _of(schema: ConfigSchema) -> str:
    return f" (agent {schema.version})"


def _schema_problems(config: ConfigMapping, schema: ConfigSchema) -> list[str]:
    return [
        sentence + _of(schema)
        for error in schema.validator.iter_errors(config)
        for sentence in _sentences(error, schema)
    ]


def _sentences(error: ValidationError, schema: ConfigSchema) -> Iterator[str]:
    steps = tuple(error.absolute_path)
    path = tuple(step for step in steps if isinstance(step, str))
    where = _where(steps)
    limit: Any = error.validator_value
    if _secret_field(path, schema):
        return  # said already, without the value
    if error.validator in {"additionalProperties", "unevaluatedProperties"} and isinstance(error.instance, Mapping):
        yield from _unknown_names(error, path, schema)
    elif error.validator == "required":
        instance: Any = error.instance
        missing = [name for name in limit if name not in instance]
        yield f"{where}: {', '.join(missing)} must be set"
    elif "propertyNames" in error.absolute_schema_path:
        yield f"{where}: the name {_quoted(error.instance)} {_fault(error, '')}"
    else:
        yield f"{where}: {_quoted(error.instance)} {_fault(error, _meaning(schema, path))}"


def _unknown_names(error: ValidationError, path: Path, schema: ConfigSchema) -> Iterator[str]:
    known = schema.known_names(path)
    patterns = error.schema.get("patternProperties", {}) if isinstance(error.schema, Mapping) else {}
    instance: Any = error.instance
    for name in instance:
        if name in known or any(re.search(pattern, name) for pattern in patterns):
            continue
        near = difflib.get_close_matches(name, known, n=_NAMES_MAX_COUNT, cutoff=0.5) or known
        yield f"{shown((*path, _short(name)))}: there is no such field{_hint(tuple(near))}"


def _hint(names: tuple[str, ...]) -> str:
    if not names:
        return "; leave it out"
    some = ", ".join(names[: 2 * _NAMES_MAX_COUNT])
    return f"; use {some}" if len(names) == 1 else f"; the nearest known ones are {some}"


def _meaning(schema: ConfigSchema, path: Path) -> str:
    """What the schema says a value is, its first sentence without the stop."""
    said = next((str(part["description"]) for part in schema.parts_at(path) if "description" in part), "")
    return said.split(". ")[0].rstrip(".")


def _fault(error: ValidationError, meaning: str) -> str:
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    limit: Any = error.validator_value
    match error.validator:
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            within = _range(schema)
            return (
                f"is not {within}"
                if within.startswith(("at ", "above ", "below ")) and " to " not in within
                else f"is outside {within}"
            )
        case "type":
            return _wrong_type(schema, limit)
        case "enum":
            return f"is none of {', '.join(map(_quoted, limit))}"
        case "const":
            return f"is not {_quoted(limit)}"
        case "pattern":
            return _wrong_form(str(limit), meaning)
    words = _WORDS.get(str(error.validator), "does not satisfy {key} of the schema")
    return words.format(key=error.validator, bound=limit)


def _wrong_type(schema: Mapping[str, Any], wanted: str | list[str]) -> str:
    words = [_TYPES.get(each, each) for each in ([wanted] if isinstance(wanted, str) else wanted)]
    bounds = f" within {_range(schema)}" if "minimum" in schema or "maximum" in schema else ""
    return f"is not {' or '.join(words)}{bounds}"


def _wrong_form(pattern: str, meaning: str) -> str:
    pattern = pattern.removesuffix(_NO_LINE_END)
    if not meaning:
        return f"is not of the form {_short(pattern)}"
    return (
        f"is not of the form of this: {meaning}"
        if len(pattern) > _SHOWN_CHARS
        else (f"is not of the form {pattern}: {meaning}")
    )


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = f"above {_number(schema['exclusiveMinimum'])}"
    if "exclusiveMaximum" in schema:
        high = f"below {_number(schema['exclusiveMaximum'])}"
    if low is None:
        return str(high) if "exclusiveMaximum" in schema else f"at most {_number(high)}"
    if high is None:
        return str(low) if "exclusiveMinimum" in schema else f"at least {_number(low)}"
    return f"{_number(low)} to {_number(high)}"


def _number(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _quoted(value: object) -> str:
    """A value for a sentence; of what has parts nothing is repeated, a secret may be among them."""
    if isinstance(value, Mapping | list | tuple):
        return "an object" if isinstance(value, Mapping) else "a list"
    return _short(json.dumps(value, ensure_ascii=False, sort_keys=True))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."


def _where(steps: tuple[str | int, ...]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{shown((_short(step),))}"
    return text or "the configuration"
