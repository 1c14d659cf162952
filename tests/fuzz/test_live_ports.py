"""Garbage at both ports of a real manager, before and after the TLS handshake; a good client is served all the same."""

import json
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wayside_demo.stage import BIN, Program, StoryError, run, until

CONNECT_S = 5.0
LINGER_S = 0.05  # for an answer; most garbage gets none
GROWTH_MAX_BYTES = 64 << 20
HALF_OPEN_COUNT = 20
SAMPLE = settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _reset(stream: int) -> bytes:
    return _frame(3, 0, stream, bytes(4))


def _hello() -> bytes:
    """A real ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


HELLO = _hello()
BEFORE_TLS = (
    b"",
    b"\x00",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    PREFACE + EMPTY_SETTINGS,
    b"SSH-2.0-x\r\n",
    HELLO[:1],
    HELLO[:5],
    HELLO[: len(HELLO) // 2],
    HELLO[:-1],
    HELLO + HELLO,
    HELLO + b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x16\x03\x01\xff\xff" + bytes(65_535),
    b"\x16\x03\x01\x00\x00" * 1000,
    b"\x80\x2e\x01\x00\x02",  # SSL 2
    b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + bytes(16_380),
    bytes(100_000),
)
# RFC 9113: literal header fields without indexing, as HPACK writes them
_HEADERS = b"".join(
    b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value
    for name, value in (
        (b":method", b"POST"), (b":scheme", b"https"), (b":path", b"/wayside.v1.FleetService/ListNodes"),
        (b":authority", b"x"), (b"te", b"trailers"), (b"content-type", b"application/grpc"),
    )
)  # fmt: skip
_HUGE = b"\x00\x01a\x7f\x81\xff\x03" + b"x" * 65_536  # a value far beyond 16 KiB of metadata
INSIDE_TLS = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    PREFACE,
    PREFACE + b"\xff" * 1000,
    PREFACE + EMPTY_SETTINGS + _frame(1, 0x4, 1, b"\xff" * 100),
    PREFACE + EMPTY_SETTINGS + _frame(1, 0x5, 1, _HEADERS),
    PREFACE + EMPTY_SETTINGS + _frame(1, 0x4, 1, _HEADERS) + _frame(0, 1, 1, b"\x00\x00\x00\x00\x04abcd"),
    PREFACE + EMPTY_SETTINGS + _frame(1, 0x4, 1, _HEADERS) + _frame(0, 1, 1, b"\x01\xff\xff\xff\xff"),
    PREFACE + EMPTY_SETTINGS + _frame(1, 0, 1, (_HEADERS + _HUGE)[:16_000]) + _frame(9, 0x4, 1, _HUGE[:16_000]),
    PREFACE + EMPTY_SETTINGS + _frame(1, 0, 1, _HEADERS) + b"".join(_frame(9, 0, 1, b"") for _ in range(2_000)),
    PREFACE + EMPTY_SETTINGS + b"".join(_reset(n) for n in range(1, 4_001, 2)),
    PREFACE + EMPTY_SETTINGS + b"".join(_frame(1, 5, n, _HEADERS) + _reset(n) for n in range(1, 999, 2)),
    PREFACE + EMPTY_SETTINGS + b"".join(_frame(6, 0, 0, bytes(8)) for _ in range(5_000)),
    PREFACE + EMPTY_SETTINGS + b"".join(_frame(4, 0, 0, b"\x00\x04\xff\xff\xff\xff") for _ in range(500)),
    PREFACE + EMPTY_SETTINGS + _frame(8, 0, 0, b"\x7f\xff\xff\xff") * 2,
)


class Attacked:
    """A manager of its own, and what one can do to it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "manager"
        run([str(BIN / "wayside-manager"), "init", str(self.data), "--device-port", "0", "--operator-port", "0"])
        self.program = Program("manager", [str(BIN / "wayside-manager"), "serve", "--data", str(self.data)], folder)
        self.program.start()
        endpoints = self.data / "run" / "endpoints.json"
        until("the manager listens", endpoints.exists, 30.0)
        noted = json.loads(endpoints.read_text())
        self.ports = {name: int(noted[f"{name}_address"].rpartition(":")[2]) for name in ("device", "operator")}

    def serves_a_good_client(self) -> bool:
        """Whether an operator gets an answer."""
        command = [str(BIN / "wayside"), "--context", str(self.data / "operator" / "context.toml"), "nodes", "list"]
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0

    def check(self) -> None:
        """It runs, serves, and has not met a bug; the door may want a moment between many connections of one host."""
        until("a good client is served", self.serves_a_good_client, 15.0)
        assert self.program.is_running()
        assert "Traceback" not in self.program.words()
        assert '"level": "ERROR"' not in self.program.words()

    def memory_bytes(self) -> int:
        statm = Path(f"/proc/{self.program.pid}/statm").read_text().split()
        return int(statm[1]) * os.sysconf("SC_PAGE_SIZE")

    def connected(self, port: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[port]), timeout=CONNECT_S)

    def send(self, port: str, data: bytes) -> None:
        with suppress(OSError), self.connected(port) as client:
            client.sendall(data)
            client.settimeout(LINGER_S)
            client.recv(4096)

    def send_inside_tls(self, data: bytes) -> None:
        context = ssl.create_default_context(cafile=str(self.data / "operator" / "ca.pem"))
        context.set_alpn_protocols(["h2"])
        with (
            suppress(OSError),
            self.connected("operator") as client,
            context.wrap_socket(client, server_hostname="localhost") as secure,
        ):
            secure.sendall(data)
            secure.settimeout(LINGER_S)
            while secure.recv(65_536):
                pass


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    made = Attacked(tmp_path_factory.mktemp("attacked"))
    yield made
    made.program.stop()


