"""A selector in a few words, for tables.

Usage: `described(layer.selector) == "rsu g98:12000..15500 road=G98"`.
"""

from collections.abc import Iterable, Iterator

from wayside.v1 import node_pb2
from wayside_manager.cli.output import worded
from wayside_manager.cli.running import resource_id


def described(selector: node_pb2.NodeSelector) -> str:
    """What a selector names; entries of one field with `|` between, for any of them."""
    return "all nodes" if selector.all_nodes else " ".join(filter(None, _parts(selector)))


def _parts(selector: node_pb2.NodeSelector) -> Iterator[str]:
    yield "|".join(worded(node_pb2.NodeKind, kind, "NODE_KIND_") for kind in selector.kinds)
    yield ",".join(f"{label.key}={label.value}" for label in selector.labels)
    yield _ids("at ", selector.sites)
    yield _any("along ", map(_section, selector.corridors))
    yield _ids("of ", selector.groups)
    yield _ids("inside ", selector.geofences)
    yield f"inside {len(selector.areas)} areas" if selector.areas else ""
    yield _any("model ", selector.models)
    yield _any("version ", selector.versions)
    yield _ids("", selector.nodes)


def _ids(word: str, names: Iterable[str]) -> str:
    return _any(word, map(resource_id, names))


def _any(word: str, texts: Iterable[str]) -> str:
    joined = "|".join(texts)
    return f"{word}{joined}" if joined else ""


def _section(section: node_pb2.CorridorSection) -> str:
    name = resource_id(section.corridor)
    begin = f"{section.begin_stake_meters:g}" if section.HasField("begin_stake_meters") else ""
    end = f"{section.end_stake_meters:g}" if section.HasField("end_stake_meters") else ""
    return f"{name}:{begin}..{end}" if begin or end else name
