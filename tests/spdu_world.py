"""Signed V2X messages and certificates, encoded by pycrate and signed by `cryptography` or the `openssl` command.

world = SignedWorld(Algorithm.P256)
world.message(b"...", aid=111, generation_s=...)     # an envelope with the signer's certificate
"""

import hashlib
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pycrate_asn1dir.ITS_IEEE1609_2 import (  # type: ignore[import-untyped]
    Ieee1609Dot2,
    Ieee1609Dot2BaseTypes,
)

from wayside_agent.core.security.signing import HASHES, SIZES_BYTES, Algorithm

CURVES = {
    Algorithm.P256: ec.SECP256R1(),
    Algorithm.BRAINPOOL256: ec.BrainpoolP256R1(),
    Algorithm.BRAINPOOL384: ec.BrainpoolP384R1(),
    Algorithm.P384: ec.SECP384R1(),
}
NUMBERS = {each: index for index, each in enumerate(Algorithm)}
HASH_NUMBERS = {"sha256": 0, "sha384": 1, "sm3": 2}
NOW_S = 1_795_503_302.0
START = 721_000_000
"""Since 2004, before `NOW_S`."""
AID = 111


def pycrate(name: str) -> Any:  # noqa: ANN401
    """A type of IEEE 1609.2."""
    return getattr(Ieee1609Dot2, name, None) or getattr(Ieee1609Dot2BaseTypes, name)


def coer(name: str, value: Any) -> bytes:  # noqa: ANN401
    """A value in COER, by pycrate."""
    return bytes(pycrate(name).to_coer(value))


class Signer:
    """A key pair."""

    def __init__(self, algorithm: Algorithm, folder: Path) -> None:
        self.algorithm = algorithm
        self._folder = folder
        if algorithm is Algorithm.SM2:
            self._pem = folder / f"sm2-{id(self)}.pem"
            _openssl("genpkey", "-algorithm", "SM2", "-out", str(self._pem))
            spki = _openssl("pkey", "-in", str(self._pem), "-pubout", "-outform", "DER")
            x, y = spki[-64:-32], spki[-32:]
            self.point = bytes((2 + (y[-1] & 1),)) + x
            return
        self._key = ec.generate_private_key(CURVES[algorithm])
        encoding = serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        self.point = self._key.public_key().public_bytes(*encoding)

    @property
    def coer_key(self) -> bytes:
        """A PublicVerificationKey."""
        return _alternative(self.algorithm, bytes((0x80 + self.point[0],)) + self.point[1:])

    def coer_signature(self, tbs: bytes, signer: bytes, *, r_form: int = 0) -> bytes:
        """A Signature; `r_form` 0: x only, 2 and 3: as a compressed point."""
        name = HASHES[self.algorithm]
        told = hashlib.new(name, tbs).digest() + hashlib.new(name, signer).digest()
        r, s = decode_dss_signature(self.der_signature(told))
        size = SIZES_BYTES[self.algorithm]
        return _alternative(self.algorithm, bytes((0x80 + r_form,)) + r.to_bytes(size, "big") + s.to_bytes(size, "big"))

    def der_signature(self, told: bytes) -> bytes:
        """Over the hash of some bytes, as OpenSSL and X.509 write it."""
        if self.algorithm is not Algorithm.SM2:
            kind = hashes.SHA384() if HASHES[self.algorithm] == "sha384" else hashes.SHA256()
            return self._key.sign(told, ec.ECDSA(kind))
        file = self._folder / "told"
        file.write_bytes(told)
        options = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
        return _openssl("pkeyutl", "-sign", "-inkey", str(self._pem), "-in", str(file), *options)


@dataclass
class Holder:
    """A key pair with its certificate."""

    signer: Signer
    certificate: bytes

    @property
    def digest(self) -> bytes:
        """HashedId8."""
        return hashlib.new(HASHES[self.signer.algorithm], self.certificate).digest()[-8:]


