"""Where the values of one node's configuration come from.

Usage: `explained("telemetry", layers=layers, config=config, running=None, schema=schema, origins=origins)`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from wayside.errors import InvalidArgumentError
from wayside_manager.core.config_diff import Path, at, is_below, leaves, parsed, shown
from wayside_manager.core.config_schemas import ConfigSchema
from wayside_manager.core.configs import MISSING, ConfigLayerRecord, ConfigMapping, Explanation, Opinion, Origin
from wayside_manager.core.merge import leaf_paths, opinions
from wayside_manager.core.variables import names_in


def explained(
    path: str,
    *,
    layers: Sequence[ConfigLayerRecord],
    config: ConfigMapping,
    running: ConfigMapping | None,
    schema: ConfigSchema,
    origins: Callable[[str], str],
) -> Explanation:
    """Every value at and below a path, empty: all, that a layer, the node or the schema says something of.

    `layers` are those that reach the node, in their order, `config` is what came out, `running` what the node runs,
    `None`: not known; `origins` says where a variable comes from.
    Raises: InvalidArgumentError: the path is malformed, or nobody knows it.
    """
    wanted = parsed(path)
    said = {*leaf_paths(layers), *_paths(config), *_paths(running or {}), *schema.defaults}
    # of an object and a value in it only the value
    paths = [one for one in _deepest(said) if one[: len(wanted)] == wanted]
    if not paths and wanted:
        # the inside of a list, or a whole above which a value stands
        raise InvalidArgumentError(
            f"path: agent {schema.version} has no {path[:80]}{_hint(schema, wanted)}", reason="PATH_UNKNOWN"
        )
    return Explanation(
        tuple(
            Origin(
                shown(one),
                at(config, one),
                tuple(_opinion(layer, value, origins) for layer, value in opinions(layers, one)),
                schema.default_at(one),
                MISSING if running is None else at(running, one),
            )
            for one in sorted(paths)
        ),
        schema.version,
    )


def _hint(schema: ConfigSchema, wanted: Path) -> str:
    for length in range(len(wanted) - 1, -1, -1):
        known = schema.known_names(wanted[:length])
        if known:
            outer = shown(wanted[:length])
            return f"; {outer or 'a configuration'} has {', '.join(known)}"
    return ""


def _paths(config: ConfigMapping) -> Iterable[Path]:
    return (path for path, _ in leaves(config))


def _deepest(paths: Iterable[Path]) -> list[Path]:
    ordered = sorted(set(paths))
    # what lies below a path follows it directly in this order
    return [one for one, following in zip(ordered, [*ordered[1:], ()], strict=True) if not is_below(following, one)]


def _opinion(layer: ConfigLayerRecord, value: object, origins: Callable[[str], str]) -> Opinion:
    variables: Mapping[str, str] = {name: origins(name) for name in sorted(names_in(value))}
    return Opinion(layer.layer_id, layer.priority, value, variables)
