"""The table `[door]` of `manager.toml`: how much one address may do at the operator port before it has logged in.

Usage: `Door(settings.door.limits(), visitors_max=settings.door.connections)`.
"""

import ipaddress
from typing import Annotated

import msgspec

from wayside_manager.core.attempts import Limits, Network

_DEFAULTS = Limits()


class DoorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of the operator port; an address is one of IPv4 or a /64 of IPv6."""

    connections: Annotated[
        int, msgspec.Meta(ge=1, le=100_000, description="Connections open at once, of all addresses.")
    ] = 1_000
    connections_per_address: Annotated[
        int, msgspec.Meta(ge=1, le=100_000, description="Connections of one address; half as many before a login.")
    ] = _DEFAULTS.connections
    failed_logins: Annotated[
        int, msgspec.Meta(ge=1, le=1_000_000, description="Failed logins in 10 s after which an address is refused.")
    ] = _DEFAULTS.failures
    refused_max_s: Annotated[
        float, msgspec.Meta(ge=1, le=86_400, description="Longest time it is refused; 1 s first, then doubled [s].")
    ] = _DEFAULTS.cap_s
    unlimited_addresses: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Networks without limits per address (CIDR): load balancers, offices behind NAT."),
    ] = ()

    def __post_init__(self) -> None:
        self._unlimited()

    def limits(self) -> Limits:
        """The same for the door."""
        return Limits(
            failures=self.failed_logins,
            cap_s=self.refused_max_s,
            connections=self.connections_per_address,
            unproven=max(1, self.connections_per_address // 2),
            unlimited=self._unlimited(),
        )

    def _unlimited(self) -> tuple[Network, ...]:
        try:
            return tuple(map(ipaddress.ip_network, self.unlimited_addresses))
        except ValueError as exc:
            raise ValueError(f"unlimited_addresses: {exc}; write networks such as 10.0.0.0/24 or fd00::/64") from exc
