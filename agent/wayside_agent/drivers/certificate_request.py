"""Certificate requests with `cryptography`. Never imported by the daemon itself: it would cost it 12 MB.

**Tested with:** keys in files and in SoftHSM2.
**Source:** PKCS#10 (RFC 2986); the manager uses only the public key of it and writes the names itself.
"""

from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID

from wayside_agent.ports.keys import Sign

Buffer = bytes | bytearray | memoryview


def request_pem(key: ec.EllipticCurvePrivateKey, common_name: str) -> str:
    """A request for a key, signed with SHA-256."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def public_key_der(key: ec.EllipticCurvePrivateKey) -> bytes:
    """SubjectPublicKeyInfo of a key."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


class TokenKey(ec.EllipticCurvePrivateKey):
    """A key whose private half is elsewhere: it signs, and shows nothing."""

    def __init__(self, public_der: bytes, sign: Sign) -> None:
        """Stores values; `public_der` is a SubjectPublicKeyInfo of P-256."""
        found = serialization.load_der_public_key(public_der)
        if not isinstance(found, ec.EllipticCurvePublicKey):
            raise TypeError("a token key must be an elliptic-curve key")
        self._public = found
        self._sign = sign

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """The signature, DER. ECDSA over SHA-256 is all it does."""
        algorithm = signature_algorithm.algorithm
        if isinstance(algorithm, Prehashed) or not isinstance(algorithm, hashes.SHA256):
            raise TypeError("this key signs with ECDSA over SHA-256 only")
        return self._sign(bytes(data))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        """P-256."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """Its length [bit]."""
        return self._public.key_size

    def exchange(self, _algorithm: ec.ECDH, _peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        """Not for this: raises TypeError."""
        raise TypeError("this key only signs")

    def private_numbers(self) -> NoReturn:
        """Never: raises TypeError."""
        raise TypeError("this key does not leave its token")

    def private_bytes(
        self,
        _encoding: serialization.Encoding,
        _format: serialization.PrivateFormat,
        _encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        """Never: raises TypeError."""
        raise TypeError("this key does not leave its token")

    def __copy__(self) -> "TokenKey":
        return self

    def __deepcopy__(self, memo: object) -> "TokenKey":
        return self
