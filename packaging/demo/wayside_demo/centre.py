"""The operations centre of the demo: one manager, one broker, and the operator's command line and watch."""

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wayside_demo.broker import broker
from wayside_demo.ceremony import People
from wayside_demo.recordings import ROOT
from wayside_demo.stage import BIN, Program, StoryError, free_port, run, until
from wayside_demo.witness import OperatorWatch
from wayside_manager.cli.certificate import make_certificate
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder, Settings

LISTEN_TIMEOUT_S = 30.0
BUILD_TIMEOUT_S = 180.0


class Centre:
    """A manager with its data directory, and a broker whose certificate the manager's authority signed."""

    def __init__(self, work_dir: Path, log_dir: Path) -> None:
        self.data = work_dir / "manager"
        self.context = self.data / "operator" / "context.toml"
        device_port, operator_port, self.broker_port = free_port(), free_port(), free_port()
        self.addresses = (f"localhost:{device_port}", f"localhost:{operator_port}")
        settings = Settings(device_port=device_port, operator_port=operator_port)
        asyncio.run(initialise(DataFolder(self.data), settings))  # as `wayside-manager init` does
        self.people = People(work_dir / "people", DataFolder(self.data))
        certificates = work_dir / "broker"
        make_certificate(certificates, DataFolder(self.data), ["localhost", "127.0.0.1"])  # likewise
        serve = [str(BIN / "wayside-manager"), "serve", "--data", str(self.data)]
        self.manager = Program("manager", serve, log_dir)
        self.broker = broker(self.broker_port, certificates=certificates, work_dir=work_dir, log_dir=log_dir)
        self.environment: Mapping[str, str] = os.environ | {
            "WAYSIDE_CONTEXT": str(self.context),
            "WAYSIDE_TRUST": str(self.people.trust),
        }
        self.watch = OperatorWatch([str(BIN / "wayside"), "nodes", "watch", "--output", "json"], self.environment)

    def start(self) -> None:
        """Starts both and waits until they listen."""
        self.broker.start()
        self.start_manager()
        self.printed("releases", "trust", "update", str(self.people.trust))  # before units come, who pin the roots

    def start_manager(self) -> None:
        """Starts the manager, waits until it listens, and watches its nodes."""
        self.manager.start()
        until("the manager and the broker listen", self._listens, LISTEN_TIMEOUT_S)
        self.watch.start()

    def stop(self) -> None:
        """Ends both."""
        self.watch.stop()
        self.manager.stop()
        self.broker.stop()

    def wayside(self, *arguments: str) -> dict[str, Any]:
        """Runs the operators' command line and returns its JSON."""
        document: dict[str, Any] = json.loads(self.printed(*arguments, "--output", "json"))
        return document

    def printed(self, *arguments: str) -> str:
        """Runs the operators' command line and returns what it shows people."""
        return run([str(BIN / "wayside"), *arguments], environment=self.environment)

    def _listens(self) -> bool:
        for program in (self.manager, self.broker):
            if not program.is_running():
                raise StoryError(f"{program.name} ended: {program.last_words()}")
        return all(_answers(address) for address in (*self.addresses, f"localhost:{self.broker_port}"))


class ReleaseBuilder:
    """Builds release images from this checkout while the story begins."""

    def __init__(self, work_dir: Path, overlays: Mapping[str, Path | None]) -> None:
        self._work_dir = work_dir
        self._overlays = dict(overlays)
        self._error: StoryError | None = None
        self._done: dict[str, Path] = {}
        self._thread = threading.Thread(target=self._build, daemon=True, name="release-builder")

    def start(self) -> None:
        """Begins to build: version by version, with the overlay each names, or none."""
        self._thread.start()

    def artifact(self, version: str) -> Path:
        """The image of a version, as soon as it is there.

        Raises: StoryError: it could not be built.
        """
        until(f"release {version} is built", lambda: version in self._done or self._error is not None, BUILD_TIMEOUT_S)
        if self._error:
            raise self._error
        return self._done[version]

    def _build(self) -> None:
        recipe = ROOT / "firmware_images" / "build.py"
        try:
            for version, overlay in self._overlays.items():
                target = self._work_dir / f"agent-{version}.tar.gz"
                command = [sys.executable, str(recipe), "--version", version, "--output", str(target)]
                command += ["--overlay", str(overlay)] if overlay else []
                run(command, timeout_s=BUILD_TIMEOUT_S)
                self._done[version] = target
        except StoryError as error:
            self._error = error


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False