@dataclass
class SignedWorld:
    """An authority, and a vehicle that it has certified."""

    folder: Path
    algorithm: Algorithm = Algorithm.P256
    root: Holder = field(init=False)
    vehicle: Holder = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.holder(issues=True)
        self.vehicle = self.holder(self.root)

    def holder(
        self,
        issuer: Holder | None = None,
        *,
        issues: bool = False,
        aids: tuple[int, ...] = (AID,),
        start: int = START,
        duration: tuple[str, int] = ("years", 3),
        r_form: int = 0,
    ) -> Holder:
        """Somebody new; without an issuer, certified by himself."""
        own = Signer(self.algorithm, self.folder)
        value = to_be_signed(aids=aids, issues=issues, start=start, duration=duration)
        placeholder = coer("PublicVerificationKey", value["verifyKeyIndicator"][1])
        encoded = coer("ToBeSignedCertificate", value)
        assert encoded.endswith(placeholder)
        tbs = encoded[: -len(placeholder)] + own.coer_key
        by = own if issuer is None else issuer.signer
        name = HASHES[by.algorithm]
        if issuer is None:
            issued_by = bytes((0x81, HASH_NUMBERS[name]))
        else:
            issued_by = {"sha256": b"\x80", "sha384": b"\x82\x08", "sm3": b"\x83\x08"}[name] + issuer.digest
        head = b"\x80\x03\x00" + issued_by + tbs
        signature = by.coer_signature(tbs, b"" if issuer is None else issuer.certificate)
        canonical = head + signature
        holder = Holder(own, canonical)
        if r_form:
            at = len(head) + (1 if self.algorithm in {Algorithm.P256, Algorithm.BRAINPOOL256} else 2)
            holder.certificate = canonical[:at] + bytes((0x80 + r_form,)) + canonical[at + 1 :]
        return holder

    def message(  # each is one thing a sender can get wrong
        self,
        payload: bytes,
        *,
        by: Holder | None = None,
        aid: int = AID,
        generation_s: float | None = NOW_S - 0.1,
        expiry_s: float | None = None,
        with_certificate: bool = True,
    ) -> bytes:
        """A signed envelope."""
        by = by or self.vehicle
        header: dict[str, Any] = {"psid": aid}
        for name, utc_s in (("generationTime", generation_s), ("expiryTime", expiry_s)):
            if utc_s is not None:
                header[name] = round((utc_s - 1_072_915_200) * 1_000_000)
        data = {"protocolVersion": 3, "content": ("unsecuredData", payload)}
        tbs = coer("ToBeSignedData", {"payload": {"data": data}, "headerInfo": header})
        signer = b"\x81\x01\x01" + by.certificate if with_certificate else b"\x80" + by.digest
        signature = by.signer.coer_signature(tbs, by.certificate)
        return bytes((3, 0x81, HASH_NUMBERS[HASHES[by.signer.algorithm]])) + tbs + signer + signature


def to_be_signed(
    *,
    aids: tuple[int, ...] = (AID,),
    issues: bool = False,
    start: int = START,
    duration: tuple[str, int] = ("years", 3),
) -> dict[str, Any]:
    """A ToBeSignedCertificate with a P-256 key of no curve."""
    value: dict[str, Any] = {
        "id": ("none", 0),
        "cracaId": bytes(3),
        "crlSeries": 0,
        "validityPeriod": {"start": start, "duration": duration},
        "verifyKeyIndicator": ("verificationKey", ("ecdsaNistP256", ("compressed-y-0", bytes(32)))),
    }
    if issues:
        value["certIssuePermissions"] = [{"subjectPermissions": ("all", 0)}]
    else:
        value["appPermissions"] = [{"psid": aid} for aid in aids]
    return value


def _alternative(algorithm: Algorithm, content: bytes) -> bytes:
    number = NUMBERS[algorithm]
    if number < 2:  # those in the root have no length
        return bytes((0x80 | number,)) + content
    length = bytes((len(content),)) if len(content) < 0x80 else bytes((0x81, len(content)))
    return bytes((0x80 | number,)) + length + content


def _openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout
