"""Certificate requests of units: whose key it is is proven, everything else in them is ignored.

Usage: `requested_key(request_pem)`.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes

from wayside.errors import InvalidArgumentError

RSA_MIN_BITS = 2048  # NIST SP 800-131A
REQUEST_MAX_CHARS = 16_384  # an RSA 8192 request has about 2,500


def requested_key(request_pem: str) -> CertificatePublicKeyTypes:
    """The public key of a PKCS#10 request whose signature proves that the caller holds the private one.

    Raises: InvalidArgumentError: no request, a wrong signature, or a key that is too weak.
    """
    try:
        request = x509.load_pem_x509_csr(request_pem[:REQUEST_MAX_CHARS].encode())
        is_proven = request.is_signature_valid
        key = request.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature, x509.InvalidVersion) as exc:
        raise InvalidArgumentError(
            "certificate_request_pem: this is no PKCS#10 request in PEM; make it again", reason="REQUEST_INVALID"
        ) from exc
    if not is_proven:
        raise InvalidArgumentError(
            "certificate_request_pem: the signature is not by the requested key; make the request again",
            reason="REQUEST_INVALID",
        )
    return _strong(key, field="certificate_request_pem")


def public_key(public_key_pem: str) -> CertificatePublicKeyTypes:
    """The key in a PEM text, as an operator registers it.

    Raises: InvalidArgumentError: no public key, or one that is too weak.
    """
    try:
        key = serialization.load_pem_public_key(public_key_pem[:REQUEST_MAX_CHARS].encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise InvalidArgumentError(
            "public_key_pem: this is no public key in PEM; print it with 'wayside-agent key show' on the unit",
            reason="KEY_INVALID",
        ) from exc
    return _strong(key, field="public_key_pem")


def _strong(key: PublicKeyTypes, *, field: str) -> CertificatePublicKeyTypes:
    match key:
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, ec.SECP256R1):
            return key
        case ed25519.Ed25519PublicKey():
            return key
        case rsa.RSAPublicKey() if key.key_size >= RSA_MIN_BITS:
            return key
    raise InvalidArgumentError(
        f"{field}: the key must be ECDSA P-256, Ed25519 or RSA of at least {RSA_MIN_BITS} bit",
        reason="KEY_UNACCEPTABLE",
    )
