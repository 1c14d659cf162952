"""The manager's parsers of bytes that a stranger can send."""

import base64
import functools
import importlib
import pkgutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

import wayside.v1
from tests.fuzz.engine import Target
from wayside import names
from wayside.errors import InvalidArgumentError
from wayside.v1 import enrollment_service_pb2, node_pb2
from wayside_manager.api.door import visitor
from wayside_manager.api.node_messages import required_kind
from wayside_manager.core.pages import page_token, position
from wayside_manager.services.certificate_request import requested_key

_QUESTION = "nodes|site=g98"
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rsu-1")])
_PEM_TYPE = "CERTIFICATE REQUEST"
_SCALARS = {
    FieldDescriptor.CPPTYPE_STRING: "nodes/rsu-1",
    FieldDescriptor.CPPTYPE_BOOL: True,
    FieldDescriptor.CPPTYPE_FLOAT: 1.0,
    FieldDescriptor.CPPTYPE_DOUBLE: 1.0,
} | dict.fromkeys(
    (
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
        FieldDescriptor.CPPTYPE_ENUM,
    ),
    1,
)
_CHECKS: tuple[Callable[..., str], ...] = (
    names.checked_label,
    names.checked_version,
    names.checked_esn,
    names.node_id,
    names.release_version,
    names.rollout_id,
    names.config_layer_id,
)


def text(data: bytes) -> str:
    """Bytes as the text protobuf would hand over: never a lone surrogate."""
    return data.decode(errors="replace")


@functools.cache
def requests() -> tuple[x509.CertificateSigningRequest, ...]:
    """Good certificate requests, and one of a key that is refused."""
    keys: tuple[ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, ...] = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    )
    uri = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("wayside://operators/admin")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(_NAME).add_extension(uri, critical=False)
    return tuple(
        builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()) for key in keys
    )


@functools.cache
def certificates() -> tuple[bytes, ...]:
    """Client certificates as they stand in a handshake, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for uris in (["wayside://nodes/rsu-1"], ["wayside://operators/admin"], ["urn:x", "wayside://nodes/"], []):
        builder = x509.CertificateBuilder(_NAME, _NAME, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=30))
        if uris:
            general = [x509.UniformResourceIdentifier(uri) for uri in uris]
            builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
        made.append(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    return tuple(made)


def _pem_requests() -> tuple[bytes, ...]:
    return tuple(request.public_bytes(serialization.Encoding.PEM) for request in requests())


def _der_requests() -> tuple[bytes, ...]:
    return tuple(request.public_bytes(serialization.Encoding.DER) for request in requests())


def pem(kind: str, content: bytes) -> str:
    """DER in its armour."""
    return f"-----BEGIN {kind}-----\n{base64.encodebytes(content).decode()}-----END {kind}-----\n"


def _requested_key_in_der(data: bytes) -> None:
    requested_key(pem(_PEM_TYPE, data))


@functools.cache
def _request_types() -> tuple[type[Message], ...]:
    """What gRPC decodes before our gate sees the call: the request of every RPC."""
    modules = (importlib.import_module(f"wayside.v1.{each.name}") for each in pkgutil.iter_modules(wayside.v1.__path__))
    services = [
        service
        for module in modules
        for service in getattr(getattr(module, "DESCRIPTOR", None), "services_by_name", {}).values()
    ]
    found: set[Descriptor] = {method.input_type for service in services for method in service.methods}
    return tuple(GetMessageClass(each) for each in sorted(found, key=lambda each: each.full_name))


def _decoded_request(data: bytes) -> None:
    kinds = _request_types()
    if data:
        kinds[data[0] % len(kinds)].FromString(data[1:])


def _request_seeds() -> tuple[bytes, ...]:
    filled = [(index, _filled(kind(), 0)) for index, kind in enumerate(_request_types())]
    return tuple(bytes([index]) + message.SerializeToString() for index, message in filled)


def _filled(message: Message, depth: int) -> Message:
    """The message with something in every field."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None:
            if depth < 3 and not field.message_type.GetOptions().map_entry:
                own = getattr(message, field.name)
                inner = own.add() if field.is_repeated else own
                inner.SetInParent()
                _filled(inner, depth + 1)
            continue
        value = b"nodes/rsu-1" if field.type == field.TYPE_BYTES else _SCALARS[field.cpp_type]
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    return message


def _enroll_request() -> bytes:
    return enrollment_service_pb2.EnrollRequest(
        token="wse_" + "x" * 43,
        node_id="rsu-1",
        esn="SN-0000001",
        kind=node_pb2.NODE_KIND_RSU,
        certificate_request_pem=_pem_requests()[0].decode(),
    ).SerializeToString()


def _enrolled(data: bytes) -> None:
    request = enrollment_service_pb2.EnrollRequest.FromString(data)
    names.checked_label(request.node_id, field="node_id")
    names.checked_esn(request.esn, field="esn")
    required_kind(request.kind, field="kind")
    requested_key(request.certificate_request_pem)


def _named_things(data: bytes) -> None:
    for check in _CHECKS:
        with suppress(InvalidArgumentError):
            check(text(data), field="name")


def _paged(data: bytes) -> None:
    for types in ((str,), (int, str)):
        with suppress(InvalidArgumentError):
            position(text(data), _QUESTION, types=types)


def _first_record(data: bytes) -> None:
    if visitor.may_be_hello(data):
        visitor.is_whole(data)


_PEM_WORDS = (b"-----BEGIN CERTIFICATE REQUEST-----", b"-----END CERTIFICATE REQUEST-----\n", b"\n", b"=", b"\x00")
_DER_WORDS = (
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x02\x01\x00",
    b"\x06\x00",
    b"\x03\x01\x00",
    b"\xa0\x00",
    b"\x05\x00",
)
TARGETS = (
    Target("certificate request, PEM", lambda data: requested_key(text(data)), _pem_requests, words=_PEM_WORDS),
    Target(
        "certificate request, DER", lambda data: requested_key(pem(_PEM_TYPE, data)), _der_requests, words=_DER_WORDS
    ),
    Target("EnrollRequest and its checks", _enrolled, lambda: (_enroll_request(),), (DecodeError,)),
    Target("request messages of every RPC", _decoded_request, _request_seeds, (DecodeError,)),
    Target(
        "resource names, ESN, version",
        _named_things,
        lambda: (b"nodes/rsu-g98-k12", b"releases/1.2.0-rc1", b"SN-0000001", b"configLayers/base", b"rollouts/r-1"),
        words=(b"nodes/", b"\n", b"\xc3\xa9", b"-", b"."),
    ),
    Target(
        "page token",
        _paged,
        lambda: (page_token(_QUESTION, ("rsu-1",)).encode(), page_token(_QUESTION, (2**70, "a")).encode()),
        words=(b"=", b"W1tb", b"e30", b"-_"),
    ),
    Target(
        "first TLS record at the door",
        _first_record,
        lambda: (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(508), b"GET / HTTP/1.1\r\n\r\n"),
    ),
)
