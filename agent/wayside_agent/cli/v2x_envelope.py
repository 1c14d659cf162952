"""What `wayside-agent v2x decode` says of the envelope of a message; signatures are not verified here."""

from datetime import datetime, timedelta
from typing import Any

from wayside.errors import UnavailableError
from wayside_agent.core.spdu.coer import SpduError
from wayside_agent.core.spdu.envelope import is_envelope, parsed_spdu
from wayside_agent.core.spdu.hearing import is_signed, taken_out
from wayside_agent.core.spdu.judging import hashed_id
from wayside_agent.core.spdu.model import Spdu
from wayside_agent.core.v2x import ReceivedMessage

_EPOCH = datetime(2004, 1, 1)  # noqa: DTZ001  # leap seconds are not in it: it is a count, written as a time


def without_envelope(message: ReceivedMessage) -> tuple[ReceivedMessage, dict[str, Any]]:
    """The message in an envelope, and `{"security": …}` if it is signed; else what it was, and nothing."""
    inner, spdu = taken_out(message)
    if inner is message or not is_signed(message.payload):
        return inner, {}
    return inner, {"security": None if spdu is None else _said(spdu)}


def security_of(payload: bytes) -> dict[str, Any]:
    """`{"security": …}` of a signed message, whatever is in it; else nothing."""
    if not is_envelope(payload) or not is_signed(payload):
        return {}
    try:
        return {"security": _said(parsed_spdu(payload))}
    except SpduError:
        return {"security": None}


def _said(spdu: Spdu) -> dict[str, Any]:
    said: dict[str, Any] = {"signer": _signer(spdu), "aid": spdu.application_id, "algorithm": spdu.signature.algorithm}
    if spdu.generation_time_us is not None:
        said["generation_time"] = _time(spdu.generation_time_us)
    if spdu.expiry_time_us is not None:
        said["expiry_time"] = _time(spdu.expiry_time_us)
    return said


def _signer(spdu: Spdu) -> str | None:
    """HashedId8, in hex; `None`: nobody here can hash so."""
    if spdu.signer_digest is not None:
        return spdu.signer_digest.hex()
    from wayside_agent.drivers.security_openssl import OpenSslModule  # cryptography: not for who reads bare messages

    try:
        return hashed_id(OpenSslModule(), spdu.certificates[0]).hex()
    except UnavailableError:
        return None


def _time(since_epoch_us: int) -> str | None:
    """`None`: after the year 9999."""
    try:
        return (_EPOCH + timedelta(microseconds=since_epoch_us)).isoformat(timespec="microseconds") + "Z"
    except OverflowError:
        return None
