"""The certificates of V2X authorities in a folder, one COER file each."""

from pathlib import Path

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_agent.core.security.certificate import Certificate, certificate
from wayside_agent.core.security.coer import MAX_BYTES, SpduError
from wayside_agent.core.security.signing import Dialect

MAX_FILES = 256


def authorities(folder: Path, dialect: Dialect, *, field: str) -> list[Certificate]:
    """Every certificate of a folder; files that begin with a dot are passed over.

    Raises:
        NotFoundError: there is no such folder, or it cannot be read; names `field`.
        InvalidArgumentError: it holds none, too many, or something else.
    """
    try:
        files = sorted(each for each in folder.iterdir() if each.is_file() and not each.name.startswith("."))
        if len(files) > MAX_FILES:
            raise InvalidArgumentError(f"field {field}: {folder} holds {len(files)} files; {MAX_FILES} are the most")
        contents = {each: _content(each) for each in files}
    except OSError as error:
        raise NotFoundError(f"field {field}: {folder} cannot be read: {error.strerror}") from error
    if not contents:
        raise InvalidArgumentError(f"field {field}: {folder} holds no certificate; put one of an authority there")
    return [_read(path, content, dialect, field) for path, content in contents.items()]


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _read(path: Path, content: bytes, dialect: Dialect, field: str) -> Certificate:
    try:
        return certificate(content, dialect)
    except SpduError as error:
        raise InvalidArgumentError(f"field {field}: {path} is no certificate that can be read: {error}") from error
