"""A real mosquitto on a free loopback port, plain or with TLS from a throw-away authority."""

import datetime as dt
import ipaddress
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wayside_demo.stage import free_port

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@dataclass
class Mosquitto:
    """One broker that can be stopped and started again on its port."""

    directory: Path
    port: int
    extra_config: str = ""
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    host: str = "127.0.0.1"
    process: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    def start(self) -> None:
        """Starts it and returns when it listens."""
        config = self.directory / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} {self.host}\nallow_anonymous true\npersistence false\nconnection_messages false\n"
            f"max_queued_messages 0\nlog_dest stderr\nlog_type information\nlog_type error\n{self.extra_config}"
        )
        assert MOSQUITTO is not None
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "running" in line:
                return
        pytest.fail("mosquitto ended before it was running")

    def stop(self) -> None:
        """Kills it, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A plain-text broker."""
    yield from _running(tmp_path / "mosquitto", "")


@pytest.fixture
def mosquitto_tls(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that speaks TLS 1.2 or later and asks every client for a certificate."""
    directory = tmp_path / "mosquitto-tls"
    _write_certificates(directory)
    yield from _running(
        directory,
        f"cafile {directory}/ca.pem\ncertfile {directory}/server.pem\nkeyfile {directory}/server.key\n"
        "tls_version tlsv1.2\nrequire_certificate true\n",
    )


def _running(directory: Path, extra_config: str) -> Iterator[Mosquitto]:
    if MOSQUITTO is None:
        pytest.skip("needs mosquitto: apt-get install mosquitto")
    directory.mkdir(exist_ok=True)
    broker = Mosquitto(directory, free_port(), extra_config + ("user root\n" if _is_root() else ""))
    if extra_config:
        broker.ca_file = directory / "ca.pem"
        broker.certificate_file, broker.key_file = directory / "client.pem", directory / "client.key"
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def _is_root() -> bool:
    return Path("/proc/self").stat().st_uid == 0  # mosquitto as root would become another user, who reads no key


def _write_certificates(directory: Path) -> None:
    directory.mkdir()
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("test authority", ca_key, None, None)
    (directory / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, ca, ca_key)
        (directory / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (directory / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, ca: x509.Certificate | None, ca_key: ec.EllipticCurvePrivateKey | None
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.subject if ca else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if ca_key is None:
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key((ca_key or key).public_key())
    return builder.add_extension(issuer, critical=False).sign(ca_key or key, hashes.SHA256())
