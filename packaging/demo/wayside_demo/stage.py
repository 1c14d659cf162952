"""The processes of the demo: each is the real program, on loopback, writing its log into the demo's folder."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

BIN = Path(sys.executable).parent
RESTART_S = 0.5  # as RestartSec of the systemd unit
POLL_S = 0.2
PATIENCE = 3  # who shares the machine with a whole test run is slower, and no less right
LISTENING_PORTS = range(20_000, 32_768)  # Linux gives connections that go out one above


class StoryError(Exception):
    """Something that had to happen did not; one sentence."""


def free_port() -> int:
    """A TCP port nobody uses now. No connection of others takes it while a program is about to listen, or is away."""
    while True:
        port = secrets.choice(LISTENING_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def until(what: str, happened: Callable[[], bool], timeout_s: float) -> None:
    """Waits until something happened. A question that takes its time is asked a third of the time at most.

    Args:
        what: What is to happen, as a sentence.
        happened: Whether it has.
        timeout_s: What it may take on a machine of its own; a busy one is given `PATIENCE` times as long.

    Raises: StoryError: it did not in time.
    """
    deadline = time.monotonic() + timeout_s * PATIENCE
    asked_s = time.monotonic()
    while not happened():
        answered_s = time.monotonic()
        if answered_s > deadline:
            raise StoryError(f"{what}: did not happen within {timeout_s * PATIENCE:g} s")
        time.sleep(max(POLL_S, 2 * (answered_s - asked_s)))
        asked_s = time.monotonic()


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 60.0,
    expect: int = 0,
) -> str:
    """Runs a command to its end and returns what it printed.

    Raises: StoryError: its exit status is another than expected; with its own words.
    """
    finished = subprocess.run(
        command,
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if finished.returncode != expect:
        raise StoryError(f"{' '.join(command[:4])} …: exit {finished.returncode}: {finished.stderr.strip()[-600:]}")
    return finished.stdout


class Program:
    """A long-running program, started again when it exits by itself, as systemd would."""

    def __init__(self, name: str, command: Sequence[str], log_dir: Path, *, restart: bool = False) -> None:
        self.name = name
        self._command = list(command)
        self._log = log_dir / f"{name}.log"
        self._restart = restart
        self._wanted = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        """Starts it."""
        self._wanted.set()
        self._spawn()
        self._keeper = threading.Thread(target=self._keep, name=self.name, daemon=True)
        self._keeper.start()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it for good, until `start`."""
        self._wanted.clear()
        self.kill(how)
        if self._keeper:
            self._keeper.join(20)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal; a program that restarts comes back."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(how)

    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id; 0: it was never started."""
        return self._process.pid if self._process else 0

    def words(self) -> str:
        """Its log so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def last_words(self) -> str:
        """The end of its log."""
        return self.words()[-800:]

    def _spawn(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _keep(self) -> None:
        while self._process is not None:
            try:
                self._process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                if not self._wanted.is_set():
                    self._give_up_waiting()
                continue
            if not (self._wanted.is_set() and self._restart):
                return
            time.sleep(RESTART_S)
            if not self._wanted.is_set():
                return
            self._spawn()

    def _give_up_waiting(self) -> None:
        """A program that does not follow SIGTERM within ten seconds is killed."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
