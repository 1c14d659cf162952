"""Opens files that another, less trusted user put there: plain ones only, no links, no pipes that never end."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotPlainError(Exception):
    """It is there, but no plain file that may be read, or too large."""


def open_plain(path: Path) -> BinaryIO:
    """Opens a plain file for reading.

    Raises: FileNotFoundError. NotPlainError: it is a link, a pipe, a folder, or another user's.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotPlainError(f"{path.name}: cannot be opened ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotPlainError(f"{path.name}: is no plain file")
    return os.fdopen(descriptor, "rb")


def read_plain(path: Path, *, max_bytes: int) -> bytes:
    """The content of a plain file.

    Raises: FileNotFoundError. NotPlainError: also if it is larger.
    """
    with open_plain(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise NotPlainError(f"{path.name}: has more than {max_bytes} bytes")
    return content
