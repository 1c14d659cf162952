"""Configuration layers and what they make of a node's configuration.

A configuration is a plain mapping of JSON values, named as in `wayside.node_config`; absent fields are absent; a layer
takes a value away with `None`. A path joins names by dots: `telemetry.publish_period_s`; a list is one value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.selectors import NodeSelector

ConfigMapping: TypeAlias = Mapping[str, object]


class Missing(StrEnum):
    """Stands for a value that is not there; `None` is a value that a layer takes away."""

    MISSING = ""


MISSING = Missing.MISSING


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
    """The revision as text."""
    tenant_id: str = ROOT_TENANT
    """It reaches nodes of this tenant and of those below it only."""


@dataclass(frozen=True, slots=True)
class LayerRevisionRecord:
    """What a layer was; its `update_time` is when it became so."""

    layer: ConfigLayerRecord
    revision: int
    author: str = ""
    """`operators/{operator}`; empty: from before there was a history."""
    comment: str = ""
    is_deletion: bool = False
    rollout_id: str = ""


@dataclass(frozen=True, slots=True)
class Retargeted:
    """Whose configuration a change altered, and how it gets there."""

    changed_node_ids: tuple[str, ...] = ()
    """Sorted."""
    rollout_ids: tuple[str, ...] = ()
    """Rollouts that were made: one at most when a shared thing changed, one per tenant when nodes did."""

    @property
    def rollout_id(self) -> str:
        """The rollout of a change of a shared thing. Empty: no node in service changes by it."""
        return self.rollout_ids[0] if self.rollout_ids else ""


@dataclass(frozen=True, slots=True)
class AppliedLayer:
    """A layer as it is now, and what it altered. `layer` is as it was when it was deleted."""

    layer: ConfigLayerRecord
    effect: Retargeted


@dataclass(frozen=True, slots=True)
class NodeConfigRecord:
    """One configuration of one node."""

    node_id: str
    revision: int
    """From 1, rising. 0: no layer ever reached the node."""
    sha256: str
    """Of `content`, lower-case hex."""
    content: bytes
    """Canonical JSON."""
    cause: str = ""
    """What made it, by name: `configLayers/base`, `nodes/rsu-1`, `sites/k12`."""
    create_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value that differs. `MISSING`: not set."""

    path: str
    before: object
    after: object
    layer_id: str = ""
    """Layer that sets the value after."""


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Nodes that change alike."""

    values: tuple[ValueChange, ...]
    node_ids: tuple[str, ...]
    """Sorted."""


@dataclass(frozen=True, slots=True)
class RefusalGroup:
    """Nodes whose configuration cannot be made for the same reason; without any: a layer that no version allows."""

    problems: tuple[str, ...]
    version: str
    node_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigPreview:
    """What would change."""

    node_count: int
    changes: tuple[ChangeGroup, ...] = ()
    """Those of most nodes first."""
    refusals: tuple[RefusalGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one layer says of a value."""

    layer_id: str
    priority: int
    value: object
    """As written, variables and all; `None`: it takes the value away."""
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Variables it refers to, and where each comes from: `broker` -> `sites/k12`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one value of a node's configuration comes from."""

    path: str
    value: object
    """`MISSING`: not set, or taken away."""
    opinions: tuple[Opinion, ...] = ()
    """The one with the last word last."""
    default: object = MISSING
    running: object = MISSING


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where the values of a node's configuration come from."""

    origins: tuple[Origin, ...]
    """In order of paths."""
    schema_version: str


class DriftCause(StrEnum):
    """Why a node runs something else; names as in `wayside.v1.ConfigDrift.Cause`."""

    WAITING = "waiting"
    TOLD = "told"
    PROVISIONAL = "provisional"
    REJECTED = "rejected"
    REVERTED = "reverted"
    CHANGED = "changed"
    INVALID = "invalid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Drift:
    """How one node differs from what it should run."""

    node_id: str
    cause: DriftCause
    values: tuple[ValueChange, ...] = ()
    """What it runs and what it should."""
    message: str = ""
    since_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class NodeConfigState:
    """A configuration of a node, and where the node stands."""

    config: NodeConfigRecord
    target_revision: int
    told_revision: int
    running_revision: int
    trial: str
    problem: str
    schema_version: str
    report: bytes
    """Its newest word: a serialized `wayside.v1.ConfigReport`. Empty: none yet."""
