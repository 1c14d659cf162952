"""An OpenID provider as far as tokens go: real keys, a JWKS file, and signatures of every kind, good and bad."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER, AUDIENCE = "https://login.city.example", "wayside"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_ALGORITHMS: dict[str, Any] = {
    "RS256": (jwt.algorithms.RSAAlgorithm, lambda: rsa.generate_private_key(65537, 2048)),
    "ES256": (jwt.algorithms.ECAlgorithm, lambda: ec.generate_private_key(ec.SECP256R1())),
    "EdDSA": (jwt.algorithms.OKPAlgorithm, ed25519.Ed25519PrivateKey.generate),
}


@dataclass
class Provider:
    """Signs tokens; `publish` writes its keys."""

    jwks_file: Path
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """Key id to algorithm and private key."""

    def add_key(self, kid: str, algorithm: str = "ES256") -> None:
        self.keys[kid] = (algorithm, _ALGORITHMS[algorithm][1]())

    def jwk(self, kid: str, **said: object) -> dict[str, Any]:
        algorithm, key = self.keys[kid]
        found: dict[str, Any] = _ALGORITHMS[algorithm][0].to_jwk(key.public_key(), as_dict=True)
        return found | {"kid": kid, "use": "sig", "alg": algorithm} | said

    def publish(self, *extra: dict[str, Any]) -> None:
        part = self.jwks_file.with_suffix(".part")
        part.write_text(json.dumps({"keys": [*map(self.jwk, self.keys), *extra]}))
        part.replace(self.jwks_file)

    def token(self, kid: str, *, header: dict[str, Any] | None = None, now: datetime = NOW, **claims: object) -> str:
        """A token of an hour; `claims` add or replace, `None` leaves out."""
        now_s = int(now.timestamp())
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann@city", "iat": now_s, "exp": now_s + 3600} | claims
        kept = {name: value for name, value in said.items() if value is not None}
        algorithm, key = self.keys[kid]
        return signed(kept, {"alg": algorithm, "kid": kid, "typ": "JWT"} | (header or {}), key, algorithm)


def signed(claims: object, header: dict[str, Any], key: Any, algorithm: str) -> str:  # noqa: ANN401  # any key
    """A token, whatever its header says; PyJWT itself refuses to make some of them."""
    signer = jwt.get_algorithm_by_name(algorithm)
    body = f"{part(header)}.{part(claims)}"
    return f"{body}.{encoded(signer.sign(body.encode(), signer.prepare_key(key)))}"


def part(content: object) -> str:
    """One part of a token; fields that are `None` are left out."""
    if isinstance(content, dict):
        content = {name: value for name, value in content.items() if value is not None}
    return encoded(json.dumps(content).encode())


def encoded(content: bytes) -> str:
    """Base64 as tokens have it."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
