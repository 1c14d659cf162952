"""Packs what explains a unit into one `debug.tar.gz`: state, settings, configuration, logs, kernel, versions, network.

Never a private key or a secret: fields are removed by their names, texts are scrubbed of keys and of every value in the
secrets folder, and no file of the identity is read but to know what must not leave.

**Tested with:** Debian 12; secrets planted in every source (`tests/contract/test_job_bundle.py`).
**Source:** proc(5), journalctl(1), dmesg(1).
"""

import asyncio
import contextlib
import io
import json
import os
import platform
import shutil
import sys
import tarfile
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from wayside.errors import ResourceExhaustedError, WaysideError
from wayside_agent.core.job_work import DebugBundle
from wayside_agent.core.redaction import redacted, scrubbed
from wayside_agent.drivers.files import disk_errors
from wayside_agent.drivers.job_process import ran
from wayside_agent.ports.jobs import Assignment, Yield

FILE = "debug.tar.gz"
MAX_LOG_BYTES = 8 * 1024 * 1024
_FILE_BYTES = 256 * 1024
_SECRET_BYTES = 64 * 1024
_LOG_TIMEOUT_S = 60.0
_MAX_LOG_LINES = 50_000
_PROC = (
    "net/dev", "net/snmp", "net/netstat", "net/sockstat", "net/route", "net/ipv6_route", "net/if_inet6",
    "net/can/stats", "loadavg", "meminfo", "uptime", "stat", "version", "cpuinfo", "mounts", "diskstats",
    "self/status", "self/limits",
)  # fmt: skip
_PACKAGES = ("wayside-agent", "wayside-proto", "grpcio", "protobuf", "msgspec", "aiomqtt", "python-can", "cryptography")


class DebugBundleWorker:
    """Packs what explains the unit."""

    def __init__(
        self,
        documents: Mapping[str, Callable[[], object]],
        *,
        state_dir: Path,
        secrets_dir: Path,
        proc_dir: Path = Path("/proc"),
        log_command: tuple[str, ...] = (
            "journalctl",
            "--unit=wayside-agent",
            "--no-pager",
            "--output=short-iso-precise",
        ),
        kernel_command: tuple[str, ...] = ("dmesg", "--time-format=iso"),
    ) -> None:
        """Stores values.

        Args:
            documents: What the agent knows, ready for JSON, by the name of its file.
            state_dir: Of which sizes are told.
            secrets_dir: Whose values must not leave.
            proc_dir: The kernel's process files.
            log_command: Prints log lines; gets `--since` and `--lines`.
            kernel_command: Prints kernel messages.
        """
        self._documents = documents
        self._state_dir = state_dir
        self._secrets_dir = secrets_dir
        self._proc_dir = proc_dir
        self._log_command = log_command
        self._kernel_command = kernel_command

    async def work(self, assignment: Assignment[DebugBundle]) -> Yield:
        """See `ports.jobs.Worker`."""
        texts = {name: json.dumps(redacted(made()), indent=2, default=str) for name, made in self._documents.items()}
        assignment.progress(10, "state is packed")
        age_s = round(assignment.work.log_age_s)
        since = ("--since", f"-{age_s}s", "--lines", str(_MAX_LOG_LINES))
        texts["log.txt"] = await _said((*self._log_command, *since))
        texts["kernel.txt"] = await _said(self._kernel_command)
        assignment.progress(60, "logs are packed")
        texts |= await asyncio.to_thread(self._read)
        secrets = await asyncio.to_thread(_values, self._secrets_dir)
        path = assignment.folder / FILE
        size_bytes = await asyncio.to_thread(_pack, path, texts, secrets, assignment.max_bytes)
        return Yield(
            f"{len(texts)} files, {size_bytes} bytes", {"files": sorted(texts), "size_bytes": size_bytes}, (FILE,)
        )

    def _read(self) -> dict[str, str]:
        """What stands in files. Blocks."""
        texts = {f"proc/{name.replace('/', '_')}": _text(self._proc_dir / name) for name in _PROC}
        texts["versions.json"] = json.dumps(_versions(), indent=2)
        texts["os-release"] = _text(Path("/etc/os-release"))
        texts["disk.json"] = json.dumps(_disk(self._state_dir), indent=2)
        return texts


async def _said(command: tuple[str, ...]) -> str:
    """What a program says, or why it says nothing."""
    try:
        async with asyncio.timeout(_LOG_TIMEOUT_S):
            ended = await ran(command, max_bytes=MAX_LOG_BYTES)
    except TimeoutError:
        return f"({command[0]} said nothing within {_LOG_TIMEOUT_S:g} s)\n"
    except WaysideError as error:
        return f"({error})\n"
    note = f"({command[0]} ended with status {ended.status})\n" if ended.status else ""
    return f"{note}{ended.text}{'(cut)' if ended.is_cut else ''}"


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_BYTES).decode(errors="replace")
    except OSError as error:
        return f"({error.strerror})\n"


def _values(folder: Path) -> frozenset[str]:
    """Every value in the secrets folder, whole and line by line."""
    values: set[str] = set()
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_file():
            text = _text(path).strip()[:_SECRET_BYTES]
            values |= {text, *(line.strip() for line in text.splitlines())}
    return frozenset(values)


def _versions() -> dict[str, object]:
    return {
        "python": sys.version,
        "kernel": platform.release(),
        "machine": platform.machine(),
        "packages": dict(_package_versions(_PACKAGES)),
    }


def _package_versions(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed"


def _disk(state_dir: Path) -> dict[str, object]:
    with disk_errors(state_dir):
        usage = shutil.disk_usage(state_dir)
        files = sorted(path for path in state_dir.rglob("*") if path.is_file() and not path.is_symlink())
        sizes = dict(_sizes(state_dir, files[:1000]))
    return {
        "total_bytes": usage.total,
        "free_bytes": usage.free,
        "files": sizes,
        "inodes_free": os.statvfs(state_dir).f_favail,
    }


def _sizes(folder: Path, files: Iterable[Path]) -> Iterable[tuple[str, int]]:
    for path in files:
        with contextlib.suppress(FileNotFoundError):  # it went since its folder was read
            yield str(path.relative_to(folder)), path.lstat().st_size


def _pack(path: Path, texts: Mapping[str, str], secrets: Iterable[str], max_bytes: int) -> int:
    """Writes the archive; its size [byte]. Blocks."""
    made_s = int(time.time())
    with disk_errors(path), tarfile.open(path, "w:gz", compresslevel=6) as archive:
        for name, text in sorted(texts.items()):
            content = scrubbed(text, secrets).encode(errors="replace")
            entry = tarfile.TarInfo(f"debug/{name}")
            entry.size, entry.mtime, entry.mode = len(content), made_s, 0o640
            archive.addfile(entry, io.BytesIO(content))
            _check_size(path, max_bytes)  # what is written so far: a large one ends early
    return _check_size(path, max_bytes)


def _check_size(path: Path, max_bytes: int) -> int:
    size_bytes = path.stat().st_size
    if size_bytes > max_bytes:
        raise ResourceExhaustedError(
            f"the bundle has more than the {max_bytes} bytes this job may bring; allow more, or ask for less log"
        )
    return size_bytes
