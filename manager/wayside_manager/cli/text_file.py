"""Files that a command is given, read whole and never more than fits.

Usage: `text = read_text(Path("plan.toml"), max_bytes=1 << 20)`.
"""

from pathlib import Path

from wayside.errors import InvalidArgumentError, NotFoundError


def read_bytes(path: Path, *, max_bytes: int) -> bytes:
    """The content of a file, or of a pipe or device until it ends.

    Raises: NotFoundError: no such file; InvalidArgumentError: it is too large or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)  # a pipe does not say its size before
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path} is not there; name a file that is") from exc
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be read: {exc.strerror}") from exc
    if len(content) > max_bytes:
        raise InvalidArgumentError(f"{path} has more than {max_bytes} bytes; split it")
    return content


def read_text(path: Path, *, max_bytes: int) -> str:
    """The text of a file in UTF-8, without the mark that some editors and spreadsheets begin with.

    Raises: as `read_bytes`; InvalidArgumentError: it is not UTF-8.
    """
    return utf8_text(read_bytes(path, max_bytes=max_bytes), source=str(path))


def utf8_text(content: bytes, *, source: str) -> str:
    """The text that bytes from `source` are.

    Raises: InvalidArgumentError: they are not UTF-8.
    """
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as exc:
        raise InvalidArgumentError(f"{source} cannot be read as UTF-8 text: byte {exc.start} is none") from exc
