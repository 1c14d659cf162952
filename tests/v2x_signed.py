"""Signed messages, certificates and keys, written by pycrate and signed by `cryptography`: not by what reads them."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from pycrate_asn1dir.ITS_IEEE1609_2 import Ieee1609Dot2

EPOCH_S = 1_072_915_200
NOW_S = 1_800_000_000.0
P256, BRAINPOOL = "ecdsaNistP256", "ecdsaBrainpoolP256r1"
_CURVES: dict[str, ec.EllipticCurve] = {P256: ec.SECP256R1(), BRAINPOOL: ec.BrainpoolP256R1()}


def written(kind: Any, value: Any) -> bytes:  # noqa: ANN401  # pycrate's objects
    """COER."""
    kind.set_val(value)
    return bytes(kind.to_coer())


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


@dataclass
class Signer:
    """Somebody with a key and a certificate of an issuer, or its own."""

    issuer: "Signer | None" = None
    curve: str = P256
    aids: tuple[int, ...] = (111,)
    issues: bool = False
    start_s: float = NOW_S - 3600
    years: int = 1
    extras: dict[str, Any] = field(default_factory=dict)
    """More of what a certificate says, as pycrate wants it."""

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(_CURVES[self.curve])
        self.value = self._value()
        self.certificate = written(Ieee1609Dot2.CertificateBase, self.value)

    @property
    def digest(self) -> bytes:
        """HashedId8."""
        return sha256(self.certificate)[-8:]

    def signature(self, content: bytes, *, over: bytes) -> tuple[str, dict[str, Any]]:
        """A signature over some bytes and who signs them."""
        whole = sha256(sha256(content) + sha256(over))
        der = self.key.sign(whole, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        r, s = (number.to_bytes(32, "big") for number in utils.decode_dss_signature(der))
        return f"{self.curve}Signature", {"rSig": ("x-only", r), "sSig": s}

    def _value(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        point = (f"compressed-y-{numbers.y & 1}", numbers.x.to_bytes(32, "big"))
        signed = {
            "id": ("name", "rsu-1"),
            "cracaId": bytes(3),
            "crlSeries": 0,
            "validityPeriod": {"start": int(self.start_s - EPOCH_S), "duration": ("years", self.years)},
            "appPermissions": [{"psid": aid} for aid in self.aids],
            "verifyKeyIndicator": ("verificationKey", (self.curve, point)),
            **self.extras,
        }
        if self.issues:
            signed.setdefault("certIssuePermissions", [{"subjectPermissions": ("all", 0)}])
            signed.pop("appPermissions")
        issuer = self.issuer or self
        content = written(Ieee1609Dot2.ToBeSignedCertificate, signed)
        value: dict[str, Any] = {
            "version": 3,
            "type": "explicit",
            "issuer": ("self", "sha256") if self.issuer is None else ("sha256AndDigest", self.issuer.digest),
            "toBeSigned": signed,
        }
        over = b"" if self.issuer is None else self.issuer.certificate
        return value | {"signature": issuer.signature(content, over=over)}

    def message(
        self,
        payload: bytes,
        *,
        aid: int = 111,
        at_s: float | None = NOW_S,
        by_digest: bool = False,
        with_issuers: bool = False,
        **header: Any,  # noqa: ANN401  # as pycrate wants it
    ) -> bytes:
        """A message in its envelope."""
        made = {} if at_s is None else {"generationTime": int((at_s - EPOCH_S) * 1e6)}
        signed = {
            "payload": {"data": {"protocolVersion": 3, "content": ("unsecuredData", payload)}},
            "headerInfo": {"psid": aid, **made, **header},
        }
        content = written(Ieee1609Dot2.ToBeSignedData, signed)
        chain, issuer = [self.value], self.issuer
        while with_issuers and issuer is not None:
            chain.append(issuer.value)
            issuer = issuer.issuer
        value = {
            "hashId": "sha256",
            "tbsData": signed,
            "signer": ("digest", self.digest) if by_digest else ("certificate", chain),
            "signature": self.signature(content, over=self.certificate),
        }
        return written(Ieee1609Dot2.Ieee1609Dot2Data, {"protocolVersion": 3, "content": ("signedData", value)})
