"""What every key store does: makes keys once, signs with them, destroys them."""

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.contract.agent_keys import STORES
from tests.link.agent_authority import Authority
from wayside.errors import FailedPreconditionError
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.drivers.identity import IdentityFiles
from wayside_agent.ports.keys import KeyStore

SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


@pytest.fixture(params=sorted(STORES))
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
    with STORES[request.param](tmp_path) as store:
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "identity"
    make_private_directory(made)
    return made


def request_of(keys: KeyStore, folder: Path) -> x509.CertificateSigningRequest:
    return x509.load_pem_x509_csr(keys.request_pem(folder, "rsu-1").encode())


def certificate_for(keys: KeyStore, folder: Path) -> Path:
    path = folder / "certificate.pem"
    path.write_text(Authority("authority").for_request(keys.request_pem(folder, "rsu-1")))
    return path


def test_a_request_is_signed_by_a_p256_key_that_is_made_once(keys: KeyStore, folder: Path) -> None:
    first, second = request_of(keys, folder), request_of(keys, folder)
    assert first.is_signature_valid
    assert first.public_key() == second.public_key()
    assert isinstance(first.public_key(), ec.EllipticCurvePublicKey)
    assert first.subject.rfc4514_string() == "CN=rsu-1"
    assert keys.public_key_der(folder) == first.public_key().public_bytes(serialization.Encoding.DER, SPKI)


def test_each_folder_has_a_key_of_its_own(keys: KeyStore, folder: Path) -> None:
    other = folder / "next"
    make_private_directory(other)
    assert keys.public_key_der(folder) != keys.public_key_der(other)


def test_the_secret_belongs_to_the_certificate_or_is_refused(keys: KeyStore, folder: Path) -> None:
    certificate = certificate_for(keys, folder)
    assert keys.secret(folder, certificate)
    certificate.write_text(Authority("authority").server()[1].decode())
    with pytest.raises(FailedPreconditionError, match="do not belong together"):
        keys.secret(folder, certificate)
    certificate.write_text("garbage")
    with pytest.raises(FailedPreconditionError, match="enrol the unit again"):
        keys.secret(folder, certificate)


def test_what_names_or_holds_the_key_is_private(keys: KeyStore, folder: Path) -> None:
    keys.public_key_der(folder)
    assert (folder / keys.file_name).stat().st_mode & 0o777 == 0o600


def test_a_destroyed_key_is_gone_and_another_is_made(keys: KeyStore, folder: Path) -> None:
    before = keys.public_key_der(folder)
    keys.delete(folder)
    keys.delete(folder)
    assert not (folder / keys.file_name).exists()
    assert keys.public_key_der(folder) != before


def test_without_a_key_there_is_no_secret(keys: KeyStore, folder: Path) -> None:
    certificate = certificate_for(keys, folder)
    keys.delete(folder)
    with pytest.raises(FileNotFoundError):
        keys.secret(folder, certificate)


def test_an_identity_is_replaced_by_its_successor_with_another_key(keys: KeyStore, folder: Path) -> None:
    authority = Authority("authority")
    files = IdentityFiles(folder, keys)
    first = authority.for_request(files.request_pem("rsu-1"))
    files.store(node_id="rsu-1", certificate_pem=first, authorities_pem=authority.pem)
    second = authority.for_request(files.next.request_pem("rsu-1"))
    files.store_next(certificate_pem=second, authorities_pem=authority.pem)
    assert files.load().certificate_pem.decode() == first
    files.adopt_next()
    assert files.load().certificate_pem.decode() == second
    assert files.load_next() is None
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["authorities.pem", "certificate.pem", "node", keys.file_name]
    )


def test_a_secret_that_signs_may_be_called_from_many_threads(keys: KeyStore, folder: Path) -> None:
    secret = keys.secret(folder, certificate_for(keys, folder))
    if isinstance(secret, bytes):
        assert base64.b64decode(b"".join(secret.splitlines()[1:-1]))
        return
    public = request_of(keys, folder).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signatures: list[bytes] = []
    sign = secret
    threads = [threading.Thread(target=lambda: signatures.append(sign(b"hello"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(signatures) == 8
    for signature in signatures:
        public.verify(signature, b"hello", ec.ECDSA(hashes.SHA256()))
