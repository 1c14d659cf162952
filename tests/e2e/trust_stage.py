"""What tests of trust share: managers with settings of their own, what a unit shows, and a door that can be held."""

import contextlib
import hashlib
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until

FAST = "[config]\nreport_period_s = 1\n"
CHUNK_BYTES = 65_536
DAY_S = 86_400.0


@contextmanager
def centre_with(folder: Path, **settings: str | float) -> Iterator[Centre]:
    """A manager that serves with such settings, and a broker."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Centre(folder, folder)
    with (made.data / "manager.toml").open("a") as file:
        file.writelines(f"{name} = {value!r}\n" for name, value in settings.items())
    made.start()
    try:
        yield made
    finally:
        made.stop()


def certificate(unit: FieldUnit) -> x509.Certificate:
    """The certificate in the unit's files."""
    return x509.load_pem_x509_certificate((unit.folder / "state" / "identity" / "certificate.pem").read_bytes())


def credential_id(unit: FieldUnit) -> str:
    """As the manager names that certificate."""
    return certificate(unit).fingerprint(hashes.SHA256()).hex()[:24]


def authorities_sha256(unit: FieldUnit) -> str:
    """Whom the unit trusts."""
    return hashlib.sha256((unit.folder / "state" / "identity" / "authorities.pem").read_bytes()).hexdigest()


def until_over(end: datetime) -> None:
    """Waits until that time is over."""
    left_s = (end - datetime.now(UTC)).total_seconds()
    until(f"{end} is over", lambda: datetime.now(UTC) > end, max(left_s, 0.0) + 5.0)


def until_reports(unit: FieldUnit, timeout_s: float = 20.0) -> None:
    """Waits until the operator has a report that is newer than now."""
    before = unit.node().get("last_report_time", "")
    until(f"{unit.node_id} reports", lambda: unit.node().get("last_report_time", "") != before, timeout_s)


def until_connected(unit: FieldUnit, timeout_s: float = 20.0) -> None:
    """Waits until the agent says that the manager takes it."""
    until(f"{unit.node_id} connected", lambda: unit.status().get("is_manager_reached") is True, timeout_s)


def until_renewed(unit: FieldUnit, before: str, timeout_s: float) -> None:
    """Waits until the unit has another certificate than that one."""
    until(f"{unit.node_id} has another certificate", lambda: credential_id(unit) != before, timeout_s)


def until_refused(unit: FieldUnit, words: str, timeout_s: float = 20.0) -> None:
    """Waits until the agent says that the manager does not take it, and why."""
    until(f"{unit.node_id} hears: {words}", lambda: words in str(unit.status().get("manager_refusal", "")), timeout_s)


def copied(unit: FieldUnit, folder: Path) -> FieldUnit:
    """Another unit with all that is on the disk of the first."""
    twin = FieldUnit(unit.node_id, folder, unit.centre)
    shutil.copyfile(unit.settings, twin.settings)
    shutil.copytree(unit.folder / "state", folder / "state", ignore=shutil.ignore_patterns("*.sock"))
    return twin


def entries(centre: Centre, *filters: str) -> list[dict[str, Any]]:
    """Entries of the audit trail, newest first."""
    found: list[dict[str, Any]] = centre.wayside("audit", "list", *filters)["entries"]
    return found


class HeldDoor:
    """A door on loopback that passes bytes on. While it is holding, new connections wait until it lets go."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"localhost:{self._listener.getsockname()[1]}"
        self.is_holding = False
        self.held = threading.Event()
        self._free = threading.Event()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True, name="held-door").start()

    def cut(self) -> None:
        """Ends what goes through it, and holds what comes."""
        self.is_holding = True
        for each in tuple(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Holds nothing any more."""
        self.is_holding = False
        self._free.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self.is_holding:
            self.held.set()
            self._free.wait()
        try:
            manager = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        self._open.append(manager)
        threading.Thread(target=_pump, args=(client, manager), daemon=True).start()
        _pump(manager, client)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(CHUNK_BYTES):
            target.sendall(content)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


MakeUnit = Callable[..., FieldUnit]
