"""Documents the settings file, with the options of every installed driver, and what may be set from afar."""

from typing import Any

import msgspec

from wayside import node_config
from wayside_agent import registry
from wayside_agent.settings import Settings


def settings_schema() -> dict[str, Any]:
    """JSON Schema of the TOML file; `x-drivers` holds the options of each driver by group and name."""
    schema = msgspec.json.schema(Settings)
    schema["x-drivers"] = {
        group: {
            name: msgspec.json.schema(registry.loaded(entry, field=group).Options)
            for name, entry in sorted(registry.registered(group).items())
        }
        for group in registry.GROUPS
    }
    return schema


def remote_schema() -> dict[str, Any]:
    """JSON Schema of the configuration that this agent takes from the manager."""
    return node_config.schema()
