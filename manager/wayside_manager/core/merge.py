"""Layers of configuration merged into one, as a pure function over plain mappings.

In rising priority, of equals in rising id: a value replaces a value, a list replaces a list, a message merges field by
field. Absent fields change nothing; proto3 cannot tell `false`, 0 or an empty list from absent, so no layer can set one
over another layer's value. Usage: `merged([layer.config for layer in in_order(layers)])`.
"""

from collections.abc import Iterable, Mapping

from wayside_manager.core.configs import ConfigLayerRecord, ConfigMapping
from wayside_manager.core.selectors import Selectable, selects


def in_order(layers: Iterable[ConfigLayerRecord]) -> tuple[ConfigLayerRecord, ...]:
    """The layers, the one that has the last word last."""
    return tuple(sorted(layers, key=lambda layer: (layer.priority, layer.layer_id)))


def reaching(layers: Iterable[ConfigLayerRecord], node: Selectable) -> tuple[ConfigLayerRecord, ...]:
    """The layers that reach a node, in their given order."""
    return tuple(layer for layer in layers if selects(layer.selector, node))


def merged(configs: Iterable[ConfigMapping]) -> dict[str, object]:
    """One configuration out of many, later ones over earlier ones. The arguments are left as they are."""
    result: dict[str, object] = {}
    for config in configs:
        result = _over(result, config)
    return result


def _over(lower: Mapping[str, object], upper: Mapping[str, object]) -> dict[str, object]:
    result = dict(lower)
    for name, value in upper.items():
        present = result.get(name)
        if isinstance(value, Mapping):
            result[name] = _over(present if isinstance(present, Mapping) else {}, value)
        else:
            result[name] = value
    return result