@pytest.mark.parametrize("port", ["device", "operator"])
def test_garbage_instead_of_a_handshake_costs_nobody_else_anything(manager: Attacked, port: str) -> None:
    manager.check()
    before = manager.memory_bytes()
    for data in BEFORE_TLS:
        manager.send(port, data)
    manager.check()
    assert manager.memory_bytes() - before < GROWTH_MAX_BYTES


@pytest.mark.parametrize("port", ["device", "operator"])
def test_random_bytes_and_damaged_handshakes_cost_nobody_else_anything(manager: Attacked, port: str) -> None:
    @SAMPLE
    @given(st.binary(max_size=600), st.integers(0, len(HELLO)), st.booleans())
    def attacked(noise: bytes, cut: int, is_hello: bool) -> None:  # drawn by hypothesis
        manager.send(port, HELLO[:cut] + noise if is_hello else noise)

    attacked()
    manager.check()


def test_garbage_inside_tls_costs_nobody_else_anything(manager: Attacked) -> None:
    manager.check()
    before = manager.memory_bytes()
    for data in INSIDE_TLS:
        manager.send_inside_tls(data)
    manager.check()
    assert manager.memory_bytes() - before < GROWTH_MAX_BYTES


@pytest.mark.parametrize(
    ("method", "is_known", "status"),
    [
        ("FleetService/ListNodes", False, grpc.StatusCode.UNAUTHENTICATED),
        ("FleetService/WatchNodes", False, grpc.StatusCode.UNAUTHENTICATED),
        ("FleetService/ListNodes", True, grpc.StatusCode.INVALID_ARGUMENT),
        ("FleetService/WatchNodes", True, grpc.StatusCode.INVALID_ARGUMENT),
        ("ReleaseService/CreateRelease", True, grpc.StatusCode.INVALID_ARGUMENT),
        ("EnrollmentService/Enroll", False, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_nobody_s_message_is_read_before_it_is_known_whose_it_is(
    manager: Attacked, method: str, is_known: bool, status: grpc.StatusCode
) -> None:
    credentials = grpc.ssl_channel_credentials((manager.data / "operator" / "ca.pem").read_bytes())
    token = (manager.data / "operator" / "token").read_text().strip()
    metadata = (("authorization", f"Bearer {token}"),) if is_known else ()
    with grpc.secure_channel(f"localhost:{manager.ports['operator']}", credentials) as channel:
        # on the wire all four kinds are alike
        call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(f"/wayside.v1.{method}")
        with pytest.raises(grpc.RpcError) as refused:
            list(call(iter([b"\xff\xff\xff"]), metadata=metadata, timeout=10, wait_for_ready=True))
    assert refused.value.code() is status
    manager.check()


def test_random_frames_inside_tls_cost_nobody_else_anything(manager: Attacked) -> None:
    frames = st.builds(
        _frame, st.integers(0, 12), st.integers(0, 255), st.integers(0, 2**31 - 1), st.binary(max_size=60)
    )

    @SAMPLE
    @given(st.lists(frames, max_size=20))
    def attacked(sent: list[bytes]) -> None:
        manager.send_inside_tls(PREFACE + EMPTY_SETTINGS + b"".join(sent))

    attacked()
    manager.check()


@pytest.mark.parametrize("port", ["device", "operator"])
def test_handshakes_that_do_not_go_on_keep_nobody_out(manager: Attacked, port: str) -> None:
    held: list[socket.socket] = []
    try:
        for size in range(HALF_OPEN_COUNT):
            with suppress(OSError):
                held.append(manager.connected(port))
                held[-1].sendall(HELLO[: size * 10])
        manager.check()
    finally:
        for each in held:
            each.close()


def test_a_manager_that_was_attacked_stops_in_order(manager: Attacked) -> None:
    manager.check()
    manager.program.stop()
    with pytest.raises(StoryError):
        until("it runs again", manager.program.is_running, 0.5)
    assert "stopped" in manager.program.last_words()
