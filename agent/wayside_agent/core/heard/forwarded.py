"""A message as it is passed on: its bytes, or a document for JSON like that of `wayside-agent v2x decode`.

    payload = forwarded(message, Form.BOTH, Profile.P20, doubt=None)

A message that cannot be decoded is passed on all the same, with `error` in the place of `message`.
"""

from enum import StrEnum
from typing import Any

import msgspec

from wayside.v2x.codec import DecodeError, Profile, decode
from wayside_agent.core.heard.plausibility import Doubt
from wayside_agent.core.radio_recording import VerdictLine
from wayside_agent.core.v2x import ReceivedMessage


class Form(StrEnum):
    """How a message is passed on."""

    RAW = "raw"
    """The UPER MessageFrame, nothing else."""
    DECODED = "decoded"
    """A JSON document."""
    BOTH = "both"
    """A JSON document that also holds the bytes, in hex."""


def forwarded(message: ReceivedMessage, form: Form, profile: Profile, *, doubt: Doubt | None) -> bytes:
    """What to publish."""
    if form is Form.RAW:
        return message.payload
    from wayside.v2x.readable import readable  # 1 MB that a unit without subscriptions does without

    document: dict[str, Any] = {"kind": message.kind, "profile": profile, "time_ns": message.time_ns}
    if message.application_id is not None:
        document["application_id"] = message.application_id
    if message.verdict is not None:
        document["verdict"] = VerdictLine.of(message.verdict)
    if doubt is not None:
        document["doubt"] = doubt
    if form is Form.BOTH:
        document["payload"] = message.payload.hex()
    try:
        document["message"] = readable(decode(message.payload, profile))
    except DecodeError as error:
        document["error"] = str(error)
    return msgspec.json.encode(document)
