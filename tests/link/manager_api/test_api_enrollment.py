"""EnrollmentService over real TLS: a token and a request go in, a certificate comes out."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from google.protobuf.duration_pb2 import Duration

from tests.link.manager_api.peer import LocalManager, Peer, csr, enrollment
from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnauthenticatedError,
    WaysideError,
)
from wayside.v1 import enrollment_service_pb2, fleet_service_pb2, node_pb2
from wayside_manager.services.authority import new_key

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])


async def enroll(
    manager: LocalManager, request: enrollment_service_pb2.EnrollRequest
) -> enrollment_service_pb2.EnrollResponse:
    async with manager.stranger() as unit:
        return await unit.call(unit.enrollment.Enroll, request)


async def refusal(manager: LocalManager, request: enrollment_service_pb2.EnrollRequest) -> WaysideError:
    with pytest.raises(WaysideError) as caught:
        await enroll(manager, request)
    return caught.value


async def test_a_unit_becomes_a_node_with_names_the_manager_sets(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token()

    answer = await enroll(manager, enrollment(token, "rsu-1", csr(new_key())))

    certificate = x509.load_pem_x509_certificate(answer.certificate_pem.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert answer.node == "nodes/rsu-1"
    assert [name.value for name in names] == ["wayside://nodes/rsu-1", "rsu-1.nodes.wayside.invalid"]
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]  # it may serve neighbours
    assert "operators" not in certificate.subject.rfc4514_string()
    life = answer.expire_time.ToDatetime() - manager.clock().replace(tzinfo=None)
    assert 29.9 < life.total_seconds() / 86_400 <= 30
    assert (await operator.get_node("rsu-1")).presence == node_pb2.PRESENCE_NEVER_SEEN


async def test_a_wrong_token_is_unauthenticated(manager: LocalManager) -> None:
    assert isinstance(await refusal(manager, enrollment("wse_x", "rsu-1", csr(new_key()))), UnauthenticatedError)


async def test_an_expired_token_is_unauthenticated(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token(ttl=Duration(seconds=60))
    manager.clock.push(seconds=61)
    assert isinstance(await refusal(manager, enrollment(token, "rsu-1", csr(new_key()))), UnauthenticatedError)


async def test_a_used_up_token_is_unauthenticated(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token()
    await enroll(manager, enrollment(token, "rsu-1", csr(new_key())))
    assert isinstance(await refusal(manager, enrollment(token, "rsu-2", csr(new_key()))), UnauthenticatedError)


async def test_a_token_enrols_as_often_as_it_says(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token(max_use_count=2)
    for node_id in ("rsu-1", "rsu-2"):
        await enroll(manager, enrollment(token, node_id, csr(new_key())))


async def test_a_token_bound_to_another_node_or_kind_is_denied(manager: LocalManager, operator: Peer) -> None:
    for token in (
        await operator.enrollment_token(node="nodes/rsu-9"),
        await operator.enrollment_token(kind=node_pb2.NODE_KIND_OBU),
    ):
        assert isinstance(await refusal(manager, enrollment(token, "rsu-1", csr(new_key()))), PermissionDeniedError)


async def test_a_node_or_an_esn_twice_already_exists(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token(max_use_count=3)
    await enroll(manager, enrollment(token, "rsu-1", csr(new_key()), esn="E1"))
    for node_id, esn in (("rsu-1", "E2"), ("rsu-2", "E1")):
        error = await refusal(manager, enrollment(token, node_id, csr(new_key()), esn=esn))
        assert isinstance(error, AlreadyExistsError)


async def test_a_retired_node_does_not_come_back(manager: LocalManager, operator: Peer) -> None:
    await manager.enroll("rsu-1")
    await operator.call(operator.fleet.RetireNode, fleet_service_pb2.RetireNodeRequest(name="nodes/rsu-1"))
    token = await operator.enrollment_token(node="nodes/rsu-1")
    assert isinstance(await refusal(manager, enrollment(token, "rsu-1", csr(new_key()))), FailedPreconditionError)


@pytest.mark.parametrize(
    ("node_id", "esn", "kind", "request_pem"),
    [
        ("RSU 1", "E", "RSU", None),
        ("rsu-1", "E 1", "RSU", None),
        ("rsu-1", "E", "UNSPECIFIED", None),
        ("rsu-1", "E", "RSU", "no request"),
        ("rsu-1", "E", "RSU", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"),
    ],
    ids=["node id", "esn", "kind", "no PEM", "no PKCS#10"],
)
async def test_a_malformed_request_does_not_use_up_the_token(
    manager: LocalManager, operator: Peer, *, node_id: str, esn: str, kind: str, request_pem: str | None
) -> None:
    token = await operator.enrollment_token()
    good = csr(new_key())

    error = await refusal(manager, enrollment(token, node_id, request_pem or good, kind=kind, esn=esn))

    assert isinstance(error, InvalidArgumentError)
    await enroll(manager, enrollment(token, "rsu-1", good))


def signed_request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(key, algorithm)
    return request.public_bytes(serialization.Encoding.PEM).decode()


async def test_weak_keys_are_refused_and_strong_ones_taken(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token(max_use_count=3)
    short = rsa.generate_private_key(65_537, 1024)  # noqa: S505  # too weak on purpose
    for weak in (ec.generate_private_key(ec.SECP224R1()), short):
        error = await refusal(manager, enrollment(token, "rsu-1", signed_request(weak)))
        assert error.reason == "KEY_UNACCEPTABLE"
    strong = (ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65_537, 2048))
    for node_id, request_pem in (("rsu-1", signed_request(strong[0])), ("rsu-2", signed_request(strong[1]))):
        await enroll(manager, enrollment(token, node_id, request_pem))


async def test_a_request_signed_by_another_key_is_refused(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token()
    der = bytearray(x509.load_pem_x509_csr(csr(new_key()).encode()).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1  # the last byte is of the signature
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()

    error = await refusal(manager, enrollment(token, "rsu-1", forged))

    assert error.reason == "REQUEST_INVALID"
