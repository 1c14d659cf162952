"""What people are told of messages in envelopes: the message, and what the envelope says."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

from tests.v2x_oracles import pool
from tests.v2x_signed import NOW_S, Signer
from wayside.v2x.codec import Profile
from wayside.v2x.peek import MessageKind, message_kind
from wayside_agent.cli import v2x
from wayside_agent.core.v2x_files import FileFormat

BSM = next(each for each in pool(Profile.P20, 3, 20) if message_kind(each) is MessageKind.BSM)
CAR = Signer(Signer(issues=True), aids=(111, 112))


def documents(path: Path, *payloads: bytes, profile: str = Profile.P20) -> list[dict[str, Any]]:
    path.write_text("".join(f"{each.hex()}\n" for each in payloads), "ascii")
    return list(v2x.decoded_as(path, profile, FileFormat.AUTO))


def test_a_signed_message_is_decoded_with_what_its_envelope_says(tmp_path: Path) -> None:
    signed = (CAR.message(BSM, aid=112, by_digest=each, expiryTime=2**64 - 1) for each in (True, False))
    bare, *found = documents(tmp_path / "said.hex", BSM, *signed)
    assert "message" in bare
    for each in found:
        assert each == bare | {
            "application_id": 112,
            "security": {
                "signer": CAR.digest.hex(),
                "aid": 112,
                "algorithm": "nist-p256",
                "generation_time": "2027-01-15T08:00:00.000000Z",
                "expiry_time": None,  # after the year 9999
            },
        }


def test_what_is_not_understood_of_an_envelope_is_not_known(tmp_path: Path) -> None:
    whole = CAR.message(BSM, by_digest=True)
    bare, unknown, unsigned = documents(
        tmp_path / "said.hex", BSM, whole[:-66] + b"\x8a\x40" + whole[-64:], b"\x03\x80" + bytes((len(BSM),)) + BSM
    )
    assert unknown == bare | {"security": None}
    assert unsigned == bare


def test_signed_messages_are_counted_by_what_is_in_them(tmp_path: Path) -> None:
    path = tmp_path / "said.hex"
    path.write_text("".join(f"{CAR.message(BSM, at_s=NOW_S + number).hex()}\n" for number in range(3)))
    counted = v2x.counted(path, FileFormat.AUTO)
    assert (counted["messages"], counted["readable"]["p20"], counted["errors"]) == ({"BSM": 3}, {"BSM": 3}, {})


def test_envelopes_of_a_us_deployment_are_told_of(tmp_path: Path, shared_data: Path) -> None:
    content = gzip.decompress((shared_data / "v2x" / "j2735" / "rxMsg_TIM_GeneratedBy_RSU.gz").read_bytes())
    payloads, at = [], 0
    while (at := content.find(b"\x03\x81", at)) >= 0:
        size_bytes = int.from_bytes(content[at - 2 : at], "little")
        payloads.append(content[at : at + size_bytes])
        at += max(2, size_bytes)
    found = Counter(
        each["security"] and (each["security"]["aid"], each["security"]["algorithm"], len(each["security"]["signer"]))
        for each in documents(tmp_path / "said.hex", *payloads, profile="j2735")
    )
    assert found == {(131, "nist-p256", 16): 225, None: 18}  # those with certificates that are implicit
