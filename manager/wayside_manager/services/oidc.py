"""Tokens of an OpenID provider, judged without asking it: a JWT signed with a key of the configured JWKS file.

The algorithms, the issuer and the audience are ours to say; of the header only `alg`, `kid` and `typ` are read, and one
that carries or names a key is refused. Every refusal is one and the same sentence; why stands in the log, at debug.
The file is read again when it has changed, so that the provider's keys can be renewed; a broken one changes nothing.
Usage: `verifier = JwksVerifier(issuer=..., audience=..., jwks_file=path)`; `verifier.subject(token, now)`.
"""

import json
import logging
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from wayside.errors import InvalidArgumentError, UnauthenticatedError

logger = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "ES256", "EdDSA")
TOKEN_MAX_CHARS = 8192
_FILE_MAX_BYTES = 1 << 20
_KEYS_MAX_COUNT = 100
_SUBJECT_MAX_CHARS = 255  # as OpenID Connect Core 1.0, 2 says
_RSA_MIN_BITS = 2048  # RFC 7518, 3.3
_HEADER_NAMES = frozenset({"alg", "kid", "typ"})
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})  # RFC 7519, RFC 9068
_CURVES = {"P-256": "ES256", "Ed25519": "EdDSA"}


class _RefusedError(Exception):
    """A token is not good, and why; for the log only."""


class JwksVerifier:
    """Judges tokens of one provider."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks_file: str,
        algorithms: Sequence[str] = ALGORITHMS,
        leeway_s: float = 60.0,
        max_age_s: float = 86_400.0,
    ) -> None:
        """Reads the keys.

        Raises: InvalidArgumentError: the file cannot be read or has no usable key, or an algorithm is not known.
        """
        self._issuer, self._audience = issuer, audience
        self._file = Path(jwks_file)
        self._algorithms = _checked_algorithms(algorithms)
        self._leeway_s, self._max_age_s = leeway_s, max_age_s
        self._stamp = _stamp(self._file)
        self._keys = read_keys(self._file, self._algorithms)

    def subject(self, token: str, now: datetime) -> str:
        """The `sub` of a token that is valid now.

        Raises: UnauthenticatedError: it is not, for whatever reason.
        """
        self._read_again()
        try:
            return self._subject(token, now.timestamp())
        except (_RefusedError, jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError) as exc:
            logger.debug("a token of %s is refused: %s", self._issuer, exc)
            raise UnauthenticatedError(
                "authorization: this token is not valid here; sign in again at your provider", reason="TOKEN_INVALID"
            ) from None

    def _subject(self, token: str, now_s: float) -> str:
        if len(token) > TOKEN_MAX_CHARS:
            raise _RefusedError("too long")
        claims = jwt.decode(
            token,
            self._key(jwt.get_unverified_header(token)),
            algorithms=list(self._algorithms),
            audience=self._audience,
            issuer=self._issuer,
            # times are judged below, by the manager's clock
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["iss", "aud", "sub"]},
        )
        self._check_times(claims, now_s)
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_MAX_CHARS:
            raise _RefusedError("sub is no name")
        return subject

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        if not set(header) <= _HEADER_NAMES:
            raise _RefusedError("the header says more than alg, kid and typ")
        kid, kind = header.get("kid"), header.get("typ", "JWT")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise _RefusedError("typ is another")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None or key.algorithm_name != header.get("alg"):
            raise _RefusedError("there is no key with this kid for this alg")
        return key

    def _check_times(self, claims: Mapping[str, Any], now_s: float) -> None:
        begin_s, end_s = _seconds(claims, "iat"), _seconds(claims, "exp")
        not_before_s = _seconds(claims, "nbf") if "nbf" in claims else begin_s
        if now_s >= end_s + self._leeway_s:
            raise _RefusedError("it has ended")
        if max(begin_s, not_before_s) > now_s + self._leeway_s:
            raise _RefusedError("it does not begin yet")
        if now_s - begin_s > self._max_age_s + self._leeway_s:
            raise _RefusedError("it was made too long ago")

    def _read_again(self) -> None:
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = read_keys(self._file, self._algorithms)
        except InvalidArgumentError as exc:
            logger.error("%s; the keys of before stay", exc)
        else:
            logger.info("%s was read again", self._file, extra={"key_count": len(self._keys)})


def read_keys(path: Path, algorithms: Sequence[str]) -> dict[str, jwt.PyJWK]:
    """The keys of a JWKS file by `kid`; those for other uses or algorithms are left out.

    Raises: InvalidArgumentError: it cannot be read, is no JWKS, or no key is left.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_MAX_BYTES + 1)
        entries = json.loads(content)["keys"] if len(content) <= _FILE_MAX_BYTES else []
        found = [_usable(entry, algorithms) for entry in entries[:_KEYS_MAX_COUNT]]
    except OSError as exc:
        raise InvalidArgumentError(f"oidc.jwks_file: {path} cannot be read: {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise InvalidArgumentError(f"oidc.jwks_file: {path} is no JWKS; fetch it again from the provider") from exc
    keys = {key.key_id: key for key in found if key is not None and key.key_id}
    if not keys:
        raise InvalidArgumentError(
            f"oidc.jwks_file: {path} has no signing key with a kid for {', '.join(algorithms)}; fetch it again"
        )
    return keys


def _usable(entry: Mapping[str, Any], algorithms: Sequence[str]) -> jwt.PyJWK | None:
    """A key a token may be signed with. Never a symmetric one: whoever can read it could sign."""
    algorithm = _algorithm(entry)
    is_public = "d" not in entry  # a private key in this file is a mistake, and known to more than the provider
    if algorithm not in algorithms or entry.get("use", "sig") != "sig" or not is_public or "kid" not in entry:
        return None
    try:
        key = jwt.PyJWK(dict(entry), algorithm=algorithm)
    except jwt.PyJWTError:
        return None
    is_weak = isinstance(key.key, rsa.RSAPublicKey | rsa.RSAPrivateKey) and key.key.key_size < _RSA_MIN_BITS
    return None if is_weak else key


def _algorithm(entry: Mapping[str, Any]) -> str:
    by_kind = {"RSA": "RS256", "EC": _CURVES.get(str(entry.get("crv")), ""), "OKP": _CURVES.get(str(entry.get("crv")))}
    algorithm = by_kind.get(str(entry.get("kty"))) or ""
    return algorithm if entry.get("alg", algorithm) == algorithm else ""


def _checked_algorithms(algorithms: Sequence[str]) -> tuple[str, ...]:
    unknown = sorted(set(algorithms) - set(ALGORITHMS))
    if unknown or not algorithms:
        raise InvalidArgumentError(f"oidc.algorithms: {unknown} are not among {', '.join(ALGORITHMS)}; leave them out")
    return tuple(algorithms)


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _RefusedError(f"{name} is no time")
    return float(value)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file does; `None`: it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
