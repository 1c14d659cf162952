"""Keys that sign releases: in files, or in a PKCS#11 token (a smart card or an HSM).

A key file is a PEM with an Ed25519 key, encrypted if its owner wants, or says in TOML where in a token the key is.
Beside it, `{name}.pub` is its public half.
Usage: `signer = opened_signer(Path("li.key"))`, `key = public_key(Path("li.pub"))`.

**Tested with:** SoftHSM 2.6.1 through python-pkcs11 0.10.
**Source:** RFC 8032 (Ed25519), RFC 5208 (PKCS#8), RFC 8018 (its encryption: PBES2); PKCS#11 2.40, CKM_ECDSA.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, Key, Signer, SSlibKey

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_manager.core.release_trust.roots import HOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_FILE_MAX_BYTES = 16 * 1024
ENCRYPTED_HEAD = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"

AskPassphrase = Callable[[Path], str]
"""Gets the passphrase of a key file; called only where the file is encrypted."""


def new_key_pem(passphrase: str = "") -> str:
    """A new Ed25519 key, PKCS#8 PEM; encrypted if there is a passphrase."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        .decode()
    )


def signer_of_pem(content: bytes, *, what: str, passphrase: str = "") -> CryptoSigner:
    """The signer with a key.

    Raises: InvalidArgumentError: it is no Ed25519 key, or the passphrase is not its.
    """
    try:
        key = serialization.load_pem_private_key(content, passphrase.encode() or None)
    except (ValueError, TypeError) as error:
        if content.lstrip().startswith(ENCRYPTED_HEAD):
            why = "the passphrase is wrong" if passphrase else "it needs a passphrase, and none can be given here"
            raise InvalidArgumentError(f"{what}: {why}, or the file is damaged", reason="PASSPHRASE_WRONG") from error
        raise InvalidArgumentError(
            f"{what}: it is no private key in PEM; make one with 'wayside releases keys create'"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidArgumentError(f"{what}: it is no Ed25519 key; make one with 'wayside releases keys create'")
    return CryptoSigner(key)


def public_pem(key: Key) -> str:
    """The public half as PEM.

    Raises: InvalidArgumentError: it is a key of a kind that nothing here makes.
    """
    if not isinstance(key, SSlibKey):
        raise InvalidArgumentError(f"key {key.keyid[:16]}: it is of a kind that has no PEM")
    if key.keytype != "ed25519":
        return str(key.keyval["public"])
    raw = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
    return raw.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def key_of_pem(content: bytes, *, holder: str, what: str) -> SSlibKey:
    """A public key as roots name it, and whose it is.

    Raises: InvalidArgumentError: it is none, or neither Ed25519 nor P-256.
    """
    try:
        public = serialization.load_pem_public_key(content)
    except (ValueError, TypeError) as error:
        raise InvalidArgumentError(f"{what}: it is no public key in PEM; give the .pub of a key") from error
    is_ours = isinstance(public, Ed25519PublicKey) or (
        isinstance(public, EllipticCurvePublicKey) and public.curve.name == "secp256r1"
    )
    if not is_ours:
        raise InvalidArgumentError(f"{what}: it is neither an Ed25519 key nor one of curve P-256; give another")
    key = SSlibKey.from_crypto(public)
    said: Mapping[str, str] = {HOLDER: holder} if holder else {}
    key.unrecognized_fields.update(said)
    return key


def public_key(path: Path) -> SSlibKey:
    """The public key in a file; its holder is what the file is called.

    Raises: NotFoundError, InvalidArgumentError.
    """
    return key_of_pem(file_content(path), holder=path.stem, what=str(path))


def opened_signer(path: Path, ask: AskPassphrase = lambda _: "") -> Signer:
    """The signer with the key in a file, or in the token that the file names.

    Raises: NotFoundError, InvalidArgumentError: naming the file. FailedPreconditionError, UnavailableError: the token.
    """
    content = file_content(path)
    if content.lstrip().startswith(b"-----BEGIN"):
        passphrase = ask(path) if content.lstrip().startswith(ENCRYPTED_HEAD) else ""
        return signer_of_pem(content, what=str(path), passphrase=passphrase)
    from wayside_manager.services.trust_tokens import TokenSigner  # python-pkcs11 is an extra

    return TokenSigner.of_file(path)


def file_content(path: Path) -> bytes:
    """The bytes of a key file.

    Raises: NotFoundError; InvalidArgumentError: it cannot be read, or is too large for a key.
    """
    try:
        with path.open("rb") as file:
            content = file.read(KEY_FILE_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} is not there; name the file of a key") from error
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > KEY_FILE_MAX_BYTES:
        raise InvalidArgumentError(f"{path}: it has more than {KEY_FILE_MAX_BYTES} bytes; name the file of a key")
    return content
