"""Offers failed logins as fast as it is told, by prebuilt HTTP/2 frames over TLS, and says what became of each.

An attempt is a call written into a TLS connection or, where the server lets no connection come about, a connection that
was to carry one: a gRPC client could not offer that many. It reconnects at once.
Usage: `python -m bench._flooder --port 7444 --from 127.0.0.2 --rate 10000 --seconds 10`; JSON on stdout.
"""

import argparse
import json
import selectors
import socket
import ssl
import struct
import time
from dataclasses import asdict, dataclass

from bench._http2 import END_STREAM, HEAD_BYTES, HEADERS, PREFACE, calls
from wayside.v1 import access_service_pb2

TARGET = "127.0.0.1"
CALLS_PER_CONNECTION = 100  # what the server's settings allow at once
CONNECTIONS_MAX = 64
WAITING_MAX = 2_000
TICK_S = 0.005
HEARING_S = 0.05
PATIENCE_S = 5.0
_RESET = struct.pack("ii", 1, 0)


@dataclass
class Count:
    """What was offered, and what became of it."""

    written: int = 0
    answered: int = 0
    refused: int = 0
    """Connections reset before a handshake; each was to carry one login."""
    unheard: int = 0
    """Connections that got no answer in `HEARING_S`; each was to carry one login."""
    unfinished: int = 0
    """Connections that came to nothing otherwise."""
    handshakes: int = 0
    cut: int = 0
    """Connections that the server ended after their handshake."""
    cpu_s: float = 0.0
    elapsed_s: float = 0.0

    def offered(self) -> int:
        """All attempts."""
        return self.written + self.refused + self.unheard + self.unfinished


class Connection:
    """One TLS connection that writes its calls at once and reads until it is cut or has all answers."""

    def __init__(self, tls: ssl.SSLContext, raw: socket.socket, payload: bytes, count: Count) -> None:
        self.socket = tls.wrap_socket(raw, server_hostname="localhost", do_handshake_on_connect=False)
        self._payload = memoryview(payload)
        self._sent_bytes = 0
        self._count = count
        self._is_open = False
        self._answered = 0
        self._read = bytearray()

    def step(self) -> bool:
        """Does what it can; whether it goes on."""
        try:
            if not self._is_open:
                self.socket.do_handshake()
                self._is_open = True
                self._count.handshakes += 1
            self._write()
            return self._hear()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            if self._is_open:
                self._count.cut += 1
            else:
                self._count.refused += 1
            return False

    def _write(self) -> None:
        while self._sent_bytes < len(self._payload):
            sent = self.socket.send(self._payload[self._sent_bytes : self._sent_bytes + 16_384])
            before = self._written()
            self._sent_bytes += sent
            self._count.written += self._written() - before

    def _written(self) -> int:
        return self._sent_bytes * CALLS_PER_CONNECTION // len(self._payload)

    def _hear(self) -> bool:
        while True:
            heard = self.socket.recv(65_536)
            if not heard:
                self._count.cut += 1
                return False
            self._read += heard
            self._take_answers()
            if self._answered >= CALLS_PER_CONNECTION:
                return False

    def _take_answers(self) -> None:
        while len(self._read) >= HEAD_BYTES:
            size = HEAD_BYTES + int.from_bytes(self._read[:3])
            if len(self._read) < size:
                return
            if self._read[3] == HEADERS and self._read[4] & END_STREAM:
                self._answered += 1
                self._count.answered += 1
            del self._read[:size]


class Flooder:
    """Keeps up a rate of attempts."""

    def __init__(self, port: int, source: str, payload: bytes) -> None:
        self._target = (TARGET, port)
        self._source = source
        self._payload = payload
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        self._tls.set_alpn_protocols(["h2"])
        self._selector = selectors.DefaultSelector()
        self._open: dict[Connection, float] = {}
        self._waiting: dict[socket.socket, float] = {}
        self.count = Count()

    def run(self, rate: float, seconds: float) -> Count:
        """Offers `rate` attempts per second for so long."""
        begin_s, cpu_s = time.monotonic(), time.process_time()
        while (now_s := time.monotonic()) < begin_s + seconds:
            due = rate * (now_s - begin_s) - self.count.offered() - len(self._waiting)
            for _ in range(min(int(due), WAITING_MAX - len(self._waiting))):
                self._connect(now_s)
            self._hear_of_waiting(now_s)
            for key, _ in self._selector.select(TICK_S):
                self._step(key.data)
            self._give_up(now_s)
        self.count.elapsed_s = time.monotonic() - begin_s
        self.count.cpu_s = time.process_time() - cpu_s
        return self.count

    def _connect(self, now_s: float) -> None:
        raw = socket.socket()
        raw.setblocking(False)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        raw.bind((self._source, 0))
        raw.connect_ex(self._target)
        self._waiting[raw] = now_s

    def _hear_of_waiting(self, now_s: float) -> None:
        """A reset comes soon; whoever is not reset is inside and begins a handshake."""
        for raw, since_s in tuple(self._waiting.items()):
            if now_s - since_s < TICK_S:
                continue
            del self._waiting[raw]
            if raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.count.refused += 1
                raw.close()
            elif not _is_connected(raw):
                if now_s - since_s < HEARING_S:
                    self._waiting[raw] = since_s  # it is looked at again, after the others
                else:
                    self.count.unheard += 1
                    raw.close()
            elif len(self._open) < CONNECTIONS_MAX:
                self._enter(raw, now_s)
            else:
                self.count.unfinished += 1
                raw.close()

    def _enter(self, raw: socket.socket, now_s: float) -> None:
        try:
            connection = Connection(self._tls, raw, self._payload, self.count)
        except OSError:
            self.count.refused += 1
            raw.close()
            return
        self._open[connection] = now_s
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._step(connection)

    def _step(self, connection: Connection) -> None:
        if not connection.step():
            self._drop(connection)

    def _give_up(self, now_s: float) -> None:
        for connection in [one for one, since_s in self._open.items() if now_s - since_s > PATIENCE_S]:
            self.count.unfinished += 1
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _is_connected(raw: socket.socket) -> bool:
    try:
        raw.getpeername()
    except OSError:
        return False
    return True


def _logins(what: str) -> bytes:
    """Calls that fail: with a token that is none, or with a wrong password."""
    if what == "token":
        return calls("/wayside.v1.FleetService/ListNodes", "wso_" + "x" * 43, b"", CALLS_PER_CONNECTION)
    guess = access_service_pb2.SignInRequest(operator="admin", password="a wrong password")  # noqa: S106  # as it says
    return calls("/wayside.v1.AccessService/SignIn", "", guess.SerializeToString(), CALLS_PER_CONNECTION)


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--what", choices=["token", "password"], default="token")
    options = parser.parse_args()
    flooder = Flooder(options.port, options.source, PREFACE + _logins(options.what))
    print("ready", flush=True)
    print(json.dumps(asdict(flooder.run(options.rate, options.seconds))))


if __name__ == "__main__":
    main()
