"""What the hop table is made of: gathered by `wayside-manager security-report`, judged by `core.hops`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What a port answered to a handshake."""

    version: str
    suite: str
    accepts_older: bool | None = None
    """Whether it also takes TLS 1.2. `None`: not tried."""


@dataclass(frozen=True, slots=True)
class PortFacts:
    """A port of the manager."""

    address: str
    tls: TlsFacts | None = None
    """`None`: nobody answered, so nothing was measured."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate in the data folder."""

    path: str
    subject: str
    is_authority: bool
    key: str
    """Algorithm and size of its key."""
    signature: str
    begin_time: datetime
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """A secret in the data folder; its content is not looked at."""

    path: str
    mode: int
    """Permission bits."""


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """A broker that nodes are told to publish to."""

    address: str
    is_plaintext: bool
    node_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodesFacts:
    """The nodes, as the database knows them."""

    presence_counts: Mapping[str, int]
    """Of the nodes that are not retired."""
    brokers: tuple[BrokerFacts, ...] = ()
    silent_count: int = 0
    """Nodes that are told to publish nothing."""
    expiries: Mapping[str, datetime] | None = None
    """Node to the end of its newest certificate; nodes without one are not in it. `None`: not looked up."""


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """A server beside the manager that units fetch releases from."""

    host: str
    signing: str
    """How its URLs are signed for each node: `none`, `hmac` or `s3`."""


@dataclass(frozen=True, slots=True)
class HopFacts:
    """Everything the table is made of."""

    now: datetime
    data_folder: str
    folder_mode: int
    tls_minimum: str
    """Oldest version the settings allow: `1.3` or `1.2`."""
    device: PortFacts
    operator: PortFacts
    certificates: tuple[CertificateFacts, ...]
    secrets: tuple[SecretFacts, ...]
    nodes: NodesFacts
    places: tuple[PlaceFacts, ...] = ()
