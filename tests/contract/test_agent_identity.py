"""The identity on disk: made once, private, whole or none."""

import os
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from wayside.errors import FailedPreconditionError
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.drivers.identity import IdentityFiles
from wayside_agent.drivers.key_file import KeyFile
from wayside_agent.ports.errors import DeviceFaultError

PEM = serialization.Encoding.PEM


@pytest.fixture
def files(tmp_path: Path) -> IdentityFiles:
    found = IdentityFiles(tmp_path / "identity", KeyFile(KeyFile.Options()))
    make_private_directory(found.directory)
    return found


def issued(request_pem: str) -> str:
    """A certificate for a request, by an authority nobody needs to keep."""
    import datetime as dt

    request = x509.load_pem_x509_csr(request_pem.encode())
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        .public_bytes(PEM)
        .decode()
    )


def enrol(files: IdentityFiles, node_id: str = "rsu-1") -> str:
    certificate = issued(files.request_pem(node_id))
    files.store(node_id=node_id, certificate_pem=certificate, authorities_pem=certificate)
    return certificate


def test_the_key_is_made_once_and_nobody_else_may_read_it(files: IdentityFiles) -> None:
    before = os.umask(0)
    try:
        first = files.request_pem("rsu-1")
        enrol(files)
    finally:
        os.umask(before)
    second = files.request_pem("rsu-2")
    keys = [x509.load_pem_x509_csr(pem.encode()).public_key() for pem in (first, second)]
    assert keys[0] == keys[1]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.directory.iterdir()} == {0o600}


def test_an_enrolled_unit_knows_who_it_is_and_can_be_enrolled_again(files: IdentityFiles) -> None:
    enrol(files)
    certificate = enrol(files, "rsu-2")
    identity = files.load()
    assert (identity.node_id, identity.certificate_pem.decode()) == ("rsu-2", certificate)


@pytest.mark.parametrize("kept", ["", "key.pem", "key.pem certificate.pem", "key.pem certificate.pem authorities.pem"])
def test_an_interrupted_enrolment_is_none_and_can_be_repeated(files: IdentityFiles, kept: str) -> None:
    enrol(files)
    for path in files.directory.iterdir():
        if path.name not in kept.split():
            path.unlink()
    with pytest.raises(FailedPreconditionError, match="not enrolled"):
        files.load()
    enrol(files)
    assert files.load().node_id == "rsu-1"


def test_an_interrupted_second_enrolment_never_mixes_two_identities(files: IdentityFiles) -> None:
    enrol(files)
    certificate = issued(files.request_pem("rsu-2"))
    files.authorities_file.unlink()
    files.authorities_file.mkdir()  # the disk refuses in the middle
    with pytest.raises(DeviceFaultError):
        files.store(node_id="rsu-2", certificate_pem=certificate, authorities_pem=certificate)
    with pytest.raises(FailedPreconditionError, match="not enrolled"):
        files.load()


@pytest.mark.parametrize("certificate", ["", "garbage", "another key"])
def test_credentials_that_do_not_fit_replace_nothing(files: IdentityFiles, certificate: str) -> None:
    good = enrol(files)
    other = IdentityFiles(files.directory.parent / "other", files.keys)
    make_private_directory(other.directory)
    offered = enrol(other) if certificate == "another key" else certificate
    with pytest.raises(FailedPreconditionError):
        files.store(node_id="rsu-1", certificate_pem=offered, authorities_pem=good)
    with pytest.raises(FailedPreconditionError):
        files.store(node_id="rsu-1", certificate_pem=good, authorities_pem=certificate and "garbage")
    assert files.load().certificate_pem.decode() == good
    assert len(list(files.directory.iterdir())) == 4


@pytest.mark.parametrize("name", ["key.pem", "certificate.pem", "authorities.pem", "node"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe garbage"], ids=["empty", "garbage"])
def test_a_damaged_file_is_named_with_what_to_do(files: IdentityFiles, name: str, content: bytes) -> None:
    enrol(files)
    (files.directory / name).write_bytes(content)
    with pytest.raises(
        FailedPreconditionError, match=rf"{name.split('.', maxsplit=1)[0]}.*enrol the unit again"
    ) as caught:
        files.load()
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(files: IdentityFiles) -> None:
    enrol(files)
    files.certificate_file.unlink()
    files.certificate_file.mkdir()
    with pytest.raises(DeviceFaultError, match=r"certificate\.pem: cannot be read"):
        files.load()


@pytest.mark.parametrize("kind", ["garbage", "encrypted", "rsa"])
def test_a_key_that_is_none_is_not_replaced_in_silence(files: IdentityFiles, kind: str) -> None:
    encrypted = serialization.BestAvailableEncryption(b"secret")
    keys = {
        "garbage": b"garbage",
        "encrypted": ec.generate_private_key(ec.SECP256R1()).private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, encrypted
        ),
        "rsa": rsa.generate_private_key(65537, 2048).private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }
    files.key_file.write_bytes(keys[kind])
    with pytest.raises(FailedPreconditionError, match=r"key\.pem: .*remove it"):
        files.request_pem("rsu-1")
    assert files.key_file.read_bytes() == keys[kind]
