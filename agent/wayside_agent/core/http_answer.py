"""What an HTTPS server is asked for some bytes of a file, and what of its answer counts; every byte of it is hostile.

Usage: `url = parsed(address)`; send `request(url, offset_bytes)`; `head = answered(content)`; if `head.location`, go on
with `redirected(url, head)`, else read `body_bytes(head, offset_bytes=…, size_bytes=…)` bytes and not one more.
Source: RFC 9110 (15.4 redirects, 14.2 ranges, 14.4 Content-Range), RFC 9112 (messages).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from wayside.errors import (
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    UnavailableError,
)

MAX_HEAD_BYTES = 16 * 1024
"""Status line and fields; real servers send about 1 KiB."""
MAX_REDIRECTS = 3
HTTPS_PORT = 443

_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.?|[0-9A-Fa-f:]{2,39}(?:[0-9.]{1,15})?")
_TARGET = re.compile(r"/[!-~]*")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")
_NUMBER = re.compile(r"[0-9]{1,19}")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ABSENT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_FORBIDDEN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Url:
    """Where a file is."""

    host: str
    port: int
    target: str
    """Path and query, as they are sent."""

    @property
    def authority(self) -> str:
        """Host and port, as in a URL and in `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS_PORT else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Head:
    """The begin of an answer."""

    status: int
    fields: Mapping[str, str]
    """By name in lower case; the first of each."""

    @property
    def location(self) -> str:
        """Where the file is instead; empty: here."""
        return self.fields.get("location", "") if self.status in _REDIRECTS else ""


def parsed(address: str) -> Url:
    """The parts of an `https` URL.

    Raises: InvalidArgumentError: it is none, or carries a name and password.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or HTTPS_PORT
    except ValueError as error:
        raise InvalidArgumentError("the URL is malformed; give https://host/path") from error
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme != "https" or not _HOST.fullmatch(host) or not _TARGET.fullmatch(target):
        raise InvalidArgumentError("the URL is no https://host/path in ASCII without spaces")
    if "@" in parts.netloc:
        raise InvalidArgumentError("the URL carries a name or password, which are not sent; use a signed URL")
    return Url(host, port, target)


def redirected(url: Url, head: Head) -> Url:
    """Where an answer points to.

    Raises: InvalidArgumentError: to no `https` URL.
    """
    try:
        address = urljoin(f"https://{url.authority}{url.target}", head.location)
    except ValueError as error:
        raise InvalidArgumentError("it redirects to a malformed URL") from error
    try:
        return parsed(address)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"it redirects to where no artifact is fetched from: {error}") from error


def request(url: Url, offset_bytes: int) -> bytes:
    """The question for everything from a byte on. No validator is sent: what comes is judged by its hash."""
    return (
        f"GET {url.target} HTTP/1.1\r\nHost: {url.authority}\r\nUser-Agent: wayside-agent\r\nAccept: */*\r\n"
        f"Accept-Encoding: identity\r\nRange: bytes={offset_bytes}-\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


def answered(content: bytes) -> Head:
    """The head of an answer, from its bytes up to the empty line.

    Raises: InvalidArgumentError: it is not HTTP, or larger than 16 KiB.
    """
    status_line, *lines = content.removesuffix(b"\r\n\r\n").split(b"\r\n")
    found = _STATUS.fullmatch(status_line)
    if found is None or len(content) > MAX_HEAD_BYTES:
        raise InvalidArgumentError("what answers is no HTTP server")
    fields: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise InvalidArgumentError("a line of its answer is malformed")
        name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1").rstrip()
        if fields.setdefault(name, value) != value and name in {"content-length", "content-range"}:
            raise InvalidArgumentError(f"it gives {name} twice, and differently")
    return Head(int(found[1]), fields)


def body_bytes(head: Head, *, offset_bytes: int, size_bytes: int) -> int:
    """How many bytes of the file follow, at most those to its end.

    Raises: NotFoundError, PermissionDeniedError, OutOfRangeError, InvalidArgumentError: it does not have what was asked
        for, or not for us. UnavailableError: it has trouble.
    """
    _check_status(head.status)
    if "transfer-encoding" in head.fields or head.fields.get("content-encoding", "identity") != "identity":
        raise InvalidArgumentError("it sends the file encoded; let it send plain files")
    length = head.fields.get("content-length", "")
    if not _NUMBER.fullmatch(length):
        raise InvalidArgumentError("it does not say how many bytes follow")
    first, last, total = _range(head, int(length))
    if first != offset_bytes:
        raise InvalidArgumentError(f"it sends from byte {first} where {offset_bytes} was asked for")
    if total not in {None, size_bytes} or last >= size_bytes or last - first + 1 != int(length):
        raise InvalidArgumentError(f"its file has another size than the {size_bytes} bytes that are due")
    return int(length)


def _check_status(status: int) -> None:
    if status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return
    if status in _ABSENT:
        raise NotFoundError(f"it does not have the file (status {status})")
    if status in _FORBIDDEN:
        raise PermissionDeniedError(f"it refuses (status {status}); the URL may have expired")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise OutOfRangeError(f"its file is shorter than what is here already (status {status})")
    if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UnavailableError(f"it has trouble (status {status})")
    raise InvalidArgumentError(f"it answers with status {status}")


def _range(head: Head, length: int) -> tuple[int, int, int | None]:
    """First and last byte, and the size of the file, if it is told."""
    if head.status == HTTPStatus.OK:  # the whole: of use from the first byte only
        return 0, length - 1, length
    found = _RANGE.fullmatch(head.fields.get("content-range", ""))
    if found is None:
        raise InvalidArgumentError("it does not say which bytes follow")
    return int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3])
