"""Addresses of one network interface, for a connection that is to leave by it. Blocks; asks kernel files and one ioctl.

    source_address("wwan0", "broker.example", 8883)     # "10.64.3.7": of the kind that the broker has too

Netlink would tell the same, but the agent's sandbox has no such sockets.
"""

import fcntl
import ipaddress
import socket
import struct
from pathlib import Path

from wayside.errors import UnavailableError

_SIOCGIFADDR = 0x8915  # Linux, include/uapi/linux/sockios.h
_IFREQ = struct.Struct("16sH2x4s16x")  # struct ifreq with a sockaddr_in, see netdevice(7)
_UNUSABLE_FLAGS = 0x40 | 0x08  # IFA_F_TENTATIVE, IFA_F_DADFAILED: not, or never, its own
_LINK_SCOPE = 0x20
_IPV6_FILE = Path("/proc/self/net/if_inet6")


def source_address(interface: str, host: str, port: int) -> str:
    """The address of an interface to speak to a host from: of the first kind, IPv4 or IPv6, that both have.

    Raises: UnavailableError: the host is unknown, the interface is not there, or they have no kind in common.
    """
    own = {socket.AF_INET: _ipv4(interface), socket.AF_INET6: _ipv6(interface)}
    if not any(own.values()):
        raise UnavailableError(f"the network interface {interface!r} is not there, or has no address")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise UnavailableError(f"the host {host} is unknown ({error})") from error
    for family, *_ in found:
        if address := own.get(family):
            return address
    raise UnavailableError(f"the network interface {interface!r} has no address of the kind that {host} has")


def _ipv4(interface: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFADDR, _IFREQ.pack(interface.encode(), socket.AF_INET, bytes(4)))
        except OSError:  # there is no such interface, or it has none
            return ""
    return socket.inet_ntoa(_IFREQ.unpack(answer)[2])


def _ipv6(interface: str) -> str:
    """One that reaches beyond the link if there is any; one of the link names the interface too."""
    try:
        lines = _IPV6_FILE.read_text(encoding="ascii").splitlines()
    except OSError:  # a kernel without IPv6
        return ""
    rows = [fields for fields in map(str.split, lines) if len(fields) == 6 and fields[5] == interface]  # noqa: PLR2004
    usable = [
        (int(scope, 16), address) for address, _, _, scope, flags, _ in rows if not int(flags, 16) & _UNUSABLE_FLAGS
    ]
    if not usable:
        return ""
    scope, address = min(usable, key=lambda each: each[0] == _LINK_SCOPE)
    text = str(ipaddress.IPv6Address(bytes.fromhex(address)))
    return f"{text}%{interface}" if scope == _LINK_SCOPE else text
