"""Bounds of what operators say of a sink: where it is, and the names of its secrets.

Usage: `checked_url(url, field=...)`; `host_and_port("[::1]:6514", field=...) == ("::1", 6514)`.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from wayside.errors import InvalidArgumentError

RECIPIENTS_MAX = 20
_URL_MAX_CHARS = 2000
_ADDRESS_MAX_CHARS = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
_USERNAME_MAX_CHARS = 254
_URL = re.compile(r"[!-~]+\Z")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*\.?\Z")
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([^\[\]:/@\s]{1,253})):([0-9]{1,5})\Z")
# nothing that needs quotes, and nothing that could end a header or a command
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9.-]+)\Z")
_SECRET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_PORT_MAX = 65_535


def checked_url(url: str, *, field: str) -> str:
    """The URL itself: https, or http to a loopback address.

    Raises: InvalidArgumentError.
    """
    scheme, host = _scheme_and_host(url)
    if scheme not in {"http", "https"} or not _is_host(host):
        raise InvalidArgumentError(
            f"{field}: give a URL such as https://example.org/events, at most {_URL_MAX_CHARS} ASCII characters, "
            "without user, password or fragment",
            reason="URL_INVALID",
        )
    if scheme == "http" and not is_loopback(host):
        raise InvalidArgumentError(
            f"{field}: plain http is for loopback addresses only; give an https URL", reason="URL_INVALID"
        )
    return url


def _scheme_and_host(url: str) -> tuple[str, str]:
    """Both empty: it cannot be read, or says more than it may."""
    if len(url) > _URL_MAX_CHARS or not _URL.match(url) or "#" in url:
        return "", ""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is none
    except ValueError:
        return "", ""
    return ("", "") if "@" in parts.netloc else (parts.scheme, parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its address or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_and_port(address: str, *, field: str) -> tuple[str, int]:
    """Host and port of `host:port`, an IPv6 address in brackets.

    Raises: InvalidArgumentError.
    """
    found = _ADDRESS.match(address)
    host = (found[1] or found[2]) if found else ""
    port = int(found[3]) if found else 0
    if not _is_host(host) or not 0 < port <= _PORT_MAX:
        raise InvalidArgumentError(
            f"{field}: {address[:80]!r} is no address; give host and port, such as logs.example:6514",
            reason="ADDRESS_INVALID",
        )
    return host, port


def checked_mailbox(mailbox: str, *, field: str) -> str:
    """An e-mail address, ASCII and without quotes.

    Raises: InvalidArgumentError.
    """
    found = _MAILBOX.match(mailbox) if len(mailbox) <= _ADDRESS_MAX_CHARS else None
    if found is None or not _HOST.match(found[1]):
        raise InvalidArgumentError(
            f"{field}: {mailbox[:80]!r} is no e-mail address such as roads@example.org", reason="MAILBOX_INVALID"
        )
    return mailbox


def checked_secret(name: str, *, field: str) -> str:
    """The name of a file in the secrets folder.

    Raises: InvalidArgumentError.
    """
    if not _SECRET.match(name):
        raise InvalidArgumentError(
            f"{field}: {name[:80]!r} is no name of a secret; give that of a file in the manager's secrets folder",
            reason="SECRET_INVALID",
        )
    return name


def checked_username(name: str, *, field: str) -> str:
    """A user at a mail server; may be empty.

    Raises: InvalidArgumentError.
    """
    if len(name) > _USERNAME_MAX_CHARS or not (name.isprintable() and name.isascii()):
        raise InvalidArgumentError(f"{field}: give at most {_USERNAME_MAX_CHARS} printable ASCII characters")
    return name


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(_HOST.match(host))
    return True
