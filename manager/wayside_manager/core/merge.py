"""Layers of configuration merged into one by JSON Merge Patch (RFC 7396), and which of them has the last word where.

In rising priority, of equals in rising id: an object merges field by field, anything else replaces, a list replaces a
list, and `None` takes away what lower layers set. Arguments are never changed. Usage:

    layers = in_order(layers)
    config = merged(layer.config for layer in layers)
    setter(layers, ("telemetry", "publish_period_s"))    # the layer that has the last word there
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wayside_manager.core.config_diff import Path, leaves
from wayside_manager.core.configs import MISSING, ConfigLayerRecord, ConfigMapping


def in_order(layers: Iterable[ConfigLayerRecord]) -> tuple[ConfigLayerRecord, ...]:
    """The layers, the one that has the last word last."""
    return tuple(sorted(layers, key=lambda layer: (layer.priority, layer.layer_id)))


def merge_patch(target: object, patch: object) -> object:
    """RFC 7396, section 2: the target with a patch applied."""
    if not isinstance(patch, Mapping):
        return patch
    result: dict[str, object] = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def merged(configs: Iterable[ConfigMapping]) -> dict[str, Any]:
    """One configuration out of many, later ones over earlier ones. No `None` is left in its objects."""
    result: object = {}
    for config in configs:
        result = merge_patch(result, config)
    return dict(result) if isinstance(result, Mapping) else {}


def opinions(layers: Sequence[ConfigLayerRecord], path: Path) -> Iterator[tuple[ConfigLayerRecord, object]]:
    """The layers that say something of a path, the last word last, and what they say; `None`: away with it.

    Who replaces a whole that the path lies in says so of the path as well.
    """
    for layer in layers:
        said = _said(layer.config, path)
        if said is not MISSING:
            yield layer, said


def setter(layers: Sequence[ConfigLayerRecord], path: Path) -> str:
    """Id of the layer that has the last word on a path or on something below it. Empty: none says anything."""
    for layer in reversed(layers):
        if _said(layer.config, path) is not MISSING:
            return layer.layer_id
    return ""


def leaf_paths(layers: Iterable[ConfigLayerRecord]) -> frozenset[Path]:
    """Paths to which any layer gives a value, or `None`."""
    return frozenset(path for layer in layers for path, _ in leaves(layer.config))


def _said(value: object, path: Path) -> object:
    for name in path:
        if not isinstance(value, Mapping):
            return value  # it stands for everything below it: null takes away, a value replaces
        value = value.get(name, MISSING)
        if value is MISSING:
            return MISSING
    return value
