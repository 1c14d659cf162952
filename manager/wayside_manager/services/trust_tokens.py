"""Keys that sign releases in a PKCS#11 token: made inside, never shown; the token signs.

The key file says where the key is:

    module = "/usr/lib/softhsm/libsofthsm2.so"
    token_label = "li"
    pin_file = "/run/user/1000/pin"
    key_id = "5f3a…"

Usage: `made_in_token(path, module=..., token_label=..., pin_file=...)`, then `TokenSigner.of_file(path).sign(payload)`.

**Tested with:** SoftHSM 2.6.1 through python-pkcs11 0.10.
**Source:** PKCS#11 2.40 (OASIS), CKM_EC_KEY_PAIR_GEN, CKM_ECDSA; RFC 5480 (P-256); RFC 3279, 2.2.3 (signatures).
"""

import hashlib
import json
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from msgspec import Meta
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

from wayside.errors import FailedPreconditionError, InvalidArgumentError, UnavailableError

try:
    import pkcs11
    from pkcs11.types import SignMixin
    from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
except ImportError as missing:
    raise FailedPreconditionError(
        "keys in tokens need python-pkcs11; install it with 'pip install wayside-manager[pkcs11]'",
        reason="PKCS11_MISSING",
    ) from missing

ID_SIZE_BYTES = 16
Found = TypeVar("Found", pkcs11.PublicKey, pkcs11.PrivateKey)


class TokenKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a key is."""

    module: Annotated[str, Meta(pattern="^/")]
    token_label: Annotated[str, Meta(min_length=1, max_length=32)]
    pin_file: Annotated[str, Meta(pattern="^/")]
    key_id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]

    def toml(self) -> str:
        """The text of its key file: strings in TOML are written as in JSON."""
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in msgspec.structs.asdict(self).items())


class TokenSigner(Signer):
    """Signs with a P-256 key of a token, which is logged in to for every signature."""

    def __init__(self, where: TokenKey) -> None:
        """Reads the public key from the token.

        Raises: UnavailableError: no such library or token, or it refuses. FailedPreconditionError: no such key.
        """
        self._where = where
        with _session(where) as session:
            found = _found(session, pkcs11.PublicKey, where)
            public = serialization.load_der_public_key(encode_ec_public_key(found))
        self._key = SSlibKey.from_crypto(public)

    @classmethod
    def of_file(cls, path: Path) -> "TokenSigner":
        """The signer with the key a file names.

        Raises: InvalidArgumentError: the file names none; and as the constructor.
        """
        try:
            said = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls(msgspec.convert(said, TokenKey))
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(
                f"{path}: it is neither a key in PEM nor says where in a token one is ({error}); make one with "
                "'wayside releases keys create'"
            ) from error

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> "TokenSigner":
        """As `of_file`; `priv_key_uri` is the path. The rest is not asked for."""
        del public_key, secrets_handler
        return cls.of_file(Path(priv_key_uri))

    @property
    def public_key(self) -> SSlibKey:
        """The key as roots name it."""
        return self._key

    def sign(self, payload: bytes) -> Signature:
        """The signature of a payload.

        Raises: UnavailableError, FailedPreconditionError: as the constructor.
        """
        with _session(self._where) as session:
            key = _found(session, pkcs11.PrivateKey, self._where)
            if not isinstance(key, SignMixin):
                raise _missing(self._where)
            raw = key.sign(hashlib.sha256(payload).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        half = len(raw) // 2
        der = encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
        return Signature(self._key.keyid, der.hex())


def made_in_token(*, module: str, token_label: str, pin_file: str, key_label: str) -> TokenKey:
    """Where a new key is, which was made in a token.

    Raises: InvalidArgumentError: naming the option; UnavailableError: no such library or token, or it refuses.
    """
    said = {
        "module": module,
        "token_label": token_label,
        "pin_file": pin_file,
        "key_id": secrets.token_hex(ID_SIZE_BYTES),
    }
    try:
        where = msgspec.convert(said, TokenKey)
    except msgspec.ValidationError as error:
        raise InvalidArgumentError(f"{error}; give an absolute path, and the token's label") from error
    with _session(where, is_writing=True) as session:
        parameters = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        curve = session.create_domain_parameters(pkcs11.KeyType.EC, parameters, local=True)
        curve.generate_keypair(
            id=bytes.fromhex(where.key_id),
            label=key_label,
            store=True,
            mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN,
            private_template={
                pkcs11.Attribute.PRIVATE: True,
                pkcs11.Attribute.SENSITIVE: True,
                pkcs11.Attribute.EXTRACTABLE: False,
                pkcs11.Attribute.SIGN: True,
                pkcs11.Attribute.DERIVE: False,
            },
        )
    return where


@contextmanager
def _session(where: TokenKey, *, is_writing: bool = False) -> Iterator[pkcs11.Session]:
    try:
        pin = Path(where.pin_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{where.pin_file}: the PIN cannot be read; check the file") from error
    try:
        token = pkcs11.lib(where.module).get_token(token_label=where.token_label)
        with token.open(user_pin=pin, rw=is_writing) as session:
            yield session
    except (pkcs11.exceptions.PKCS11Error, RuntimeError) as error:
        raise UnavailableError(
            f"token {where.token_label!r} does not do it ({type(error).__name__}); check that it is in, its PIN, "
            f"and {where.module}",
            reason="TOKEN_FAILED",
        ) from error


def _found(session: pkcs11.Session, kind: type[Found], where: TokenKey) -> Found:
    wanted = {pkcs11.Attribute.CLASS: kind.object_class, pkcs11.Attribute.ID: bytes.fromhex(where.key_id)}
    for found in session.get_objects(wanted):
        if isinstance(found, kind):
            return found
    raise _missing(where)


def _missing(where: TokenKey) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"token {where.token_label!r} has no key {where.key_id}; put in the token in which it was made",
        reason="TOKEN_KEY_MISSING",
    )
