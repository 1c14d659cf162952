"""Documents of roadside sensors as `PerceptionDocument` of proto/wayside/v1/perception.proto.

Usage: `read_protobuf(payload)`; bounds and refusals are those of `core.perception.document`.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError

from wayside.v1 import perception_pb2 as wire
from wayside_agent.core.perception.document import (
    Document,
    DocumentError,
    ObjectClass,
    Source,
    check_size,
    of_words,
    printable,
)

_CLASSES: Mapping[int, ObjectClass] = dict(enumerate(ObjectClass))
"""Both are in the same order."""
_SOURCES: Mapping[int, Source] = dict(enumerate(Source))


def read_protobuf(payload: bytes) -> Document:
    """A document.

    Raises: DocumentError: it is too long, no PerceptionDocument, or its own fields are wrong.
    """
    check_size(payload)
    try:
        message = wire.PerceptionDocument.FromString(payload)
    except DecodeError as error:
        raise DocumentError(f"it is no PerceptionDocument ({printable(str(error))})") from None
    objects = message.objects
    return of_words(message.time_ms, message.sensor_id, map(_words, objects), count=len(objects))


def _words(each: wire.PerceivedObject) -> Mapping[str, Any]:
    words: dict[str, Any] = {field.name: value for field, value in each.ListFields()}
    if "object_class" in words:
        number = words.pop("object_class")
        words["class"] = _CLASSES.get(number, f"number {number}")
    if "sources" in words:
        words["sources"] = [_SOURCES.get(number, f"number {number}") for number in words["sources"]]
    return words
