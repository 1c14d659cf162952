"""What a channel shows and trusts: from a key in a file, or from one that signs in a token.

**Tested with:** grpcio 1.85; SoftHSM 2.6.1 over a real mutual TLS handshake.
**Source:** `grpc.experimental`, which may lose the custom signer; then a file key still works and a token key says so.
"""

import logging
import warnings
from collections.abc import Callable

import grpc

from wayside.errors import FailedPreconditionError, WaysideError
from wayside_agent.ports.identity import Identity
from wayside_agent.ports.keys import Sign

SIGNER = "ssl_channel_credentials_with_custom_signer"

ECDSA_P256_SHA256 = 3
"""In grpc's `PrivateKeySignatureAlgorithm`; it hands over the bare number."""

logger = logging.getLogger(__name__)


def channel_credentials(identity: Identity) -> grpc.ChannelCredentials:
    """Credentials with which a unit calls its manager.

    Raises: FailedPreconditionError: the key is in a token and this grpc cannot use it.
    """
    if isinstance(identity.secret, bytes):
        return grpc.ssl_channel_credentials(identity.authorities_pem, identity.secret, identity.certificate_pem)
    from grpc import experimental  # only a unit with a token needs it

    make: Callable[..., grpc.ChannelCredentials] | None = getattr(experimental, SIGNER, None)
    if make is None:
        raise FailedPreconditionError(
            f"this grpcio ({grpc.__version__}) has no grpc.experimental.{SIGNER}, which a token key needs; install "
            "the locked version, or use the driver 'key-file'",
            reason="GRPC_TOO_OLD",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is experimental is said above
        return make(
            private_key_sign_fn=_signer(identity.secret),
            root_certificates=identity.authorities_pem,
            certificate_chain=identity.certificate_pem,
        )


def _signer(sign: Sign) -> Callable[..., bytes]:
    """As gRPC calls it: in a thread of its own, with the bytes of the handshake and an algorithm it chose."""
    told: set[str] = set()  # each kind of trouble once, until it signs again

    def signed(data: bytes, algorithm: int, _on_complete: object) -> bytes:
        if algorithm != ECDSA_P256_SHA256:
            raise FailedPreconditionError(f"the manager asks for signature {algorithm}; the token signs P-256 only")
        try:
            signature = sign(data)
        except WaysideError as error:
            if error.reason not in told:
                logger.error("manager: the key cannot sign: %s", error, extra={"reason": error.reason})
            told.add(error.reason)
            raise
        told.clear()
        return signature

    return signed
