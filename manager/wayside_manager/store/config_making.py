"""What the layers make of nodes' configurations. Nodes of the same layers and variables share one.

maker = ConfigMaker(connection, every_layer(connection))
made = maker.made(node)                  # `None`: no layer reaches the node, and none ever did
made.sha256, made.problems
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from wayside.node_config import canonical
from wayside_manager.core.config_checks import problems
from wayside_manager.core.config_schemas import ConfigSchema, Schemas
from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.merge import merged
from wayside_manager.core.selectors import Matcher
from wayside_manager.core.variables import Template
from wayside_manager.store.config_rows import ConfigNode
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.selection import resolver
from wayside_manager.store.tables import releases

EMPTY_CONTENT = canonical({})
EMPTY_SHA256 = hashlib.sha256(EMPTY_CONTENT).hexdigest()
"""Of a configuration that sets nothing: the agent's defaults."""


@dataclass(frozen=True, slots=True)
class Made:
    """What came out for nodes; compared by identity, because many share one."""

    content: bytes
    """Canonical JSON."""
    sha256: str
    problems: tuple[str, ...]
    """Why no agent could run it, one sentence each. Empty: it can."""
    schema: ConfigSchema
    layers: tuple[ConfigLayerRecord, ...] = field(compare=False)
    """Those that made it, in their order."""
    config: dict[str, Any] = field(compare=False, hash=False)


class ConfigMaker:
    """Layers, what their selectors mean, and schemas, as of one transaction."""

    def __init__(self, connection: Connection, layers: tuple[ConfigLayerRecord, ...]) -> None:
        """Takes the layers in their order (`core.merge.in_order`)."""
        self._tree = tenant_tree(connection)
        self._layers = layers
        found = resolver(connection)
        self._matchers = [found.matcher(layer.selector) for layer in layers]
        self._schemas = schemas_of(connection)
        self._of_tenant: dict[str, tuple[tuple[int, Matcher], ...]] = {}
        self._templates: dict[tuple[int, ...], Template] = {}
        self._made: dict[object, Made] = {}

    def layers_of(self, node: ConfigNode) -> tuple[ConfigLayerRecord, ...]:
        """The layers that reach a node."""
        return tuple(self._layers[index] for index in self._reaching(node))

    def schema_of(self, node: ConfigNode) -> ConfigSchema:
        """The schema that counts for a node."""
        return self._schemas.of(
            running_release=node.status.running_release, running_version=node.status.running_version
        )

    def made(self, node: ConfigNode) -> Made | None:
        """The configuration of a node; one that no layer reaches any more gets the empty one."""
        reaching = self._reaching(node)
        if not reaching and node.desired.target_config_revision == 0:
            return None
        template = self._templates.get(reaching)
        if template is None:
            layers = (self._layers[index].config for index in reaching)
            template = self._templates[reaching] = Template(merged(layers))
        variables = node.variables if template.names else {}
        # by their written form: as keys of a mapping 1 and true would be one
        used = tuple((name, repr(variables[name])) for name in template.ordered_names if name in variables)
        schema = self.schema_of(node)
        key = (reaching, schema.version, used)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(template, variables, schema, reaching)
        return made

    def _make(self, template: Template, variables: dict[str, Any], schema: ConfigSchema, reaching: Any) -> Made:  # noqa: ANN401  # indexes
        config, found = template.filled(variables)
        content = canonical(config)
        return Made(
            content,
            hashlib.sha256(content).hexdigest(),
            found or problems(config, schema, content),
            schema,
            tuple(self._layers[index] for index in reaching),
            config,
        )

    def _reaching(self, node: ConfigNode) -> tuple[int, ...]:
        selectable = node.selectable
        if selectable.tenant_id not in self._of_tenant:
            # a layer reaches nodes of its tenant and of those below it only
            line = self._tree.above(selectable.tenant_id) | {selectable.tenant_id}
            self._of_tenant[selectable.tenant_id] = tuple(
                (index, matcher)
                for index, (layer, matcher) in enumerate(zip(self._layers, self._matchers, strict=True))
                if layer.tenant_id in line
            )
        return tuple(index for index, matcher in self._of_tenant[selectable.tenant_id] if matcher.matches(selectable))


def schemas_of(connection: Connection) -> Schemas:
    """The schemas releases publish, and the manager's own."""
    query = select(releases.c.version, releases.c.config_schema).where(releases.c.config_schema != "")
    return Schemas({row.version: row.config_schema for row in connection.execute(query)})


def config_of(content: bytes) -> dict[str, Any]:
    """The configuration in canonical JSON."""
    found: dict[str, Any] = json.loads(content) if content else {}
    return found
