"""Reads a TOML settings file into a frozen msgspec Struct; every mistake is one sentence with file, line and field.

Usage: `settings = read(Path("agent.toml"), AgentSettings)`
"""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec

from wayside.errors import InvalidArgumentError, NotFoundError

MAX_CHARS = 1_000_000

Steps: TypeAlias = tuple[str, ...]
"""Keys and, as decimal numbers, positions in arrays."""

T = TypeVar("T", bound=msgspec.Struct)

_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`")
_STEP = re.compile(r"[^.\[\]]+")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_KEYS = r"""(?P<keys>(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)"""
_HEADER = re.compile(rf"\s*(?P<open>\[\[?)\s*{_KEYS}\s*\]")
_SETTING = re.compile(rf"\s*{_KEYS}\s*=")
_FIELD = re.compile(r"(?:unknown|required) field `(?P<field>[^`]+)`")


def read(path: Path, kind: type[T]) -> T:
    """The settings in a file.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: no TOML, an unknown or missing field, a value of the wrong type or out of range.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:  # some editors begin with a byte order mark
            text = file.read(MAX_CHARS + 1)
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such settings file", reason="SETTINGS_MISSING") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{path}: cannot be read: {error}", reason="SETTINGS_UNREADABLE") from error
    if len(text) > MAX_CHARS:
        raise InvalidArgumentError(
            f"{path}: has more than {MAX_CHARS} characters; no settings file has", reason="SETTINGS_UNREADABLE"
        )
    return decoded(text, kind, source=str(path))


def decoded(text: str, kind: type[T], *, source: str) -> T:
    """The settings in a TOML text; `source` names it in messages.

    Raises: InvalidArgumentError: as `read`.
    """
    try:
        return msgspec.convert(tomllib.loads(text), kind, str_keys=True)
    except msgspec.ValidationError as error:
        raise InvalidArgumentError(_sentence(str(error), text, source), reason="SETTINGS_INVALID") from error
    except ValueError as error:  # tomllib's own, and that of an integer with thousands of digits
        raise InvalidArgumentError(f"{source}: not valid TOML: {error}", reason="SETTINGS_MALFORMED") from error
    except RecursionError:
        raise InvalidArgumentError(
            f"{source}: not valid TOML: arrays or tables nest too deeply", reason="SETTINGS_MALFORMED"
        ) from None


def _sentence(message: str, text: str, source: str) -> str:
    """`agent.toml: line 4: field spool.size: Expected int, got str` out of msgspec's wording."""
    at = _PATH.search(message)
    path = at["path"] if at else ""
    named = _FIELD.search(message)
    if named:
        path = f"{path}.{named['field']}" if path else named["field"]
    line = line_of(text, path)
    where = f"{source}: line {line}" if line else source
    what = _PATH.sub("", message).replace("`", "")
    sentence = f"{where}: field {path}: {what}" if path else f"{where}: {what}"
    return " ".join(sentence.split())  # a quoted key may hold line ends


def line_of(text: str, path: str) -> int:
    """Line on which the field of a path such as `can[1].options.speed` is set, from 1; 0: not found.

    TOML gives no positions, so the lines are read again: the longest match wins, which for a field that is missing is
    the head of its table, and for one inside an inline table the line of that table.
    """
    wanted = tuple(_STEP.findall(path))
    seen: Counter[Steps] = Counter()
    table: Steps = ()
    best, best_length = 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            found = table = _entered(_keys(header["keys"]), seen, is_array=header["open"] == "[[")
        elif setting := _SETTING.match(line):
            found = (*table, *_keys(setting["keys"]))
        else:
            continue
        if len(found) > best_length and found == wanted[: len(found)]:
            best, best_length = number, len(found)
    return best


def _entered(keys: Steps, seen: "Counter[Steps]", *, is_array: bool) -> Steps:
    """The path of a table by its header: inside an array of tables it belongs to the newest element."""
    path: Steps = ()
    for key in keys[:-1]:
        path = (*path, key)
        path = (*path, str(seen[path] - 1)) if seen[path] else path
    path = (*path, *keys[-1:])
    if not is_array:
        return path
    seen[path] += 1
    return (*path, str(seen[path] - 1))


def _keys(text: str) -> Steps:
    return tuple(key.strip("\"'") for key in _KEY.findall(text))
