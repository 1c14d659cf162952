"""Passwords are read from a file or asked for on the terminal; never from the command line, where everybody sees them.

Usage: `password(file, question="Password", is_new=False)`.
"""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from wayside.errors import InvalidArgumentError, NotFoundError

_MAX_BYTES = 4096

PasswordFileOption = Annotated[
    Path | None, typer.Option("--password-file", help="File with the password, '-': stdin. Default: ask.")
]


def password(file: Path | None, *, question: str, is_new: bool = False, what: str = "password") -> str:
    """The password, or what else is kept as one; a new one is asked for twice.

    Raises: NotFoundError, InvalidArgumentError: the file; there is no terminal to ask on; the two differ.
    """
    if file is not None:
        return _in_file(file, what)
    if not sys.stdin.isatty():
        raise InvalidArgumentError(f"there is no terminal to ask for the {what} on; give --{what}-file")
    found = getpass.getpass(f"{question}: ")
    if is_new and getpass.getpass(f"{question}, again: ") != found:
        raise InvalidArgumentError(f"the two {what}s differ; try again")
    return found


def _in_file(file: Path, what: str) -> str:
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with file.open("rb") as stream:
                content = stream.read(_MAX_BYTES + 1)
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except FileNotFoundError as exc:
        raise NotFoundError(f"{file} is not there", reason="FILE_NOT_FOUND") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidArgumentError(f"{file} cannot be read as a text") from exc
    if not text or len(content) > _MAX_BYTES or "\n" in text:
        raise InvalidArgumentError(f"{file}: put the {what} on its only line")
    return text
