"""The cache of compiled DBC files: one file each, `core.signals.Database` as msgpack behind its SHA-256.

Numbers and names, never code; used only if the hash is right and nobody else may write it. Written whole or not at all.

Usage: `write_database(path, database)`, then `cached_database(path) == database`. Blocking: for a thread.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

import msgspec

from wayside_agent.core.signals import Database

_MAGIC = b"WSPLAN1\n"
_HASH_BYTES = 32
_MAX_PLANS = 32  # a unit has a handful of buses; older plans are of databases it no longer uses


def cached_database(path: Path) -> Database | None:
    """The database in a cache file, or `None` if it is missing, damaged or could be somebody else's."""
    try:
        with path.open("rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            content = file.read()
    except OSError:
        return None
    digest, body = content[len(_MAGIC) : len(_MAGIC) + _HASH_BYTES], content[len(_MAGIC) + _HASH_BYTES :]
    if not content.startswith(_MAGIC) or hashlib.sha256(body).digest() != digest:
        return None
    try:
        return msgspec.msgpack.decode(body, type=Database)
    except msgspec.MsgspecError:
        return None


def write_database(path: Path, database: Database) -> None:
    """Writes a cache file with mode 0600 and removes the oldest beyond the newest 32 of its folder.

    Raises: OSError.
    """
    body = msgspec.msgpack.encode(database)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".plan-", delete=False) as file:  # mode 0600
        try:
            file.write(_MAGIC + hashlib.sha256(body).digest() + body)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    _remove_oldest(path.parent)


def _is_ours(state: os.stat_result) -> bool:
    writable_by_others = state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(state.st_mode) and state.st_uid in {os.geteuid(), 0} and not writable_by_others


def _remove_oldest(folder: Path) -> None:
    with contextlib.suppress(OSError):  # somebody else removed one meanwhile
        plans = sorted(folder.glob("*.plan"), key=lambda plan: plan.stat().st_mtime_ns, reverse=True)
        for plan in plans[_MAX_PLANS:]:
            plan.unlink(missing_ok=True)
