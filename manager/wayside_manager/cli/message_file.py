"""Messages of the API in files: JSON, or TOML by the file's ending, with the field names of the contract.

Usage: `policy = read_message(path, alarm_pb2.AlarmPolicy(), what="alarm policy", remedy="begin with what ... prints")`.
"""

import json
import tomllib
from pathlib import Path
from typing import TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from wayside.errors import InvalidArgumentError
from wayside_manager.cli.text_file import read_text

FILE_MAX_BYTES = 1 << 20
Read = TypeVar("Read", bound=Message)


def read_message(path: Path, message: Read, *, what: str, remedy: str) -> Read:
    """The message, filled from a file.

    Raises: NotFoundError: no such file; InvalidArgumentError: it cannot be read, or is no `what`, with `remedy`.
    """
    text = read_text(path, max_bytes=FILE_MAX_BYTES)
    try:
        document = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        if not isinstance(document, dict):
            raise InvalidArgumentError(f"{path} is no {what}: it holds no object; {remedy}")
        return ParseDict(document, message)
    except (ParseError, ValueError, RecursionError) as exc:
        # protobuf adds a line with the names in its own spelling
        raise InvalidArgumentError(f"{path} is no {what}: {str(exc).partition(chr(10))[0]}; {remedy}") from exc
