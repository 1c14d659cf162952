"""Two witnesses that are not Wayside's agent: a foreign MQTT client at the broker, and the operator's own watch."""

import json
import ssl
import subprocess
import threading
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from google.protobuf.message import DecodeError
from paho.mqtt.enums import CallbackAPIVersion

from wayside.v1.telemetry_pb2 import TelemetryBatch


class TelemetryWitness:
    """Counts telemetry batches at the broker with a client of another project (paho)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches: dict[tuple[str, str], set[int]] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-witness")
        self.values: dict[str, dict[str, float]] = {}
        self.malformed_count = 0

    def start(self, port: int, *, ca_file: Path, certificate_file: Path, key_file: Path) -> None:
        """Connects to the broker on loopback and begins to count."""
        client = self._client
        context = ssl.create_default_context(cafile=ca_file)
        context.load_cert_chain(certificate_file, key_file)
        client.tls_set_context(context)
        client.on_connect = lambda c, *_: c.subscribe("wayside/v1/+/telemetry", qos=1)
        client.on_message = self._on_message
        client.connect("localhost", port)
        client.loop_start()

    def close(self) -> None:
        """Ends the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def batch_count(self) -> int:
        """Different batches seen; a repeated one counts once."""
        with self._lock:
            return sum(len(sequences) for sequences in self._batches.values())

    @property
    def missing_count(self) -> int:
        """Batches with a number between two that were seen, and that never came."""
        with self._lock:
            return sum(max(seen) - min(seen) + 1 - len(seen) for seen in self._batches.values())

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            batch = TelemetryBatch.FromString(zlib.decompress(message.payload))
        except (zlib.error, DecodeError):
            self.malformed_count += 1
            return
        with self._lock:
            self._batches.setdefault((batch.node, batch.spool_id), set()).add(batch.sequence)
            values = self.values.setdefault(batch.node.removeprefix("nodes/"), {})
            values.update({column.name: column.values[-1] for column in batch.columns if column.values})


class OperatorWatch:
    """The operator's `wayside nodes watch --output json`, always the newest word of each node."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._nodes: dict[str, dict[str, Any]] = {}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Begins to watch."""
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._follow, args=(self._process,), daemon=True, name="operator-watch")
        self._reader.start()

    def stop(self) -> None:
        """Ends the watch; what was seen stays."""
        if self._process and self._reader:
            self._process.terminate()
            self._reader.join(10)
            with self._process:  # closes the pipe and waits
                pass

    def node(self, node_id: str) -> dict[str, Any]:
        """The newest word of a node; empty before the first."""
        return self._nodes.get(node_id, {})

    def _follow(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            node = json.loads(line)
            self._nodes[node["name"].removeprefix("nodes/")] = node
