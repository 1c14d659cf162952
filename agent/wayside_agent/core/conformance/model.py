"""What the rules of conformance look at, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from wayside.v2x.generated.messages import MessageFrame
from wayside_agent.core.v2x import ReceivedMessage


class RuleName(StrEnum):
    """Every rule; `wording` says what each is about, and where it is from."""

    RECORD = "record"
    READABLE = "readable"
    KIND = "kind"
    APPLICATION = "application"
    LENGTH = "length"
    ORDER = "order"
    PERIOD = "period"
    COUNT = "count"
    CLOCK = "clock"
    KNOWN = "known"
    PLAUSIBLE = "plausible"
    UNIQUE = "unique"
    PHASES = "phases"
    EXPECTED = "expected"


@dataclass(frozen=True, slots=True)
class Seen:
    """One record of a recording."""

    number: int
    """Its place in the file, from 1."""
    received: ReceivedMessage | None
    """`None`: the record holds no message."""
    frame: MessageFrame | None
    """`None`: it cannot be read."""
    reason: str
    """Why there is no message; empty: there is one."""
    must_be_refused: bool = False
    """What is expected of it says so."""

    @property
    def message(self) -> Any:  # noqa: ANN401
        """The fields, a class of `wayside.v2x.generated.messages`; `None`: it cannot be read."""
        return None if self.frame is None else self.frame[1]


class Finding(NamedTuple):
    """That a rule is not kept: a key of `wording.SENTENCES`, and what stands in the sentence."""

    words: str
    values: dict[str, str | int]


Findings = Sequence[Finding] | None
"""`None`: the rule has nothing to say to such a record."""


class Rule(Protocol):
    """Goes along with one recording."""

    @property
    def name(self) -> RuleName:
        """Which it is."""

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""


def sender_of(message: Any) -> str:  # noqa: ANN401
    """Who sent it: the id; of MAP and SPAT, which have none, the crossings they are about."""
    if hasattr(message, "id"):
        return str(message.id.hex())
    if hasattr(message, "nodes"):
        return "+".join(node_name(node.id) for node in message.nodes)
    if hasattr(message, "intersections"):
        return "+".join(node_name(each.intersectionId) for each in message.intersections)
    return ""


def node_name(node: Any) -> str:  # noqa: ANN401
    """A crossing for people: region and number."""
    return f"{node.region or 0}.{node.id}"
