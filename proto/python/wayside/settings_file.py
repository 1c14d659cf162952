"""Reads a TOML settings file into a frozen msgspec Struct; every mistake is one sentence with file, line and field.

Usage: `settings = read(Path("agent.toml"), AgentSettings)`
"""

import re
import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from wayside.errors import InvalidArgumentError, NotFoundError

T = TypeVar("T", bound=msgspec.Struct)

_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`")
_FIELD = re.compile(r"(?:unknown|required) field `(?P<field>[^`]+)`")


def read(path: Path, kind: type[T]) -> T:
    """The settings in a file.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: no TOML, an unknown or missing field, a value of the wrong type or out of range.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such settings file", reason="SETTINGS_MISSING") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{path}: cannot be read: {error}", reason="SETTINGS_UNREADABLE") from error
    return decoded(text, kind, source=str(path))


def decoded(text: str, kind: type[T], *, source: str) -> T:
    """The settings in a TOML text; `source` names it in messages.

    Raises: InvalidArgumentError: as `read`.
    """
    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except tomllib.TOMLDecodeError as error:
        raise InvalidArgumentError(f"{source}: not valid TOML: {error}", reason="SETTINGS_MALFORMED") from error
    except msgspec.ValidationError as error:
        raise InvalidArgumentError(_sentence(str(error), text, source), reason="SETTINGS_INVALID") from error


def _sentence(message: str, text: str, source: str) -> str:
    """`agent.toml: line 4: field spool.size: Expected int, got str` out of msgspec's wording."""
    at = _PATH.search(message)
    path = at["path"] if at else ""
    named = _FIELD.search(message)
    if named:
        path = f"{path}.{named['field']}" if path else named["field"]
    line = _line_of(text, path)
    where = f"{source}: line {line}" if line else source
    what = _PATH.sub("", message).replace("`", "")
    return f"{where}: field {path}: {what}" if path else f"{where}: {what}"


def _line_of(text: str, path: str) -> int:
    """Line on which the field of a dotted path is set, from 1; 0: not found (TOML gives no positions)."""
    keys = [re.sub(r"\[.*", "", key) for key in path.split(".") if key]
    if not keys:
        return 0
    table = ".".join(keys[:-1])
    occurrence = [int(n) for n in re.findall(r"\[(\d+)\]", path)]
    wanted, seen, inside = occurrence[0] if occurrence else 0, -1, table == ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}", line)
        if header:
            seen += header[1] == table
            inside = header[1] == table and (not occurrence or seen == wanted)
        elif inside and re.match(rf'\s*"?{re.escape(keys[-1])}"?\s*[=.]', line):
            return number
    return 0
