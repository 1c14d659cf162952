"""Documents the settings file: one JSON Schema with every field, and the options of every installed driver."""

from typing import Any

import msgspec

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
