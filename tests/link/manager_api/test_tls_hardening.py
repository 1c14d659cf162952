"""A manager's ports, tried by real TLS clients: old versions, weak suites and downgrades are refused."""

import asyncio
import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder, Settings

AEAD_1_2 = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"}
WEAK_1_2 = (
    "AES128-GCM-SHA256",  # RSA key exchange
    "AES256-SHA",
    "DES-CBC3-SHA",
    "ECDHE-ECDSA-AES128-SHA",  # CBC
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "PSK-AES128-CBC-SHA",
)
START_S = 20.0

PROGRAM = "from wayside_manager.cli.manager import main; main()"


@dataclass(frozen=True)
class Ports:
    """A manager in a process of its own, as `serve` makes it, and its folder of clients' files."""

    device: int
    operator: int
    folder: Path


@contextmanager
def served(path: Path, minimum: str) -> Iterator[Ports]:
    folder = DataFolder(path / "manager")
    asyncio.run(initialise(folder, Settings(device_port=0, operator_port=0)))
    if minimum:
        with folder.settings.open("a") as settings:
            settings.write(f'tls_minimum = "{minimum}"\n')
    command = [sys.executable, "-c", PROGRAM, "serve", "--data", str(folder.path), "--log-level", "ERROR"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("wayside-manager: nodes at "), "it does not come up"
            endpoints = json.loads(folder.endpoints.read_text())
            device, operator = (
                int(endpoints[name].rpartition(":")[2]) for name in ("device_address", "operator_address")
            )
            yield Ports(device, operator, folder.operator)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    with served(tmp_path_factory.mktemp("strict"), "") as ports:
        yield ports


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    with served(tmp_path_factory.mktemp("lenient"), "1.2") as ports:
        yield ports


def negotiated(port: int, folder: Path, **bounds: ssl.TLSVersion | str) -> tuple[str, str]:
    """Version and suite that a client ends up with.

    Raises: ssl.SSLError, ConnectionError: it is refused.
    """
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "operator.pem", folder / "operator.key")
    context.set_alpn_protocols(["h2"])
    suites = str(bounds.get("suites", ""))
    if suites:
        context.set_ciphers(f"{suites}:@SECLEVEL=0")
    version = bounds.get("version")
    if isinstance(version, ssl.TLSVersion):
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", port), timeout=START_S) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        cipher = connection.cipher()
        assert cipher is not None
        return connection.version() or "", cipher[0]


def both(ports: Ports) -> tuple[int, int]:
    return ports.device, ports.operator


def test_tls_1_3_is_spoken_by_default_and_nothing_older(strict: Ports) -> None:
    for port in both(strict):
        assert negotiated(port, strict.folder)[0] == "TLSv1.3"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            negotiated(port, strict.folder, version=ssl.TLSVersion.TLSv1_2)


def test_the_setting_allows_1_2_and_1_3_is_still_preferred(lenient: Ports) -> None:
    for port in both(lenient):
        assert negotiated(port, lenient.folder)[0] == "TLSv1.3"
        version, suite = negotiated(port, lenient.folder, version=ssl.TLSVersion.TLSv1_2)
        assert (version, suite in AEAD_1_2) == ("TLSv1.2", True)


@pytest.mark.parametrize("suite", sorted(AEAD_1_2))
def test_the_setting_allows_good_suites_of_1_2(lenient: Ports, suite: str) -> None:
    found = negotiated(lenient.operator, lenient.folder, version=ssl.TLSVersion.TLSv1_2, suites=suite)
    assert found == ("TLSv1.2", suite)


@pytest.mark.parametrize("suite", WEAK_1_2)
def test_weak_suites_are_refused_at_either_setting(strict: Ports, lenient: Ports, suite: str) -> None:
    for ports in (strict, lenient):
        for port in both(ports):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                negotiated(port, ports.folder, version=ssl.TLSVersion.TLSv1_2, suites=suite)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_tls_before_1_2_is_refused_at_either_setting(strict: Ports, lenient: Ports, version: ssl.TLSVersion) -> None:
    for ports in (strict, lenient):
        for port in both(ports):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                negotiated(port, ports.folder, version=version, suites="ALL")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the fallback signal needs openssl s_client")
def test_a_downgrade_forced_on_a_client_is_refused_at_either_setting(strict: Ports, lenient: Ports) -> None:
    assert not is_taken_by_openssl(strict, "-tls1_2", "-fallback_scsv")
    assert not is_taken_by_openssl(lenient, "-tls1_2", "-fallback_scsv")
    assert is_taken_by_openssl(lenient, "-tls1_2"), "it is the signal that is refused"


def is_taken_by_openssl(ports: Ports, *options: str) -> bool:
    target = ["-connect", f"127.0.0.1:{ports.operator}", "-servername", "localhost", "-alpn", "h2"]
    tried = subprocess.run(
        ["openssl", "s_client", *target, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=START_S,
        check=False,
    )
    return tried.returncode == 0


def test_who_has_no_certificate_does_not_get_past_the_device_port(strict: Ports) -> None:
    context = ssl.create_default_context(cafile=strict.folder / "ca.pem")
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", strict.device), timeout=START_S) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as connection,
        contextlib.suppress(ssl.SSLError, ConnectionError),
    ):
        assert connection.recv(1) == b"", "in TLS 1.3 the refusal comes after the client's part"
