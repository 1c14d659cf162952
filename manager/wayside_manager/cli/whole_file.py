"""A file that is written piece by piece and appears whole or not at all.

Usage: `with growing(path) as stream: print(line, file=stream)`.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from wayside.errors import InvalidArgumentError


@contextmanager
def growing(path: Path) -> Iterator[TextIO]:
    """A stream whose text becomes the file at the end, readable by its owner only; nothing, when it ends with an error.

    Raises: InvalidArgumentError: it cannot be written there.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be written: {exc.strerror}; choose another place") from exc
