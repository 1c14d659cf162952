"""Variables of nodes and sites in the texts of a configuration.

`${name}` stands for a variable: the node's own before that of its site; built in are `${node.id}`, `${node.esn}`,
`${node.kind}` and `${site.id}`. A text that is one reference and nothing else takes the variable's type, a longer one
takes its text. `$${` is a literal `${`. What a variable brings is not looked at again. Usage:

    template = Template({"telemetry": {"topic_prefix": "road/${site.id}", "broker_port": "${port}"}})
    template.names == {"site.id", "port"}
    template.filled({"site.id": "k12", "port": 1883}) == ({"telemetry": {...}}, ())
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from wayside_manager.core.config_diff import Path, shown
from wayside_manager.core.configs import ConfigMapping

VariableValue: TypeAlias = str | int | float | bool
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}\Z")
"""What a variable may be called."""
BUILT_IN = frozenset({"node.id", "node.esn", "node.kind", "site.id"})

_REFERENCE = re.compile(r"\$\$\{|\$\{([^${}]*)\}|\$\{")
_WHOLE = re.compile(r"\$\{([^${}]*)\}\Z")


def references(text: str) -> Iterator[str]:
    """Names a text refers to, malformed ones as well."""
    for found in _REFERENCE.finditer(text):
        if not found[0].startswith("$$"):
            yield found[1] if found[1] is not None else found.string[found.start() : found.start() + 20]


def names_in(value: object) -> frozenset[str]:
    """Names that any text in a JSON value refers to."""
    if isinstance(value, str):
        return frozenset(references(value)) if "${" in value else frozenset()
    parts: Any = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return frozenset().union(*map(names_in, parts))


def known_variables(
    *,
    node_id: str,
    esn: str,
    kind: str,
    site_id: str,
    own: Mapping[str, VariableValue],
    of_site: Mapping[str, VariableValue],
) -> dict[str, VariableValue]:
    """Every variable of one node. `site.id` is not there when it has no site."""
    built_in: dict[str, VariableValue] = {"node.id": node_id, "node.esn": esn, "node.kind": kind}
    if site_id:
        built_in["site.id"] = site_id
    return {**of_site, **own, **built_in}


def origin_of(name: str, *, node_id: str, site_id: str, own: Mapping[str, VariableValue], of_site: object) -> str:
    """Where a variable comes from, by name: `nodes/rsu-1` or `sites/k12`. Empty: it is not there."""
    if name in {"node.id", "node.esn", "node.kind"} or (name in own and name != "site.id"):
        return f"nodes/{node_id}"
    if site_id and (name == "site.id" or (isinstance(of_site, Mapping) and name in of_site)):
        return f"sites/{site_id}"
    return ""


class Template:
    """A merged configuration before variables, made ready to be filled for many nodes."""

    def __init__(self, config: ConfigMapping) -> None:
        self._config = config
        self.names = names_in(config)
        """Variables it refers to."""
        self.ordered_names = tuple(sorted(self.names))
        self._may_change = bool(self.names) or _has_escape(config)

    def filled(self, variables: Mapping[str, VariableValue]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The configuration with the variables in their places, and one sentence per reference that has none.

        Who ignores the sentences finds the reference as it was written.
        """
        problems: list[str] = []
        result = _filled(self._config, (), variables, problems) if self._may_change else self._config
        return dict(result), tuple(problems)


def _has_escape(value: object) -> bool:
    if isinstance(value, str):
        return "$${" in value
    parts: Any = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return any(map(_has_escape, parts))


def _filled(value: Any, path: Path, variables: Mapping[str, VariableValue], problems: list[str]) -> Any:  # noqa: ANN401  # JSON
    if isinstance(value, Mapping):
        return {name: _filled(part, (*path, name), variables, problems) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(part, path, variables, problems) for part in value]
    if isinstance(value, str) and "${" in value:
        return _filled_text(value, path, variables, problems)
    return value


def _filled_text(text: str, path: Path, variables: Mapping[str, VariableValue], problems: list[str]) -> VariableValue:
    whole = _WHOLE.match(text)
    if whole and whole[1] in variables:
        return variables[whole[1]]

    def replacement(found: re.Match[str]) -> str:
        if found[0] == "$${":
            return "${"
        name = found[1]
        if name is not None and name in variables:
            return _as_text(variables[name])
        problems.append(_problem(path, name))
        return found[0]

    return _REFERENCE.sub(replacement, text)


def _problem(path: Path, name: str | None) -> str:
    if name is None or not NAME.match(name):
        return f"{shown(path)}: a reference is written ${{name}}, and a literal one $${{"
    if name in BUILT_IN:
        return f"{shown(path)}: ${{{name}}} is not known; give the node a site"
    return f"{shown(path)}: there is no variable {name}; set it on the node or on its site"


def _as_text(value: VariableValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
