"""The manager, as renewal needs it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from wayside.v1 import node_service_pb2 as wire
from wayside_agent.ports.identity import Identity


class Trial(Protocol):
    """A second connection, see `link.session.Trial`."""

    async def confirm(self) -> None:
        """Proves the certificate of this connection."""

    async def authorities(self) -> str:
        """The authorities to trust, PEM."""


class TrustLink(Protocol):
    """The manager, see `link.manager.ManagerLink`."""

    def trial(self, identity: Identity) -> AbstractAsyncContextManager[Trial]:
        """A second connection with other credentials."""

    def change_over(self, identity: Identity) -> Callable[[], Awaitable[None]]:
        """Uses other credentials from now on; returns what closes the connection before."""

    async def renew(self, request_pem: str) -> wire.RenewCertificateResponse:
        """The next certificate."""

    async def authorities(self) -> str:
        """The authorities to trust, PEM."""
