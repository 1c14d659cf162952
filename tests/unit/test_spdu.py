"""Envelopes and certificates: read as pycrate wrote them, refused where anything is wrong, judged by what they say."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrate_asn1dir.ITS_IEEE1609_2 import Ieee1609Dot2

from tests.v2x_signed import BRAINPOOL, EPOCH_S, NOW_S, P256, Signer, written
from wayside_agent.core.spdu.certificate import parsed_certificate
from wayside_agent.core.spdu.coer import SpduError
from wayside_agent.core.spdu.envelope import is_envelope, opened, parsed_spdu
from wayside_agent.core.spdu.judging import Judge, Outcome
from wayside_agent.core.spdu.model import Algorithm
from wayside_agent.drivers.security_openssl import OpenSslModule

BSM = b"\x00bsm of some bytes"
ROOT = Signer(issues=True)
RSU = Signer(ROOT, aids=(111, 3618))
PLACE = {"latitude": 200_000_000, "longitude": 1_100_000_000}
KEY = ("compressed-y-0", bytes(range(32)))


def judge(*anchors: Signer) -> Judge:
    return Judge(OpenSslModule(), [parsed_certificate(each.certificate) for each in anchors or (ROOT,)], max_age_s=30.0)


def test_a_signed_message_is_read_as_it_was_written() -> None:
    spdu = parsed_spdu(RSU.message(BSM, aid=3618, expiryTime=int((NOW_S - EPOCH_S + 60) * 1e6)))
    assert (spdu.message, spdu.application_id) == (BSM, 3618)
    assert spdu.generation_time_us == int((NOW_S - EPOCH_S) * 1e6)
    assert spdu.expiry_time_us == int((NOW_S - EPOCH_S + 60) * 1e6)
    [certificate] = spdu.certificates
    assert certificate.whole == RSU.certificate
    assert (certificate.application_ids, certificate.issuer_digest) == (frozenset({111, 3618}), ROOT.digest)
    assert (certificate.start_s, certificate.duration_s) == (int(NOW_S - 3600 - EPOCH_S), 31_556_952)
    assert parsed_spdu(RSU.message(BSM, by_digest=True)).signer_digest == RSU.digest


@pytest.mark.parametrize(
    "header",
    [
        {"generationLocation": PLACE | {"elevation": 100}},
        {"p2pcdLearningRequest": b"abc"},
        {"missingCrlIdentifier": {"cracaId": b"abc", "crlSeries": 7}},
        {"inlineP2pcdRequest": [b"abc", b"def"]},
    ],
    ids=lambda header: next(iter(header)),
)
def test_what_else_a_header_has_is_passed_over(header: dict[str, Any]) -> None:
    spdu = parsed_spdu(RSU.message(BSM, **header))
    assert (spdu.message, spdu.application_id) == (BSM, 111)
    assert judge().outcome(spdu, NOW_S) is Outcome.VERIFIED


@pytest.mark.parametrize(
    "extras",
    [
        {"id": ("none", 0)},
        {"id": ("binaryId", b"abc")},
        {"id": ("linkageData", {"iCert": 3, "linkage-value": bytes(9)})},
        {
            "id": (
                "linkageData",
                {
                    "iCert": 3,
                    "linkage-value": bytes(9),
                    "group-linkage-value": {"jValue": bytes(4), "value": bytes(9)},
                },
            )
        },
        {"region": ("circularRegion", {"center": PLACE, "radius": 500})},
        {"region": ("rectangularRegion", [{"northWest": PLACE, "southEast": PLACE}] * 2)},
        {"region": ("polygonalRegion", [PLACE] * 4)},
        {"region": ("identifiedRegion", [("countryOnly", 156)])},
        {"region": ("identifiedRegion", [("countryAndRegions", {"countryOnly": 156, "regions": [1, 2]})])},
        {
            "region": (
                "identifiedRegion",
                [
                    (
                        "countryAndSubregions",
                        {"country": 156, "regionAndSubregions": [{"region": 1, "subregions": [3, 4]}]},
                    )
                ],
            )
        },
        {"assuranceLevel": b"\x20"},
        {"appPermissions": [{"psid": 111, "ssp": ("opaque", b"abc")}, {"psid": 3618, "ssp": ("bitmapSsp", b"ab")}]},
        {
            "certIssuePermissions": [
                {"subjectPermissions": ("explicit", [{"psid": 111}]), "minChainLength": 2, "chainLengthRange": -1},
                {
                    "subjectPermissions": (
                        "explicit",
                        [
                            {"psid": 112, "sspRange": ("opaque", [b"a", b""])},
                            {"psid": 113, "sspRange": ("all", 0)},
                            {"psid": 114, "sspRange": ("bitmapSspRange", {"sspValue": b"ab", "sspBitmask": b"cd"})},
                        ],
                    )
                },
            ]
        },
        {"certRequestPermissions": [{"subjectPermissions": ("all", 0)}]},
        {"canRequestRollover": 0},
        {"encryptionKey": {"supportedSymmAlg": "aes128Ccm", "publicKey": ("eciesNistP256", KEY)}},
    ],
    ids=lambda extras: next(iter(extras)),
)
def test_a_certificate_with_more_in_it_is_read_to_its_end(extras: dict[str, Any]) -> None:
    signer = Signer(ROOT, extras=extras)
    assert parsed_certificate(signer.certificate).whole == signer.certificate
    assert judge().outcome(parsed_spdu(signer.message(BSM)), NOW_S) is Outcome.VERIFIED


def test_who_sent_its_certificate_once_is_known_by_its_digest() -> None:
    judging = judge()
    later = parsed_spdu(RSU.message(BSM, by_digest=True))
    assert judging.outcome(later, NOW_S) is Outcome.UNKNOWN_SIGNER
    assert judging.outcome(parsed_spdu(RSU.message(BSM)), NOW_S) is Outcome.VERIFIED
    assert judging.outcome(later, NOW_S) is Outcome.VERIFIED


@pytest.mark.parametrize("curve", [P256, BRAINPOOL])
def test_a_chain_over_an_authority_of_the_middle_leads_to_the_anchor(curve: str) -> None:
    middle = Signer(ROOT, curve=curve, issues=True)
    signer = Signer(middle, curve=curve)
    assert judge(middle).outcome(parsed_spdu(signer.message(BSM)), NOW_S) is Outcome.VERIFIED
    assert judge().outcome(parsed_spdu(signer.message(BSM)), NOW_S) is Outcome.UNKNOWN_SIGNER


@pytest.mark.parametrize(
    ("signer", "fields", "outcome"),
    [
        (RSU, {"aid": 3619}, Outcome.WRONG_AID),
        (RSU, {"at_s": NOW_S - 60}, Outcome.STALE),
        (RSU, {"at_s": NOW_S + 60}, Outcome.STALE),
        (RSU, {"at_s": None}, Outcome.STALE),
        (RSU, {"expiryTime": int((NOW_S - EPOCH_S - 60) * 1e6)}, Outcome.STALE),
        (Signer(ROOT, start_s=NOW_S - 2 * 31_556_952), {}, Outcome.CERTIFICATE_TIME),
        (Signer(ROOT, start_s=NOW_S + 3600), {}, Outcome.CERTIFICATE_TIME),
        (Signer(Signer(issues=True)), {}, Outcome.UNKNOWN_SIGNER),
        (Signer(RSU), {}, Outcome.UNKNOWN_SIGNER),
        (Signer(), {}, Outcome.UNKNOWN_SIGNER),
    ],
    ids=[
        "aid",
        "old",
        "ahead",
        "without time",
        "over",
        "ended",
        "not begun",
        "other root",
        "issuer that may not",
        "itself",
    ],
)
def test_a_message_that_is_not_what_it_says_has_its_own_reason(
    signer: Signer, fields: dict[str, Any], outcome: Outcome
) -> None:
    assert judge().outcome(parsed_spdu(signer.message(BSM, **fields)), NOW_S) is outcome


def authority(*aids: int, **more: Any) -> Signer:  # noqa: ANN401  # of Signer
    """Who may certify for some AIDs."""
    permissions = [{"subjectPermissions": ("explicit", [{"psid": aid} for aid in aids])}]
    return Signer(ROOT, issues=True, extras={"certIssuePermissions": permissions}, **more)


def test_an_authority_certifies_only_for_the_aids_it_may() -> None:
    maps = authority(3618, 3619)
    allowed, other = Signer(maps, aids=(3618,)), Signer(maps, aids=(111, 3618))
    assert judge(maps).outcome(parsed_spdu(allowed.message(BSM, aid=3618)), NOW_S) is Outcome.VERIFIED
    assert judge(maps).outcome(parsed_spdu(other.message(BSM)), NOW_S) is Outcome.UNKNOWN_SIGNER


def group(*aids: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # as pycrate wants it
    """A part of what an authority may certify for."""
    which = ("explicit", [{"psid": aid} for aid in aids]) if aids else ("all", 0)
    return {"subjectPermissions": which, **more}


@pytest.mark.parametrize(
    ("groups", "outcome"),
    [
        ([group(minChainLength=2)], Outcome.VERIFIED),
        ([group(chainLengthRange=1)], Outcome.VERIFIED),
        ([group(chainLengthRange=-1)], Outcome.VERIFIED),
        ([group()], Outcome.UNKNOWN_SIGNER),
        ([group(minChainLength=3)], Outcome.UNKNOWN_SIGNER),
        ([group(), group(111, minChainLength=2)], Outcome.VERIFIED),
        ([group(111), group(minChainLength=2)], Outcome.UNKNOWN_SIGNER),
        ([group(minChainLength=2, eeType=(0b11, 8))], Outcome.UNKNOWN_SIGNER),
        ([group(minChainLength=2, eeType=(0b0100_0000, 8))], Outcome.UNKNOWN_SIGNER),
        ([group(minChainLength=2, eeType=(0b1100_0000, 8))], Outcome.VERIFIED),
    ],
    ids=[
        "two below",
        "one or two",
        "any number",
        "one below",
        "three below",
        "a group of its own",
        "not of the rest",
        "nobody",
        "who asks",
        "who signs and asks",
    ],
)
def test_an_authority_lets_others_certify_as_far_as_it_may(groups: list[dict[str, Any]], outcome: Outcome) -> None:
    top = Signer(issues=True, extras={"certIssuePermissions": groups})
    car = Signer(Signer(top, issues=True))
    assert judge(top).outcome(parsed_spdu(car.message(BSM, with_issuers=True)), NOW_S) is outcome


def test_a_message_whose_header_says_more_than_is_understood_is_heard_and_not_looked_at() -> None:
    whole = RSU.message(BSM, inlineP2pcdRequest=[b"abc"])
    at = whole.index(b"\x02\x04\x80\x05\x01\x01abc") + 2  # a bit for each addition, then the one there is
    assert parsed_spdu(whole).message == BSM
    for number in (2, 3):
        changed = whole[:at] + bytes((0x80 >> number,)) + whole[at + 1 :]
        with pytest.raises(SpduError, match="addition"):
            parsed_spdu(changed)
        assert opened(changed) == (BSM, None)


def test_a_certificate_with_an_addition_is_not_understood() -> None:
    begin = RSU.certificate.index(b"\x81\x05rsu-1") - 1
    changed = bytearray(RSU.certificate)
    changed[begin] |= 0x80
    with pytest.raises(SpduError, match="addition"):
        parsed_certificate(bytes(changed))


def test_a_signer_is_forgotten_when_its_authority_is_over() -> None:
    passing = Signer(issues=True, start_s=NOW_S - 31_556_952 + 60)
    judging, car = judge(passing), Signer(passing)
    assert judging.outcome(parsed_spdu(car.message(BSM)), NOW_S) is Outcome.VERIFIED
    later_s = NOW_S + 120
    for by_digest in (True, False):
        message = parsed_spdu(car.message(BSM, at_s=later_s, by_digest=by_digest))
        assert judging.outcome(message, later_s) is Outcome.UNKNOWN_SIGNER


def test_no_byte_of_a_message_can_be_changed() -> None:
    whole = RSU.message(BSM)
    for index in range(len(whole)):
        changed = whole[:index] + bytes((whole[index] ^ 1,)) + whole[index + 1 :]
        try:
            outcome = judge().outcome(parsed_spdu(changed), NOW_S)
        except SpduError:
            continue
        assert outcome is not Outcome.VERIFIED, index


@given(st.binary(max_size=300))
def test_noise_is_no_envelope(noise: bytes) -> None:
    for content in (noise, b"\x03\x81" + noise, b"\x03\x81\x00\x40\x03\x80" + noise):
        with pytest.raises(SpduError):
            parsed_spdu(content)
    with pytest.raises(SpduError):
        parsed_certificate(b"\x80\x03\x00" + noise)


def test_a_message_without_a_signature_is_taken_out() -> None:
    envelope = b"\x03\x80" + bytes((len(BSM),)) + BSM
    assert is_envelope(envelope)
    assert opened(envelope) == (BSM, None)
    for wrong in (envelope + b"x", envelope[:-1], b"\x03\x80\x81\x05" + BSM, b"\x03\x80\x83\x00\x00\x05abcde"):
        with pytest.raises(SpduError):
            opened(wrong)


def test_a_message_whose_signature_is_not_understood_is_taken_out() -> None:
    whole = RSU.message(BSM, by_digest=True)
    for unknown in (whole[:-66] + b"\x8a\x40" + whole[-64:], whole[:-75] + b"\x82" + whole[-66:], whole[:-1]):
        assert opened(unknown) == (BSM, None)
    for cut in (whole[:-75], whole[:20], whole[:-75] + b"\x00"):
        with pytest.raises(SpduError):
            opened(cut)


@pytest.mark.parametrize("curve", ["ecdsaNistP256Signature", "ecdsaBrainpoolP384r1Signature"])
def test_a_certificate_is_the_same_however_its_signature_is_written(curve: str) -> None:
    size_bytes = 48 if "384" in curve else 32
    wholes = set()
    for form in ("x-only", "compressed-y-0", "compressed-y-1"):
        signature = (curve, {"rSig": (form, bytes(size_bytes)), "sSig": bytes(size_bytes)})
        content = written(Ieee1609Dot2.CertificateBase, RSU.value | {"signature": signature})
        wholes.add(parsed_certificate(content).whole)
    assert len(wholes) == 1


def test_algorithms_that_are_additions_stand_in_a_string_of_their_own() -> None:
    whole = RSU.message(BSM, by_digest=True)
    numbers = whole[-64:]
    sm2 = whole[:-66].replace(b"\x03\x81\x00", b"\x03\x81\x02", 1) + b"\x84\x40" + numbers
    spdu = parsed_spdu(sm2)
    assert (spdu.hash_name, spdu.signature.algorithm) == ("sm3", Algorithm.SM2)
    assert (spdu.signature.r, spdu.signature.s) == (numbers[:32], numbers[32:])
    for wrong in (whole[:-66] + b"\x85\x40" + numbers, whole[:-66] + b"\x84\x3f" + numbers[1:]):
        with pytest.raises(SpduError):
            parsed_spdu(wrong)


def test_signed_messages_of_a_real_deployment_are_read(shared_data: Path) -> None:
    content = gzip.decompress((shared_data / "v2x" / "j2735" / "rxMsg_TIM_GeneratedBy_RSU.gz").read_bytes())
    found: Counter[str] = Counter()
    at = 0
    while (at := content.find(b"\x03\x81", at)) >= 0:
        size_bytes = int.from_bytes(content[at - 2 : at], "little")
        try:
            spdu = parsed_spdu(content[at : at + size_bytes])
        except SpduError as error:
            found[str(error)] += 1
        else:
            found[f"{spdu.application_id} {spdu.signature.algorithm}"] += 1
            assert spdu.message[:2] == b"\x00\x1f"  # TravelerInformation
        at += max(2, size_bytes)
    assert found == {"131 nist-p256": 225, "the type of a certificate is 1, not 0": 18}  # implicit ones
