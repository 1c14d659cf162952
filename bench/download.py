"""How fast the agent fetches 130 MB over gRPC and over HTTPS, against curl and sha256sum in the same run.

A manager process serves a published release, nginx the same file; each fetch is a process of its own that syncs and
hashes what it wrote, as the agent does. CPU is that of the fetching side alone. All share the machine, so the wall time
of a fetch is also that of who serves it.
"""

import asyncio
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench._harness import Report
from bench._sessions import BIN, TICK_MS, Manager, after, channel, enrolled, greet, say, serving
from wayside.release_manifest import FORMAT, Component, Manifest
from wayside.release_packing import write_release
from wayside.v1 import node_pb2, node_service_pb2, node_service_pb2_grpc
from wayside_demo.ceremony import People
from wayside_manager.settings import DataFolder

SIZE_BYTES = 130_000_000
RUN_COUNT = 5
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin")


def main() -> None:
    """Runs the benchmark."""
    if NGINX is None or shutil.which("curl") is None:
        sys.exit("nginx or curl is not installed; run: sh packaging/system_packages.sh nginx-light:nginx curl")
    with tempfile.TemporaryDirectory() as name, serving() as manager:
        folder = Path(name)
        spec = _ordered(manager, _published(manager, folder))
        artifact = manager.folder / "artifacts" / spec["sha256"]
        with _nginx(folder / "nginx", manager.folder, artifact.parent) as (url, nginx_cpu_ms):
            servers = {"gRPC": manager.cpu_ms, "HTTPS": nginx_cpu_ms}
            _measure(spec | {"url": f"{url}/{spec['sha256']}"}, artifact, folder, servers).print()


def _measure(spec: dict[str, Any], artifact: Path, folder: Path, servers: Mapping[str, Callable[[], float]]) -> Report:
    figures = Report("download")
    megabytes = spec["size_bytes"] / 1e6
    figures.add("artifact, MB", megabytes, digits=1)
    peers: list[tuple[float, float, float]] = []
    ours: dict[str, list[dict[str, float]]] = {"gRPC": [], "HTTPS": []}
    for _ in range(RUN_COUNT):  # in turns, so that a busy moment meets all
        peers.append(_curl_and_hash(spec, folder))
        for name, addresses in (("gRPC", []), ("HTTPS", [spec["url"]])):
            begin_ms = servers[name]()
            fetched = _fetch(spec, addresses, folder)
            ours[name].append(fetched | {"serving_s": (servers[name]() - begin_ms) / 1000})
    peer_s, curl_cpu_s, peer_cpu_s = (median(values) for values in zip(*peers, strict=True))
    figures.add("curl and sha256sum, MB/s", megabytes / peer_s, digits=0)
    figures.add("curl and sha256sum, CPU s", peer_cpu_s)
    figures.add("curl alone, CPU s", curl_cpu_s)
    dropped_s = median(_fetch(spec, [], folder, is_dropped=True)["cpu_s"] for _ in range(RUN_COUNT))
    figures.add("gRPC received and dropped, MB per CPU s", megabytes / dropped_s, digits=0)
    hash_s = median(_hashed(artifact) for _ in range(RUN_COUNT))
    figures.add("hashing alone as the agent does, CPU s", hash_s)
    for name, runs in ours.items():
        wall_s, cpu_s = (median(run[key] for run in runs) for key in ("s", "cpu_s"))
        figures.add(f"{name}, MB/s", megabytes / wall_s, digits=0)
        figures.add(f"{name}, CPU s", cpu_s)
        figures.add(f"{name}, MB per CPU s", megabytes / cpu_s, digits=0)
        figures.add(f"{name}, MB per CPU s without hashing", megabytes / (cpu_s - hash_s), digits=0)
        serving_s = sum(run["serving_s"] for run in runs)
        served = "manager" if name == "gRPC" else "nginx"
        figures.add(f"{name}, MB the {served} serves per CPU s", megabytes * len(runs) / serving_s, digits=0)
        figures.add(f"{name}, RSS before, MiB", median(run["before_mib"] for run in runs), digits=1)
        figures.add(f"{name}, RSS grows by, MiB", max(run["grown_mib"] for run in runs), digits=1)
        figures.add_ratio(f"{name}: time / curl and sha256sum", wall_s / peer_s)
        figures.add_ratio(f"{name}: CPU / curl and sha256sum", cpu_s / peer_cpu_s)
        figures.add_ratio(f"{name}: CPU / curl and the agent's hash", cpu_s / (curl_cpu_s + hash_s))
    return figures


