"""A message signed by SM2, under a certificate by SM2, of an authority by SM2: keys and signatures of the command."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pycrate_asn1dir.ITS_IEEE1609_2 import Ieee1609Dot2

from tests.v2x_signed import EPOCH_S, NOW_S, written
from wayside_agent.core.spdu.certificate import parsed_certificate
from wayside_agent.core.spdu.coer import SpduError
from wayside_agent.core.spdu.envelope import parsed_spdu
from wayside_agent.core.spdu.judging import Judge, Outcome
from wayside_agent.drivers.security_openssl import OpenSslModule

BSM = b"\x00bsm of some bytes"
P256_KEY = b"\x80\x82" + bytes(32)
"""As pycrate writes the key, which it cannot write as one of SM2; it is the end of what is signed."""


def sm3(content: bytes) -> bytes:
    return hashlib.new("sm3", content).digest()


def openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


class Sm2Signer:
    """Somebody with a key of SM2 and a certificate."""

    certificate: bytes

    def __init__(self, path: Path, issuer: "Sm2Signer | None" = None) -> None:
        self._path = path
        openssl("genpkey", "-algorithm", "SM2", "-out", str(path))
        point = openssl("pkey", "-in", str(path), "-pubout", "-outform", "DER")[-64:]
        says: dict[str, Any] = {
            "id": ("none", 0),
            "cracaId": bytes(3),
            "crlSeries": 0,
            "validityPeriod": {"start": int(NOW_S - EPOCH_S) - 60, "duration": ("hours", 1)},
            "verifyKeyIndicator": ("verificationKey", ("ecdsaNistP256", ("compressed-y-0", bytes(32)))),
        }
        permissions = [{"subjectPermissions": ("all", 0)}]
        says |= {"appPermissions": [{"psid": 111}]} if issuer else {"certIssuePermissions": permissions}
        content = written(Ieee1609Dot2.ToBeSignedCertificate, says).removesuffix(P256_KEY)
        content += b"\x84\x21" + bytes((0x82 | point[-1] & 1,)) + point[:32]
        named = b"\x83\x08" + issuer.digest if issuer else b"\x81\x02"
        signature = (issuer or self).signature(content, over=issuer.certificate if issuer else b"")
        self.certificate = b"\x80\x03\x00" + named + content + signature

    @property
    def digest(self) -> bytes:
        """HashedId8."""
        return sm3(self.certificate)[-8:]

    def signature(self, content: bytes, *, over: bytes) -> bytes:
        """A Signature: SM2 over both hashes, as ECDSA would be."""
        told = self._path.with_suffix(".told")
        told.write_bytes(sm3(content) + sm3(over))
        options = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
        der = openssl("pkeyutl", "-sign", "-inkey", str(self._path), "-in", str(told), *options)
        return b"\x84\x40" + b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))

    def message(self) -> bytes:
        """In its envelope."""
        says = {
            "payload": {"data": {"protocolVersion": 3, "content": ("unsecuredData", BSM)}},
            "headerInfo": {"psid": 111, "generationTime": int((NOW_S - EPOCH_S) * 1e6)},
        }
        content = written(Ieee1609Dot2.ToBeSignedData, says)
        signer = b"\x81\x01\x01" + self.certificate
        return b"\x03\x81\x02" + content + signer + self.signature(content, over=self.certificate)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_a_message_signed_by_sm2_is_verified_and_no_byte_of_it_can_be_another(tmp_path: Path) -> None:
    root = Sm2Signer(tmp_path / "root.pem")
    whole = Sm2Signer(tmp_path / "car.pem", root).message()
    anchors = [parsed_certificate(root.certificate)]
    outcomes = []
    for index in range(-1, len(whole)):
        changed = bytearray(whole)
        if index >= 0:
            changed[index] ^= 1
        try:
            spdu = parsed_spdu(bytes(changed))
        except SpduError:
            continue
        outcomes.append(Judge(OpenSslModule(), anchors, max_age_s=30.0).outcome(spdu, NOW_S))
    assert outcomes[0] is Outcome.VERIFIED
    assert Outcome.VERIFIED not in outcomes[1:]
