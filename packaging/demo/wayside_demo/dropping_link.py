"""The line between one unit and the manager, which can be cut: what a vehicle sees that drives into a tunnel."""

import contextlib
import socket
import threading
import time
from collections.abc import Sequence

CHUNK_BYTES = 65_536


class DroppingLink:
    """Passes bytes on between whoever connects and an address on loopback; cuts every connection when it is told to.

    Usage: `link.slow_down(700_000, cuts_bytes=(1_600_000,))`; `link.cut_count`; `link.speed_up()`.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._bytes_per_s = 0
        self._cuts_bytes: list[int] = []
        self.cut_count = 0
        """Times the line was cut."""
        self.down_bytes = 0
        """Bytes that came down to the unit."""
        self.address = f"localhost:{self._listener.getsockname()[1]}"
        """What the unit takes for the manager."""
        threading.Thread(target=self._accept, daemon=True, name="dropping-link").start()

    def slow_down(self, bytes_per_s: int, *, cuts_bytes: Sequence[int]) -> None:
        """Lets so much come down to the unit, and cuts the line each time so many bytes more have come."""
        with self._lock:
            self._bytes_per_s, self._cuts_bytes = bytes_per_s, list(cuts_bytes)

    def speed_up(self) -> None:
        """No bound, no cuts."""
        self.slow_down(0, cuts_bytes=())

    def close(self) -> None:
        """Lets nobody through any more."""
        self._listener.close()
        self._cut()

    def _cut(self) -> None:
        with self._lock:
            cut, self._open = self._open, set()
        for each in cut:
            _shut(each)

    def _came_down(self, size_bytes: int) -> None:
        with self._lock:
            self.down_bytes += size_bytes
            rate, is_due = self._bytes_per_s, False
            if self._cuts_bytes:
                self._cuts_bytes[0] -= size_bytes
                is_due = self._cuts_bytes[0] <= 0
                if is_due:
                    self._cuts_bytes.pop(0)
                    self.cut_count += 1
        if is_due:
            self._cut()
        if rate:
            time.sleep(size_bytes / rate)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                far = socket.create_connection(self._target, timeout=5)
            except OSError:  # the manager is away: as if it were called itself
                _shut(near)
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            for source, sink, is_down in ((near, far, False), (far, near, True)):
                arguments = (source, sink, is_down)
                threading.Thread(target=self._pass_on, args=arguments, daemon=True, name="link").start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, is_down: bool) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(CHUNK_BYTES):
                sink.sendall(content)
                if is_down:
                    self._came_down(len(content))
        for each in (source, sink):
            _shut(each)
        with self._lock:
            self._open -= {source, sink}


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
