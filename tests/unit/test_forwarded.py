"""Documents of messages that are passed on."""

import json

from wayside.v2x.codec import Profile
from wayside.v2x.peek import MessageKind
from wayside_agent.core.heard.forwarded import Form, forwarded
from wayside_agent.core.v2x import ReceivedMessage, Verdict


def document(verdict: Verdict | None) -> dict[str, object]:
    message = ReceivedMessage(b"\x00bsm", MessageKind.BSM, 7, 111, verdict)
    said = json.loads(forwarded(message, Form.DECODED, Profile.P20, doubt=None))
    assert isinstance(said, dict)
    return said


def test_what_was_found_of_a_signature_goes_along() -> None:
    verdict = Verdict(verified=False, signer_digest=bytes(range(1, 9)), certificate_days=30.0)
    assert document(verdict)["verdict"] == {
        "verified": False,
        "signer": "0102030405060708",
        "certificate_days": 30.0,
    }
    assert document(Verdict(verified=True, checked_by="agent"))["verdict"] == {"verified": True, "checked_by": "agent"}


def test_a_signature_of_which_nobody_says_anything_is_not_mentioned() -> None:
    assert "verdict" not in document(None)
    assert document(Verdict())["verdict"] == {}