def _published(manager: Manager, folder: Path) -> Path:
    """The artifact, signed and published."""
    noise = folder / "noise"
    with noise.open("wb") as file:
        file.write(os.urandom(SIZE_BYTES))
    artifact = folder / "release.tar.gz"
    component = Component(name="image", version="1", driver="file")
    draft = Manifest(format=FORMAT, version="1.0.0", counter=1, tree_sha256="0" * 64, components=(component,))
    with artifact.open("wb") as out:
        write_release(out, draft, {"payload/image": noise})
    noise.unlink()
    people = People(folder / "people", DataFolder(manager.folder))
    people.sign(artifact)
    context = str(manager.folder / "operator" / "context.toml")
    environment = os.environ | {"WAYSIDE_CONTEXT": context, "WAYSIDE_TRUST": str(people.trust)}
    for command in (("releases", "trust", "update", str(people.trust)), ("releases", "publish", str(artifact))):
        subprocess.run([str(BIN / "wayside"), *command], env=environment, check=True, capture_output=True)
    return artifact


def _ordered(manager: Manager, artifact: Path) -> dict[str, Any]:
    """A unit that should run the release: what its fetch needs."""
    context = str(manager.folder / "operator" / "context.toml")
    command = [str(BIN / "wayside"), "rollouts", "create", "releases/1.0.0", "--all"]
    roll_out = partial(
        subprocess.run, command, env=os.environ | {"WAYSIDE_CONTEXT": context}, check=True, capture_output=True
    )
    key, certificate = asyncio.run(_told(manager, roll_out))
    with artifact.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "address": manager.device_address,
        "authorities": manager.ca_pem.decode(),
        "ca_file": str(manager.folder / "operator" / "ca.pem"),
        "certificate": certificate.decode(),
        "key": key.decode(),
        "release": "releases/1.0.0",
        "sha256": digest,
        "size_bytes": artifact.stat().st_size,
    }


async def _told(manager: Manager, roll_out: Callable[[], object]) -> tuple[bytes, bytes]:
    """Key and certificate of a unit that was told to run the release."""
    async with channel(manager.operator_address, manager.ca_pem) as operator:
        [(key, certificate)] = await enrolled(manager, operator, count=1)
    async with asyncio.timeout(60), channel(manager.device_address, manager.ca_pem, key, certificate) as own:
        session = node_service_pb2_grpc.NodeServiceStub(own).Session(None)
        await greet(session)
        await say(session, node_service_pb2.Report(sequence=1, health=node_pb2.HealthReport(agent_version="1.0.0")))
        await after(session, "ack")
        await asyncio.to_thread(roll_out)
        while not (await after(session, "desired_state")).desired_state.HasField("release"):
            pass
        session.cancel()
    return key, certificate


@contextmanager
def _nginx(folder: Path, data: Path, artifacts: Path) -> Iterator[tuple[str, Callable[[], float]]]:
    """The URL of a static server with the manager's own certificate, and the CPU it has used [ms]."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; user root; worker_processes 1;\nevents {{}}\n"
        f"http {{ access_log off; sendfile on; {temporary} server {{ listen 127.0.0.1:{port} ssl; root {artifacts};\n"
        f"ssl_certificate {data}/server.pem; ssl_certificate_key {data}/server.key; }} }}\n"
    )
    with subprocess.Popen(
        [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"], stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                continue
        try:
            yield f"https://localhost:{port}", partial(_family_cpu_ms, process.pid)
        finally:
            process.terminate()


def _family_cpu_ms(pid: int) -> float:
    """CPU of a process and its children [ms]."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    stats = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in (pid, *children)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) * TICK_MS


def _curl_and_hash(spec: dict[str, Any], folder: Path) -> tuple[float, float, float]:
    """Wall time of both, one after the other; CPU of curl, and of both [s]."""
    into = folder / "curl"
    begin_s = time.perf_counter()
    curl_cpu_s = _cpu_s(["curl", "-sf", "--cacert", spec["ca_file"], "-o", str(into), spec["url"]])
    cpu_s = curl_cpu_s + _cpu_s(["sha256sum", str(into)])
    wall_s = time.perf_counter() - begin_s
    into.unlink()
    return wall_s, curl_cpu_s, cpu_s


def _cpu_s(command: list[str]) -> float:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def _hashed(artifact: Path) -> float:
    begin_s = time.process_time()
    with artifact.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return time.process_time() - begin_s


def _fetch(spec: dict[str, Any], addresses: list[str], folder: Path, *, is_dropped: bool = False) -> dict[str, float]:
    into = folder / "downloads"
    request = folder / "spec.json"
    request.write_text(json.dumps(spec | {"addresses": addresses, "folder": str(into), "is_dropped": is_dropped}))
    command = [sys.executable, str(Path(__file__).with_name("_download_fetch.py")), str(request)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    shutil.rmtree(into)
    found: dict[str, float] = json.loads(answer)
    return found
