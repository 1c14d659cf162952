"""The manager's and the agent's parsers of credentials."""

from contextlib import suppress

from cryptography import x509

from tests.fuzz.engine import Target
from tests.fuzz.manager_targets import certificates, pem
from wayside.errors import WaysideError
from wayside_agent.core import certificate, der
from wayside_manager.api import identity

_HEADERS = (identity.REQUEST_ID_HEADER, identity.APPROVAL_HEADER, "authorization")
# without its memory of 4,096 certificates, which is for those that TLS has proven
_certified = identity.certified.__wrapped__


def _metadata(data: bytes) -> None:
    """One header, given once as text, once as bytes, and twice. gRPC refuses other bytes than these as text."""
    printable = bytes(byte for byte in data if 0x20 <= byte < 0x7F).decode()
    for key in _HEADERS:
        for values in ((printable,), (data,), (printable, printable)):
            pairs = tuple((key, value) for value in values)
            identity.request_id(pairs)
            for read in (identity.approval_header, identity.bearer_token):
                with suppress(WaysideError):
                    token = read(pairs)
                    identity.is_foreign_token(token)
                    identity.token_hash(token)


def _pem_certificates() -> tuple[bytes, ...]:
    return tuple(pem("CERTIFICATE", each).encode() for each in certificates())


TARGETS = (
    Target(
        "client certificate's name",
        lambda data: _certified(pem("CERTIFICATE", data).encode()),
        certificates,
        (x509.InvalidVersion,),  # no caller can bring one: BoringSSL refuses it in the handshake
        words=(b"wayside://", b"nodes/", b"\x86\x00", b"\x30\x80", b"\x02\x01\x00"),
    ),
    Target(
        "metadata: bearer token, request id, approval",
        _metadata,
        lambda: (b"Bearer wso_" + b"x" * 43, b"bearer  a.b.c ", b"Basic YTpi", b"approvals/x-1", b"0123-abcd"),
        words=(b"Bearer ", b" ", b"wso_", b".", b"approvals/"),
    ),
    Target(
        "certificate, read by the agent",
        lambda data: certificate.certificate(der.pem_content(data)),
        _pem_certificates,
        (der.DerError,),
        words=(b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----", b"="),
    ),
    Target(
        "certificate in DER, read by the agent",
        certificate.certificate,
        certificates,
        (der.DerError,),
        words=(b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x17\x0d", b"\x18\x0f", b"991231235959Z", b"\xa0\x03"),
    ),
)
