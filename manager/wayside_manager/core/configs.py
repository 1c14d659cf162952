"""Configuration layers and what they make of a node's configuration.

A configuration is a plain mapping: `wayside.v1.NodeConfig` in its JSON form with proto field names
(durations `"30s"`, 64-bit integers as text), absent fields absent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from wayside_manager.core.selectors import NodeSelector

ConfigMapping: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ConfigLayerRecord:
    """A piece of configuration for the nodes a selector names."""

    layer_id: str
    selector: NodeSelector
    priority: int
    """0 to 1,000; of two layers that set one value the higher wins, of equals the later id."""
    config: ConfigMapping = field(hash=False)
    create_time: datetime
    update_time: datetime
    etag: str = ""
    tenant_id: str = "root"
    """It reaches nodes of this tenant and of those below it only."""


@dataclass(frozen=True, slots=True)
class AppliedLayer:
    """A layer as it is now, and whose configuration changed."""

    layer: ConfigLayerRecord
    changed_node_ids: tuple[str, ...]
    """Sorted."""


@dataclass(frozen=True, slots=True)
class NodeConfigRecord:
    """One configuration of one node."""

    node_id: str
    revision: int
    """From 1, rising. 0: no layer ever reached the node."""
    sha256: str
    """Of `content`, lower-case hex."""
    content: bytes
    """The serialized `wayside.v1.NodeConfig`."""
