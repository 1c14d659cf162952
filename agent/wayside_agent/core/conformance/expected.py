"""The rule of vectors: a message says what the suite expects of it, or is refused if it must be."""

import json
from collections.abc import Sequence
from typing import Any

from wayside.errors import InvalidArgumentError
from wayside.v2x import phase2_readable
from wayside.v2x.codec import DecodeError, Profile
from wayside.v2x.generated.messages import MessageFrame
from wayside.v2x.readable import readable
from wayside_agent.core.conformance.model import Finding, Findings, RuleName, Seen

_MOST_WORDS = 60
Document = dict[str, Any]


def documents_of(text: str, name: str) -> list[Document]:
    """The lines of a file of expectations.

    Raises: InvalidArgumentError: naming the line.
    """
    documents = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict) or not {"message", "error"} & document.keys():
            raise InvalidArgumentError(f"{name}, line {number}: give an object with `message` or `error`")
        documents.append(document)
    return documents


class ExpectedRule:
    """Every record is what its line says."""

    name = RuleName.EXPECTED

    def __init__(self, documents: Sequence[Document], profile: Profile) -> None:
        self._documents = documents
        self._profile = profile

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if not self._documents:
            return None
        if seen.number > len(self._documents):
            return [Finding("expected-more", {"count": len(self._documents)})]
        document = self._documents[seen.number - 1]
        if "message" not in document:
            return [Finding("expected-refusal", {})] if seen.message is not None else ()
        if seen.frame is None:
            return None  # another rule says so
        name = next(iter(document["message"]), "") if isinstance(document["message"], dict) else ""
        written = json.loads(json.dumps(self._written(seen.frame, document["message"])))
        difference = _difference(written, document["message"], "")
        if not difference:
            return ()
        field, ours, wanted = difference
        return [Finding("expected", {"field": field or name, "value": _short(ours), "wanted": _short(wanted)})]

    def _written(self, frame: MessageFrame, wanted: object) -> Document:
        """The message as `v2x decode` writes it; what of phase 2 is not confirmed is taken apart if it is wanted so."""
        said = wanted.get(phase2_readable.FRAME) if isinstance(wanted, dict) else None
        unconfirmed = isinstance(said, dict) and said.get("confirmed") is False
        try:
            return phase2_readable.readable(frame, self._profile, unconfirmed=unconfirmed)
        except DecodeError:
            return readable(frame)


def _difference(ours: Any, wanted: Any, where: str) -> tuple[str, Any, Any] | None:  # noqa: ANN401
    """The first place at which two documents differ."""
    if isinstance(ours, dict) and isinstance(wanted, dict):
        for key in sorted(ours.keys() | wanted.keys()):
            found = _difference(ours.get(key, _ABSENT), wanted.get(key, _ABSENT), f"{where}.{key}" if where else key)
            if found:
                return found
        return None
    if isinstance(ours, list) and isinstance(wanted, list) and len(ours) == len(wanted):
        for place, (one, other) in enumerate(zip(ours, wanted, strict=True)):
            if found := _difference(one, other, f"{where}[{place}]"):
                return found
        return None
    return None if ours == wanted and type(ours) is type(wanted) else (where, ours, wanted)


_ABSENT = object()


def _short(value: object) -> str:
    text = "nothing" if value is _ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _MOST_WORDS else text[: _MOST_WORDS - 1] + "…"
