"""Compiles DBC files into a cached description, in a short-lived process: the daemon never loads cantools.

Tested with: cantools 45.1 on canmod-gps, the CSS J1939 demo, cantools' vehicle and j1939, opendbc's ESR and MG.
Source: Vector DBC file format as cantools reads it.

Usage: `database = await compiled_plan((Path("vehicle.dbc"),), cache_dir=Path("/var/lib/wayside/plans"))`,
or by hand `python -m wayside_agent.drivers.dbc_compiler --output vehicle.plan vehicle.dbc`.
"""

import argparse
import asyncio
import contextlib
import hashlib
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_agent.core.signals import Database, Message, Signal
from wayside_agent.drivers.plan_cache import cached_database, write_database

if TYPE_CHECKING:
    from cantools.database.can.message import Message as CantoolsMessage
    from cantools.database.can.signal import Signal as CantoolsSignal

COMPILER_VERSION = 1  # counts up whenever a description of the same DBC would differ
COMPILE_TIMEOUT_S = 60.0  # the largest DBC known to us, 1.5 MB, takes 4 s on a desktop core
_MAX_DBC_BYTES = 32 * 1024 * 1024


async def compiled_plan(
    dbc_paths: Sequence[Path], *, cache_dir: Path, timeout_s: float = COMPILE_TIMEOUT_S
) -> Database:
    """The messages of one or more DBC files, from the cache or freshly compiled.

    Raises:
        NotFoundError: a file is not there.
        InvalidArgumentError: a file is no DBC; with file, line where known, and cause.
    """
    contents = [await asyncio.to_thread(_content, path) for path in dbc_paths]
    cache_path = cache_dir / f"{_cache_key(contents)}.plan"
    database = await asyncio.to_thread(cached_database, cache_path)
    if database is not None:
        return database
    await _compile(dbc_paths, cache_path, timeout_s)
    database = await asyncio.to_thread(cached_database, cache_path)
    if database is None:
        raise InvalidArgumentError(
            f"{_names(dbc_paths)}: changed while it was being compiled; apply the configuration again", reason="DBC"
        )
    return database


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_DBC_BYTES + 1)
    except OSError as error:
        raise NotFoundError(
            f"{path}: cannot be read ({error.strerror}); put the DBC file there or name another", reason="DBC_NOT_FOUND"
        ) from error
    if len(content) > _MAX_DBC_BYTES:
        raise InvalidArgumentError(f"{path}: is larger than {_MAX_DBC_BYTES} bytes; no DBC file is", reason="DBC")
    return content


def _cache_key(contents: Iterable[bytes]) -> str:
    key = hashlib.sha256(b"%d" % COMPILER_VERSION)
    for content in contents:
        key.update(hashlib.sha256(content).digest())
    return key.hexdigest()


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(str(path) for path in paths)


async def _compile(dbc_paths: Sequence[Path], cache_path: Path, timeout_s: float) -> None:
    arguments = ("-m", __name__, "--output", str(cache_path), *map(str, dbc_paths))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout_s):
            _, errors = await process.communicate()
    except TimeoutError as error:
        raise InvalidArgumentError(
            f"{_names(dbc_paths)}: did not compile within {timeout_s:g} s; split the database", reason="DBC_TIMEOUT"
        ) from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = errors.decode(errors="replace").strip().splitlines()
        cause = lines[-1] if lines else f"the compiler ended with status {process.returncode}"
        raise InvalidArgumentError(cause, reason="DBC_INVALID")


def compile_files(dbc_paths: Sequence[Path], cache_path: Path) -> Database:
    """Reads DBC files and writes the cache file, whole or not at all.

    Raises: NotFoundError, InvalidArgumentError as `compiled_plan`.
    """
    database = Database(tuple(message for path in dbc_paths for message in _messages(path)))
    write_database(cache_path, database)
    return database


def _messages(path: Path) -> list[Message]:
    from cantools.database import errors, load_string  # 30 MB; only this short-lived process pays for it

    content = _content(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Vector's tools write
    try:
        loaded = load_string(text, database_format="dbc", strict=False, sort_signals=None)
    except (errors.Error, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise InvalidArgumentError(f"{path}: {_where(error)}", reason="DBC_INVALID") from error
    messages = getattr(loaded, "messages", [])
    attributes = getattr(getattr(loaded, "dbc", None), "attributes", None) or {}
    protocol = str(getattr(attributes.get("ProtocolType"), "value", ""))
    if not messages:
        raise InvalidArgumentError(f"{path}: holds no message; name a DBC file with BO_ lines", reason="DBC_EMPTY")
    try:
        return [_message(message, protocol) for message in messages]
    except ValueError as error:
        raise InvalidArgumentError(f"{path}: {error}; correct the DBC file", reason="DBC_INVALID") from error


def _where(error: Exception) -> str:
    text = str(error).removeprefix("DBC: ").strip('"')
    match = re.search(r"line (\d+), column (\d+)", text)
    where = f"line {match[1]}, column {match[2]}: " if match else ""
    found = re.search(r'column \d+: "(.*)', text, re.DOTALL)
    cause = (
        f"does not parse at {found[1][:80]!r}" if found else f"does not parse ({text[:200] or type(error).__name__})"
    )
    return " ".join(f"{where}{cause}; correct the DBC file".split())


def _message(message: "CantoolsMessage", protocol: str) -> Message:
    formats = message.dbc.attributes if message.dbc else {}
    is_j1939 = message.protocol == "j1939" or (protocol == "J1939" and "VFrameFormat" not in formats)
    return Message(
        name=message.name,
        frame_id=message.frame_id,
        is_extended=message.is_extended_frame,
        size_bytes=message.length,
        signals=tuple(_signal(message.name, signal) for signal in message.signals),
        is_j1939=is_j1939 and message.is_extended_frame,
    )


def _signal(message_name: str, signal: "CantoolsSignal") -> Signal:
    try:
        return Signal(
            name=signal.name,
            start_bit=signal.start,
            size_bits=signal.length,
            is_big_endian=signal.byte_order == "big_endian",
            is_signed=signal.is_signed,
            is_float=signal.is_float,
            scale=signal.scale,
            offset=signal.offset,
            minimum=None if signal.minimum is None else float(signal.minimum),
            maximum=None if signal.maximum is None else float(signal.maximum),
            unit=signal.unit or "",
            labels=tuple((code, str(label)) for code, label in (signal.choices or {}).items()),
            multiplexer=signal.multiplexer_signal,
            multiplexer_ranges=_ranges(signal.multiplexer_ids or ()),
        )
    except ValueError as error:
        msg = f"message {message_name}, {error}"
        raise ValueError(msg) from error


def _ranges(values: Iterable[int]) -> tuple[tuple[int, int], ...]:
    ranges: list[tuple[int, int]] = []
    for value in sorted(set(values)):
        if ranges and value == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], value)
        else:
            ranges.append((value, value))
    return tuple(ranges)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compiles; on failure one sentence goes to standard error and the status is 1."""
    parser = argparse.ArgumentParser(prog="python -m wayside_agent.drivers.dbc_compiler", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="cache file to write")
    parser.add_argument("dbc", type=Path, nargs="+", help="DBC files; the first that names an id wins")
    options = parser.parse_args(arguments)
    try:
        compile_files(options.dbc, options.output)
    except (InvalidArgumentError, NotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{options.output}: cannot be written ({error.strerror}); make room or correct the rights\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.modules["asammdf"] = None  # type: ignore[assignment]  # python-can would load it, and pandas: 2.7 s for nothing
    sys.exit(main())
