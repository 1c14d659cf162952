"""Publishing to a real broker."""

import asyncio
import dataclasses
import logging
import signal
import socket
from collections.abc import Awaitable
from pathlib import Path

import aiomqtt
import pytest

from tests.link.conftest import Mosquitto
from wayside.errors import FailedPreconditionError, UnavailableError
from wayside_agent.link.broker import Broker, MqttTls
from wayside_agent.link.mqtt import MqttPublisher
from wayside_demo.stage import free_port

pytestmark = pytest.mark.timeout(60)

# paho leaves the socket of a failed handshake to the garbage collector, which closes it at once and warns
paho_drops_the_socket = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def broker_of(mosquitto: Mosquitto) -> Broker:
    if mosquitto.ca_file is None:
        return Broker(mosquitto.host, mosquitto.port)
    tls = MqttTls(mosquitto.ca_file, mosquitto.certificate_file, mosquitto.key_file)
    return Broker(mosquitto.host, mosquitto.port, tls=tls)


async def test_payloads_arrive_in_order_and_none_is_missing(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    payloads = [b"%d" % index for index in range(500)]
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as listener:
        await listener.subscribe("a/+", qos=1)
        async with MqttPublisher(broker_of(mosquitto), client_id="unit") as sink:
            await sink.publish("a/b", payloads[:1])
            await sink.publish("a/b", payloads[1:])
            await sink.publish("a/b", [])
        async with asyncio.timeout(20):
            received = [(await anext(listener.messages)).payload for _ in payloads]
    assert received == payloads
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_broker_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match=r"MQTT broker 127\.0\.0\.1:\d+: .*refused"):
        async with MqttPublisher(Broker("127.0.0.1", free_port()), client_id="unit"):
            pass


@pytest.mark.parametrize("host", ["", "a" * 300, "no-such-host.invalid"])
async def test_a_host_that_cannot_be_is_unavailable(host: str) -> None:
    with pytest.raises(UnavailableError, match="MQTT broker"):
        async with MqttPublisher(Broker(host, 1883), client_id="unit"):
            pass


async def test_a_broker_killed_between_publishes_is_noticed(mosquitto: Mosquitto) -> None:
    async with MqttPublisher(broker_of(mosquitto), client_id="unit") as sink:
        await sink.publish("a/b", [b"1"])
        mosquitto.stop()
        async with asyncio.timeout(5):
            with pytest.raises(UnavailableError):
                await sink.publish("a/b", [b"2"])
        with pytest.raises(UnavailableError):
            await sink.publish("a/b", [b"3"])


async def test_a_broker_killed_while_publishing_is_noticed_long_before_the_timeout(mosquitto: Mosquitto) -> None:
    async with MqttPublisher(broker_of(mosquitto), client_id="unit") as sink, asyncio.timeout(8):
        await sink.publish("a/b", [b"x"])
        assert mosquitto.process is not None
        mosquitto.process.send_signal(signal.SIGSTOP)
        async with asyncio.TaskGroup() as group:
            refused = group.create_task(unavailable(sink.publish("a/b", [b"x" * 1000] * 200)))
            await asyncio.to_thread(mosquitto.stop)
        assert "127.0.0.1" in refused.result()


async def unavailable(work: Awaitable[None]) -> str:
    with pytest.raises(UnavailableError) as refusal:
        await work
    return refusal.value.message


async def test_a_peer_that_accepts_and_stays_silent_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker = Broker("127.0.0.1", silent.getsockname()[1], timeout_s=0.2)
        with pytest.raises(UnavailableError, match="timed out"):
            async with MqttPublisher(broker, client_id="unit"):
                pass


async def test_tls_with_both_certificates_delivers(mosquitto_tls: Mosquitto) -> None:
    async with MqttPublisher(broker_of(mosquitto_tls), client_id="unit") as sink:
        await sink.publish("a/b", [b"x" * 50_000] * 30)


@paho_drops_the_socket
async def test_an_unknown_authority_is_not_trusted(mosquitto_tls: Mosquitto) -> None:
    broker = dataclasses.replace(broker_of(mosquitto_tls), tls=MqttTls())
    with pytest.raises(UnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        async with MqttPublisher(broker, client_id="unit"):
            pass


@paho_drops_the_socket
async def test_a_broker_under_another_name_is_not_trusted(mosquitto_tls: Mosquitto) -> None:
    broker = dataclasses.replace(broker_of(mosquitto_tls), host="localhost")
    with pytest.raises(UnavailableError, match=r"CERTIFICATE_VERIFY_FAILED|refused"):
        async with MqttPublisher(broker, client_id="unit"):
            pass


async def test_a_client_without_certificate_is_not_let_in(mosquitto_tls: Mosquitto) -> None:
    broker = dataclasses.replace(broker_of(mosquitto_tls), tls=MqttTls(mosquitto_tls.ca_file), timeout_s=2.0)
    with pytest.raises(UnavailableError):
        async with MqttPublisher(broker, client_id="unit"):
            pass


async def test_a_missing_authority_file_is_named(tmp_path: Path) -> None:
    broker = Broker("127.0.0.1", 8883, tls=MqttTls(tmp_path / "no-ca.pem"))
    with pytest.raises(FailedPreconditionError, match=r"no-ca\.pem"):
        async with MqttPublisher(broker, client_id="unit"):
            pass
