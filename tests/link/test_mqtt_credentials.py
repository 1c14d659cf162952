"""By which interface and under which name a unit goes to a broker: a real broker with passwords, real interfaces."""

import asyncio
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.link.conftest import Mosquitto
from wayside.errors import FailedPreconditionError, UnauthenticatedError, UnavailableError
from wayside_agent.link.broker import Broker
from wayside_agent.link.interface import source_address
from wayside_agent.link.mqtt import MqttPublisher
from wayside_demo.stage import free_port

pytestmark = pytest.mark.timeout(60)
PASSWORD_TOOL = shutil.which("mosquitto_passwd")
PASSWORD = "pass wörd"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "broker-password"
    path.write_text(f"{PASSWORD}\n")
    return path


@pytest.fixture
def guarded(mosquitto: Mosquitto) -> Mosquitto:
    """A broker that lets in who knows the password of `unit`."""
    if PASSWORD_TOOL is None:
        pytest.skip("needs mosquitto_passwd: apt-get install mosquitto")
    users = mosquitto.directory / "users"
    subprocess.run([PASSWORD_TOOL, "-b", "-c", str(users), "unit", PASSWORD], check=True, capture_output=True)
    users.chmod(0o600)
    mosquitto.stop()
    mosquitto.extra_config += f"allow_anonymous false\npassword_file {users}\n"
    mosquitto.start()
    return mosquitto


async def opened(broker: Broker) -> None:
    async with MqttPublisher(broker, client_id="unit") as sink:
        await sink.publish("a/b", [b"1"])


async def test_a_name_and_the_password_of_a_file_open_the_broker(guarded: Mosquitto, secret: Path) -> None:
    await opened(Broker(guarded.host, guarded.port, username="unit", password_file=secret))


async def test_a_password_is_read_anew_at_every_connection(guarded: Mosquitto, tmp_path: Path, secret: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    broker = Broker(guarded.host, guarded.port, username="unit", password_file=wrong)
    with pytest.raises(UnauthenticatedError, match="check its certificate, name and password"):
        await opened(broker)
    secret.rename(wrong)  # noqa: ASYNC240  # nobody waits here
    await opened(broker)


async def test_no_name_opens_nothing(guarded: Mosquitto) -> None:
    with pytest.raises(UnauthenticatedError):
        await opened(Broker(guarded.host, guarded.port))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot be read .*; put it there, see settings secrets_dir"),
        (b"", "is no password; write 1 to 4096 characters"),
        (b"\n", "is no password"),
        (b"s3cr\xffet", "is no password"),
        (b"s3cret" * 1000, "is no password"),
    ],
    ids=["missing", "empty", "newline", "no-utf8", "long"],
)
async def test_a_secret_that_is_none_is_named_and_never_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None, expected: str
) -> None:
    path = tmp_path / "broker-password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FailedPreconditionError, match=f"broker-password {expected}") as caught:
        await opened(Broker("127.0.0.1", free_port(), username="unit", password_file=path))
    assert "s3cr" not in f"{caught.value} {caught.value.__cause__} {caplog.text}"


@pytest.mark.parametrize(("host", "own"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1")])
def test_an_interface_has_an_address_of_the_kind_of_the_broker(host: str, own: str) -> None:
    if own == "::1" and not has_ipv6():
        pytest.skip("needs IPv6 on the loopback interface")
    assert source_address("lo", host, 1883) in {own, "::1" if host == "localhost" else own}


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    ("interface", "host", "expected"),
    [
        ("nowhere0", "127.0.0.1", "interface 'nowhere0' is not there, or has no address"),
        ("lo", "no-such-host.invalid", "the host no-such-host.invalid is unknown"),
        ("lo", "a" * 300, "is unknown"),
    ],
    ids=["interface", "host", "label"],
)
def test_what_cannot_be_is_unavailable(interface: str, host: str, expected: str) -> None:
    with pytest.raises(UnavailableError, match=expected):
        source_address(interface, host, 1883)


def other_interface() -> tuple[str, str]:
    """An interface with an IPv4 address besides the loopback, and the address."""
    for _, name in socket.if_nameindex():
        try:
            address = source_address(name, "127.0.0.1", 1)
        except UnavailableError:
            continue
        if name != "lo":
            return name, address
    pytest.skip("needs a second network interface with an IPv4 address")


async def test_the_connection_leaves_with_the_address_of_the_interface() -> None:
    interface, address = other_interface()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        broker = Broker("127.0.0.1", listener.getsockname()[1], interface=interface, timeout_s=0.2)
        async with asyncio.TaskGroup() as group:
            refused = group.create_task(unavailable(broker))
            connection, peer = await asyncio.to_thread(listener.accept)
            connection.close()
        assert "MQTT broker" in refused.result()
    assert peer[0] == address


async def unavailable(broker: Broker) -> str:
    with pytest.raises(UnavailableError) as refusal:
        await opened(broker)
    return refusal.value.message


async def test_a_broker_is_reached_by_the_loopback_interface(mosquitto: Mosquitto) -> None:
    await opened(Broker(mosquitto.host, mosquitto.port, interface="lo"))
