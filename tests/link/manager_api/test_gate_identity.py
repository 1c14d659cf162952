"""What the gate reads of certificates and headers."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from wayside.errors import InvalidArgumentError, UnauthenticatedError
from wayside_manager.api.gate.authentication import expire_time_of
from wayside_manager.api.identity import (
    TOKEN_MAX_CHARS,
    admission,
    approval_header,
    bearer_token,
    calling_holder,
    certified,
    is_foreign_token,
)
from wayside_manager.core.policy import Caller
from wayside_manager.services.authority import new_key

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def certificate(*uris: str, common_name: str = "operators/admin") -> bytes:
    """A certificate with these names; who signed it is TLS's business."""
    key, name = new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    if uris:
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_certificate_is_for_whom_its_one_uri_names() -> None:
    shown = certified(certificate("https://other", "wayside://nodes/rsu-1"))
    assert (shown.caller, shown.holder_id, shown.holder) == (Caller.NODE, "rsu-1", "nodes/rsu-1")
    assert certified(certificate("wayside://operators/ann")).caller is Caller.OPERATOR


@pytest.mark.parametrize(
    "uris",
    [
        (),
        ("https://nodes/rsu-1",),
        ("wayside://nodes/",),
        ("wayside://tenants/root",),
        ("wayside://nodes/a", "wayside://operators/admin"),
        ("wayside:nodes/a",),
    ],
)
def test_a_certificate_that_names_nobody_or_two_is_nobodys(uris: tuple[str, ...]) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        certified(certificate(*uris))
    assert caught.value.reason == "NO_IDENTITY"


def test_bytes_that_are_no_certificate_are_nobodys() -> None:
    with pytest.raises(UnauthenticatedError):
        certified(b"-----BEGIN CERTIFICATE-----\n\xff\n-----END CERTIFICATE-----\n")


def test_a_bearer_token_is_read_whatever_the_case_of_its_scheme() -> None:
    assert bearer_token([("x", "y"), ("authorization", "bEARER  wso_a ")]) == "wso_a"
    assert bearer_token([("x", "y")]) == ""


@pytest.mark.parametrize(
    "metadata",
    [
        [("authorization", "Basic YTpi")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", b"Bearer wso_a")],
        [("authorization", "Bearer wso_a"), ("authorization", "Bearer wso_b")],
        [("authorization", "Bearer " + "x" * (TOKEN_MAX_CHARS + 1))],
    ],
)
def test_any_other_authorization_is_refused(metadata: list[tuple[str, str | bytes]]) -> None:
    with pytest.raises(UnauthenticatedError):
        bearer_token(metadata)


def test_only_what_looks_like_a_token_of_a_provider_goes_to_the_verifier() -> None:
    assert is_foreign_token("a.b.c")
    assert not is_foreign_token("wso_a.b.c")
    assert not is_foreign_token("a.b.c.d")


@pytest.mark.parametrize("value", ["x", "approvals/", "approvals/A", "approvals/a/b", "approvals/a\n", b"approvals/a"])
def test_an_approval_is_named_exactly(value: str | bytes) -> None:
    with pytest.raises(InvalidArgumentError):
        approval_header([("wayside-approval", value)])
    assert approval_header([("wayside-approval", "approvals/a-1")]) == "a-1"
    assert approval_header([]) == ""


@pytest.mark.parametrize("token", ["a.!.c", "a.e30.c", "a.eyJleHAiOiJ4In0.c", "a.eyJleHAiOjFlOTl9.c", "a.W10.c"])
def test_a_token_that_does_not_say_when_it_ends_has_no_end(token: str) -> None:
    assert expire_time_of(token) is None


def test_outside_a_call_nobody_calls() -> None:
    assert admission().caller is Caller.ANYONE
    assert calling_holder() == ""
    assert admission().reach.is_nowhere
