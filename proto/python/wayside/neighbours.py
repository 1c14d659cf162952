"""Units that serve artifacts to units near them: their addresses, URLs and the names in their certificates.

The address is an IP address and a port, never a name: no unit resolves what another unit says. The URL names the node,
so that whoever dials can demand that very identity: `wayside://10.20.0.5:7445/nodes/rsu-1`.
Usage: `neighbour_url(address, "rsu-1")`, back by `neighbour(url)`; `server_name("rsu-1")` stands in its certificate.
"""

import ipaddress
import re
from dataclasses import dataclass

from wayside.errors import InvalidArgumentError
from wayside.names import checked_label, node_id, node_name

SCHEME = "wayside"
MIN_PORT = 1024
"""Below are the services of machines; no unit shall be made to knock at those."""
_MAX_PORT = 65_535
_MAX_CHARS = 60
"""Of an address; the longest, an IPv6 address with a port, has 47."""
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15})):([0-9]{4,5})\Z")
_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
"""RFC 1918, RFC 4193. Not link-local ones, metadata servers of clouds have some; nor RFC 6598: a carrier's."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A unit that may have an artifact."""

    address: str
    """`host:port`."""
    node_id: str


def checked_address(text: str, *, field: str) -> str:
    """The address itself: an IP address and a port from 1024, `10.20.0.5:7445` or `[fd00::5]:7445`.

    Raises: InvalidArgumentError: naming `field`.
    """
    host, port = _parts(text)
    if host is None or not MIN_PORT <= port <= _MAX_PORT or host.is_unspecified or host.is_multicast:
        raise InvalidArgumentError(
            f"{field}: {text[:_MAX_CHARS]!r} is no IP address with a port from {MIN_PORT}, such as 10.20.0.5:7445",
            reason="PEER_ADDRESS",
        )
    return text


def is_nearby(text: str, source: str) -> bool:
    """Whether others may be sent to an address that a unit calls its own, if it speaks from the IP address `source`.

    They may if it is private, or the very address it speaks from: a unit can send nobody to a third party's host.
    """
    host, _ = _parts(text)
    if host is None:
        return False
    try:
        is_own = host == ipaddress.ip_address(source)
    except ValueError:
        is_own = False
    return is_own or any(host.version == network.version and host in network for network in _PRIVATE)


def neighbour_url(address: str, node: str) -> str:
    """Where the artifacts of a node are."""
    return f"{SCHEME}://{address}/{node_name(node)}"


def neighbour(url: str) -> Neighbour:
    """The unit that a URL names.

    Raises: InvalidArgumentError: it is no such URL.
    """
    scheme, _, rest = url.partition("://")
    address, _, name = rest.partition("/")
    if scheme != SCHEME:
        raise InvalidArgumentError(f"url: {url[:80]!r} does not begin with {SCHEME}://", reason="PEER_ADDRESS")
    return Neighbour(checked_address(address, field="url"), node_id(name, field="url"))


def server_name(node: str) -> str:
    """DNS name in the certificate of a node that may serve; nothing resolves `.invalid`, so it serves as nothing else.

    Source: RFC 6761, 6.4.
    """
    return f"{checked_label(node, field='node')}.nodes.wayside.invalid"


def _parts(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address | None, int]:
    found = _ADDRESS.match(text) if len(text) <= _MAX_CHARS else None
    if found is None:
        return None, 0
    try:
        return ipaddress.ip_address(found[1] or found[2]), int(found[3])
    except ValueError:
        return None, 0
