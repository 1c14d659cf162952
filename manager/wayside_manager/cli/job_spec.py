"""What a job shall do, from words on a command line: `network-probe host=10.0.0.1 count=3`.

The kinds and their values are those of `wayside.v1.JobSpec`: what the contract gains, the command line has.
Usage: `job_spec("network-probe", ["count=3"], ttl="1h")`.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict, ParseError

from wayside.errors import InvalidArgumentError
from wayside.v1 import job_pb2
from wayside_manager.cli.running import duration_s
from wayside_manager.cli.text_file import read_bytes

CONTENT_MAX_BYTES = 1 << 20
_WORKS = job_pb2.JobSpec.DESCRIPTOR.oneofs_by_name["work"].fields
KINDS = {field.name.replace("_", "-"): field for field in _WORKS}
"""Kinds of work, as people write them, with the field of JobSpec."""


def job_spec(
    kind: str, values: Iterable[str], *, ttl: str = "", timeout: str = "", artifact_max_bytes: int = 0
) -> job_pb2.JobSpec:
    """The specification in some words.

    Args:
        kind: One of `KINDS`.
        values: `NAME=VALUE` each; durations as `45s` or `10m`, `content=@FILE` for the bytes of a file.
        ttl: Time in which the node must begin, as `1h`; empty: the default.
        timeout: Time the work may take.
        artifact_max_bytes: Of what it brings; 0: the default.

    Raises: InvalidArgumentError: naming the value; NotFoundError: a file is not there.
    """
    field = KINDS.get(kind)
    if field is None:
        raise InvalidArgumentError(f"{kind!r} is no kind of job; there are {', '.join(KINDS)}")
    given = dict(_given(field, values))
    document: dict[str, object] = {field.name: given}
    if ttl:
        document["ttl"] = f"{duration_s(ttl, field='--ttl')}s"
    if timeout:
        document["timeout"] = f"{duration_s(timeout, field='--timeout')}s"
    if artifact_max_bytes:
        document["artifact_max_bytes"] = artifact_max_bytes
    try:
        return ParseDict(document, job_pb2.JobSpec())
    except ParseError as exc:
        raise InvalidArgumentError(f"{kind}: {str(exc).partition(chr(10))[0]}; see `wayside jobs kinds`") from exc


def kind_of(spec: job_pb2.JobSpec) -> str:
    """The kind of a specification, as people write it; empty: none this program knows."""
    return (spec.WhichOneof("work") or "").replace("_", "-")


def words_of(spec: job_pb2.JobSpec) -> str:
    """The specification as one would type it; content of files left out."""
    name = spec.WhichOneof("work")
    if name is None:
        return ""
    work = getattr(spec, name)
    shown = (f"{field.name}={_shown(field, value)}" for field, value in work.ListFields() if field.name != "content")
    return " ".join((kind_of(spec), *shown))


def value_names(field: FieldDescriptor) -> str:
    """The values a kind takes, for a table."""
    return ", ".join(_fields(field))


def _given(field: FieldDescriptor, values: Iterable[str]) -> Iterator[tuple[str, object]]:
    known = _fields(field)
    for text in values:
        name, sign, value = text.partition("=")
        if not sign or name not in known:
            raise InvalidArgumentError(
                f"{text[:80]!r} is not NAME=VALUE with one of: {', '.join(known) or 'none, this kind takes no values'}"
            )
        yield name, _value(known[name], value)


def _fields(field: FieldDescriptor) -> dict[str, FieldDescriptor]:
    """The values of a kind, by name."""
    return {} if field.message_type is None else {each.name: each for each in field.message_type.fields}


def _value(field: FieldDescriptor, text: str) -> object:
    if field.message_type is not None:  # all of them are durations
        return f"{duration_s(text, field=field.name)}s"
    if field.type == FieldDescriptor.TYPE_BYTES:
        content = read_bytes(Path(text[1:]), max_bytes=CONTENT_MAX_BYTES) if text.startswith("@") else text.encode()
        return base64.b64encode(content).decode()
    if field.enum_type is not None:
        word = text.upper().replace("-", "_")
        names = [each for each in field.enum_type.values_by_name if each.endswith(f"_{word}")]
        return names[0] if names else text
    return text


def _shown(field: FieldDescriptor, value: Any) -> object:  # noqa: ANN401  # whatever the field holds
    if isinstance(value, Duration):
        return f"{value.ToTimedelta().total_seconds():g}s"
    if field.enum_type is not None:
        known = field.enum_type.values_by_number
        prefix = known[0].name.removesuffix("UNSPECIFIED")
        return known[value].name.removeprefix(prefix).lower() if value in known else value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) and " " in value else value
