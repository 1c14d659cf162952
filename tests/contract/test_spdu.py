"""Signed envelopes as another codec writes them are read, judged, and refused once a bit of them is another."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.spdu_world import AID, NOW_S, START, SignedWorld, coer, pycrate, to_be_signed
from wayside_agent.core.security import epoch
from wayside_agent.core.security.certificate import certificate
from wayside_agent.core.security.coer import MAX_BYTES, SpduError
from wayside_agent.core.security.signing import Algorithm, Dialect
from wayside_agent.core.security.spdu import Place, spdu
from wayside_agent.core.security.trust import Outcome, Trust
from wayside_agent.drivers.security_openssl import OpensslModule

PAYLOAD = bytes.fromhex("002eb7d528470707070704a399af1ab4")
MODULE = OpensslModule(OpensslModule.Options())


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> SignedWorld:
    return SignedWorld(tmp_path)


def trusting(world: SignedWorld, *, leap_s: int = 0) -> Trust:
    return Trust([certificate(world.root.certificate)], MODULE.verify, leap_s=leap_s, max_age_s=5.0)


def judged(trust: Trust, message: bytes, *, aid: int | None = AID, now_s: float | None = NOW_S) -> Outcome:
    found = spdu(message).signed
    assert found is not None
    trust.hear(found)
    return trust.judged(found, aid=aid, now_s=now_s)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_message_of_a_certified_vehicle_is_verified(algorithm: Algorithm, tmp_path: Path) -> None:
    world = SignedWorld(tmp_path, algorithm)
    assert judged(trusting(world), world.message(PAYLOAD)) is Outcome.VERIFIED
    assert spdu(world.message(PAYLOAD)).payload == PAYLOAD


def test_what_we_sign_is_what_another_codec_reads(world: SignedWorld) -> None:
    message, kind = world.message(PAYLOAD), pycrate("Ieee1609Dot2Data")
    kind.from_coer(message)
    assert kind.to_coer() == message


def test_no_byte_of_a_verified_message_can_be_another(world: SignedWorld) -> None:
    message = world.message(PAYLOAD)
    for at in range(len(message)):
        changed = message[:at] + bytes((message[at] ^ 1,)) + message[at + 1 :]
        try:
            found = spdu(changed)
        except SpduError:
            continue
        if found.signed is not None:  # else it is not looked at
            assert trusting(world).judged(found.signed, aid=None, now_s=NOW_S) is not Outcome.VERIFIED, at


def test_a_message_with_a_digest_is_verified_once_the_certificate_was_heard(world: SignedWorld) -> None:
    trust, short = trusting(world), world.message(PAYLOAD, with_certificate=False)
    assert judged(trust, short) is Outcome.UNKNOWN_SIGNER
    assert judged(trust, world.message(PAYLOAD)) is Outcome.VERIFIED
    assert judged(trust, short) is Outcome.VERIFIED


def test_a_certificate_whose_r_is_a_point_has_the_digest_of_its_canonical_form(world: SignedWorld) -> None:
    holder = world.holder(world.root, r_form=2)
    found = certificate(holder.certificate)
    assert holder.certificate != found.canonical
    with_x_only = holder.certificate.replace(b"\x80\x82" + found.signature.r, b"\x80\x80" + found.signature.r)
    assert certificate(with_x_only).digest() == found.digest()


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        (lambda w: w.message(PAYLOAD, generation_s=NOW_S - 5.5), Outcome.STALE),
        (lambda w: w.message(PAYLOAD, generation_s=NOW_S + 3), Outcome.STALE),
        (lambda w: w.message(PAYLOAD, generation_s=None), Outcome.STALE),
        (lambda w: w.message(PAYLOAD, expiry_s=NOW_S - 0.01), Outcome.STALE),
        (lambda w: w.message(PAYLOAD, expiry_s=NOW_S + 1), Outcome.VERIFIED),
        (lambda w: w.message(PAYLOAD, aid=112), Outcome.WRONG_AID),
        (lambda w: w.message(PAYLOAD, by=w.holder(w.root, aids=(3618,))), Outcome.WRONG_AID),
        (lambda w: w.message(PAYLOAD, by=w.holder(w.root, duration=("seconds", 10))), Outcome.EXPIRED),
        (lambda w: w.message(PAYLOAD, by=w.holder(w.root, start=START + 10**7)), Outcome.EXPIRED),
        (lambda w: w.message(PAYLOAD, by=w.holder()), Outcome.UNKNOWN_SIGNER),
        (lambda w: w.message(PAYLOAD, by=w.holder(w.vehicle)), Outcome.UNKNOWN_SIGNER),
    ],
)
def test_what_is_wrong_with_a_message_is_said(
    world: SignedWorld, made: Callable[[SignedWorld], bytes], outcome: Outcome
) -> None:
    assert judged(trusting(world), made(world), aid=None) is outcome


def test_a_message_under_another_aid_than_it_was_signed_for_is_wrong(world: SignedWorld) -> None:
    assert judged(trusting(world), world.message(PAYLOAD), aid=3618) is Outcome.WRONG_AID


def test_nothing_is_judged_while_the_time_is_not_known(world: SignedWorld) -> None:
    assert judged(trusting(world), world.message(PAYLOAD), now_s=None) is Outcome.NOT_LOOKED_AT


def test_who_claims_the_issuer_without_its_signature_is_refused(world: SignedWorld) -> None:
    forged = world.holder(world.root)
    forged.certificate = forged.certificate[:-1] + bytes((forged.certificate[-1] ^ 1,))
    assert judged(trusting(world), world.message(PAYLOAD, by=forged)) is Outcome.REFUSED


def test_who_may_say_things_may_not_certify_others(world: SignedWorld) -> None:
    trust = Trust([certificate(world.vehicle.certificate)], MODULE.verify, leap_s=0, max_age_s=5.0)
    assert judged(trust, world.message(PAYLOAD, by=world.holder(world.vehicle))) is Outcome.REFUSED


def test_an_authority_between_counts_if_it_is_in_the_folder(world: SignedWorld) -> None:
    between = world.holder(world.root, issues=True)
    known = [certificate(each.certificate) for each in (world.root, between)]
    trust = Trust(known, MODULE.verify, leap_s=0, max_age_s=5.0)
    assert judged(trust, world.message(PAYLOAD, by=world.holder(between))) is Outcome.VERIFIED


def test_an_authority_that_its_own_issuer_has_not_signed_is_no_authority(world: SignedWorld) -> None:
    other = world.holder(world.root, issues=True).certificate
    forged = other[:-1] + bytes((other[-1] ^ 1,))
    with pytest.raises(SpduError, match=r"the signature of certificate [0-9a-f]{16} does not hold"):
        Trust([certificate(world.root.certificate), certificate(forged)], MODULE.verify, leap_s=0, max_age_s=5.0)


def test_leap_seconds_are_counted_where_the_settings_say_so(world: SignedWorld) -> None:
    message = world.message(PAYLOAD, generation_s=NOW_S + 5)
    assert judged(trusting(world), message) is Outcome.STALE
    assert judged(trusting(world, leap_s=epoch.LEAP_TAI_S), message) is Outcome.VERIFIED


def test_numbers_of_sm2_can_be_others(tmp_path: Path) -> None:
    message = SignedWorld(tmp_path, Algorithm.SM2).message(PAYLOAD)
    other = spdu(message, Dialect(sm2_signature=5, sm2_key=5))
    assert other.signed is None
    assert other.payload == PAYLOAD
    assert other.unread == "algorithm 4 of a key is not known"


def test_everything_a_header_can_say_is_passed_over_to_the_bit(world: SignedWorld) -> None:
    key = {"supportedSymmAlg": "aes128Ccm", "publicKey": ("eciesNistP256", ("compressed-y-1", bytes(32)))}
    header = {
        "psid": 3619,
        "generationTime": 1,
        "expiryTime": 2_500_000,
        "generationLocation": {"latitude": -1, "longitude": 1_034_000_000, "elevation": 4096},
        "p2pcdLearningRequest": bytes(3),
        "missingCrlIdentifier": {"cracaId": bytes(3), "crlSeries": 7},
        "encryptionKey": ("public", key),
        "inlineP2pcdRequest": [bytes(3), bytes(3)],
    }
    data = {"protocolVersion": 3, "content": ("unsecuredData", PAYLOAD)}
    tbs = coer("ToBeSignedData", {"payload": {"data": data}, "headerInfo": header})
    signature = world.vehicle.signer.coer_signature(tbs, world.vehicle.certificate)
    found = spdu(b"\x03\x81\x00" + tbs + b"\x80" + bytes(8) + signature).signed
    assert found is not None
    assert (found.aid, found.generation_s, found.expiry_s) == (3619, 1e-6, 2.5)
    assert found.place == Place(-1, 1_034_000_000, 4096)
    assert found.to_be_signed == tbs


def test_every_certificate_another_codec_makes_is_read_as_it_says() -> None:
    rng = random.Random(7)  # noqa: S311  # repeatable
    kind = pycrate("Certificate")
    for _ in range(150):
        tbs, aids = made_up(rng)
        issuer = rng.choice([("self", "sha256"), ("sha256AndDigest", bytes(8)), ("sha384AndDigest", bytes(8))])
        point = ("uncompressedP256", {"x": bytes(32), "y": bytes(32)}) if rng.random() < 0.2 else ("x-only", bytes(32))
        signature = ("ecdsaNistP256Signature", {"rSig": point, "sSig": bytes(32)})
        value = {"version": 3, "type": "explicit", "issuer": issuer, "toBeSigned": tbs, "signature": signature}
        data = kind.to_coer(value)
        found = certificate(data)
        assert found.aids == aids
        assert found.start_s == tbs["validityPeriod"]["start"]
        assert found.to_be_signed == coer("ToBeSignedCertificate", tbs)
        assert (found.issuer_digest is None) == (issuer[0] == "self")


def made_up(rng: random.Random) -> tuple[dict[str, Any], frozenset[int]]:
    """A ToBeSignedCertificate with whatever it can have, and its AIDs."""
    aids = tuple(rng.sample(range(300), rng.randrange(1, 5)))
    unit = rng.choice(["microseconds", "milliseconds", "seconds", "minutes", "hours", "sixtyHours", "years"])
    tbs = to_be_signed(aids=aids, start=rng.randrange(1 << 32), duration=(unit, rng.randrange(1 << 16)))
    group = {"jValue": bytes(4), "value": bytes(9)}
    tbs["id"] = rng.choice(
        [
            ("none", 0),
            ("name", "rsu-1"),
            ("binaryId", b"12"),
            ("linkageData", {"iCert": 1, "linkage-value": bytes(9)}),
            (
                "linkageData",
                {"iCert": 1, "linkage-value": bytes(9), "group-linkage-value": group},
            ),
        ]
    )
    here = {"latitude": 1, "longitude": -2}
    countries = [("countryOnly", 156), ("countryAndRegions", {"countryOnly": 156, "regions": [1, 2]})]
    regions = [
        ("circularRegion", {"center": here, "radius": 9}),
        ("rectangularRegion", [{"northWest": here, "southEast": here}]),
        ("polygonalRegion", [here, here, here]),
        ("identifiedRegion", countries),
    ]
    ranges = [{"psid": 1, "sspRange": ("all", 0)}, {"psid": 2}]
    optional: dict[str, Any] = {
        "region": rng.choice(regions),
        "assuranceLevel": b"\x80",
        "certIssuePermissions": [
            {
                "subjectPermissions": ("explicit", ranges),
                "minChainLength": 2,
            },
            {"subjectPermissions": ("all", 0), "chainLengthRange": -1, "eeType": (3 << 6, 8)},
        ],
        "certRequestPermissions": [{"subjectPermissions": ("all", 0)}],
        "canRequestRollover": 0,
        "encryptionKey": {
            "supportedSymmAlg": "aes128Ccm",
            "publicKey": ("eciesNistP256", ("compressed-y-1", bytes(32))),
        },
    }
    tbs |= {name: value for name, value in optional.items() if rng.random() < 0.5}
    if rng.random() < 0.5:
        tbs["appPermissions"][0]["ssp"] = ("bitmapSsp", b"\x01\x02") if rng.random() < 0.5 else ("opaque", b"\x01")
    return tbs, frozenset(aids)


def test_what_is_too_long_is_not_looked_at() -> None:
    with pytest.raises(SpduError, match="is not looked at"):
        spdu(b"\x03\x80" + bytes(MAX_BYTES))


def test_plain_data_in_an_envelope_is_read_and_has_no_signature() -> None:
    found = spdu(coer("Ieee1609Dot2Data", {"protocolVersion": 3, "content": ("unsecuredData", PAYLOAD)}))
    assert (found.payload, found.signed, found.unread) == (PAYLOAD, None, "it has no signature")


def test_real_signed_messages_are_taken_out_of_their_envelope(shared_data: Path) -> None:
    frames = real_frames(shared_data)
    found = [spdu(each) for each in frames]
    signed = [each.signed for each in found if each.signed is not None]
    assert len(found) > 200
    assert {each.aid for each in signed} == {131}
    assert {each.unread for each in found if each.signed is None} == {
        "an implicit certificate; only explicit ones are read"
    }
    assert all(each.payload[:2] == b"\0\x1f" for each in found), "TravelerInformation of SAE J2735"


def real_frames(shared_data: Path) -> list[bytes]:
    """Signed messages of an American roadside unit, cut out of the log of who heard them."""
    file = shared_data / "v2x" / "j2735" / "rxMsg_TIM_GeneratedBy_RSU.gz"
    log, frames, at = gzip.decompress(file.read_bytes()), [], 0
    while (at := log.find(b"\x03\x81\x00", at)) >= 0:
        size = int.from_bytes(log[at - 2 : at], "little")
        frames.append(log[at : at + size])
        at += size
    return frames
