"""What a node is told of trust: which authorities there are, and whether its own certificate is due.

Usage: `trust = NodeTrust(certifier, credential, now=now)`; `if trust.has_news: send(trust.told())`.
"""

from collections.abc import Callable
from datetime import datetime

from wayside.v1 import node_service_pb2
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.certificates import renew_time
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.ports.certificates import NodeCertifier


class NodeTrust:
    """The notices of one session. Looked at every few seconds for every session, so it only compares."""

    def __init__(
        self, certifier: NodeCertifier, credential: CredentialRecord | None, *, now: Callable[[], datetime]
    ) -> None:
        self._certifier = certifier
        self._now = now
        self._expire_time = None if credential is None else credential.expire_time
        self._issuer_sha256 = "" if credential is None else credential.issuer_sha256
        self._renew_time = None
        if credential is not None and credential.expire_time is not None:
            self._renew_time = renew_time(credential.create_time, credential.expire_time)
        self._told: tuple[str, bool] | None = None

    @property
    def has_news(self) -> bool:
        """The node has not been told yet what is true now."""
        return self._told != self._present()

    def told(self) -> node_service_pb2.TrustNotice:
        """What is true now, to be sent."""
        self._told = self._present()
        authorities_sha256, should_renew = self._told
        return node_service_pb2.TrustNotice(
            authorities_sha256=authorities_sha256,
            certificate_expire_time=timestamp(self._expire_time) if self._expire_time else None,
            should_renew=should_renew,
        )

    def _present(self) -> tuple[str, bool]:
        is_due = self._renew_time is not None and self._now() >= self._renew_time
        return self._certifier.authorities_sha256, is_due or self._certifier.is_leaving(self._issuer_sha256)
