"""The manager's parsers of what people and their providers show: OpenID tokens, passwords."""

import atexit
import functools
import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.fuzz.engine import Target
from tests.fuzz.manager_targets import text
from wayside_manager.core.passwords import checked_password
from wayside_manager.services.oidc import JwksVerifier

_NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_ISSUER, _AUDIENCE, _KID = "https://id.example", "wayside", "key-1"
_CLAIMS = {
    "iss": _ISSUER,
    "aud": _AUDIENCE,
    "sub": "ann",
    "iat": int(_NOW.timestamp()) - 60,
    "exp": int(_NOW.timestamp()) + 600,
    "nbf": int(_NOW.timestamp()) - 60,
}


@functools.cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def _verifier() -> JwksVerifier:
    entry = ECAlgorithm.to_jwk(_key().public_key(), as_dict=True) | {"kid": _KID, "use": "sig", "alg": "ES256"}
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "jwks.json").write_text(json.dumps({"keys": [entry]}))
    return JwksVerifier(issuer=_ISSUER, audience=_AUDIENCE, jwks_file=str(folder / "jwks.json"))


def _token(claims: dict[str, object]) -> bytes:
    return jwt.encode(claims, _key(), algorithm="ES256", headers={"kid": _KID}).encode()


def _foreign(data: bytes) -> None:
    _verifier().subject(text(data), _NOW)


def _signed(data: bytes) -> None:
    """A payload of anybody's making with a good signature, so that the claims are read."""
    token = jwt.api_jws.encode(data, _key(), algorithm="ES256", headers={"kid": _KID})
    _verifier().subject(token, _NOW)


_WORDS = (b"null", b"true", b"[]", b"{}", b'"', b"1e999", b"-1", b"NaN", b"Infinity", b"[" * 500)
TARGETS = (
    Target("OpenID token", _foreign, lambda: (_token(_CLAIMS),), words=(b".", b"..", b"=", b"eyJhbGciOiJub25lIn0")),
    Target(
        "claims of an OpenID token",
        _signed,
        lambda: (json.dumps(_CLAIMS).encode(), json.dumps(_CLAIMS | {"aud": [_AUDIENCE, "x"]}).encode()),
        words=_WORDS,
    ),
    Target(
        "password",
        lambda data: checked_password(text(data), operator_id="ann"),
        lambda: (b"correct horse battery staple", "ﷺ".encode() * 13),
        words=("ﷺ".encode(), "Å".encode(), b"ann", b"1234"),
    ),
)
