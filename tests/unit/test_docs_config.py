"""The guide's table of remote settings says what the schema says: every setting, its default and its bounds."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from wayside.node_config import schema

GUIDE = Path(__file__).parents[2] / "docs" / "operate.md"
SCHEMA = schema()


def settings_of(part: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every setting below a part of the schema; `NAME` stands for a key of a map."""
    whole = {**SCHEMA["$defs"][part["$ref"].rpartition("/")[2]], **part} if "$ref" in part else part
    inner = dict(whole.get("properties", {}))
    if isinstance(whole.get("additionalProperties"), Mapping):
        inner["NAME"] = whole["additionalProperties"]
    if not inner:
        yield path, whole
    for name, each in inner.items():
        yield from settings_of(each, f"{path}.{name}" if path else name)


def table() -> dict[str, tuple[str, str]]:
    """Default and bounds per setting, as the guide has them."""
    text = GUIDE.read_text(encoding="utf-8").partition("### What may be set")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    return {path: (default.replace("`", "").partition(":")[0].strip(), bounds) for path, default, bounds in rows}


SETTINGS = dict(settings_of(SCHEMA))


def test_the_guide_names_every_setting_and_no_other() -> None:
    assert set(table()) - {"can.buses.NAME"} == set(SETTINGS)


@pytest.mark.parametrize("path", sorted(SETTINGS))
def test_the_guide_has_default_and_bounds_of_a_setting(path: str) -> None:
    setting = SETTINGS[path]
    default, bounds = table()[path]
    wanted = setting.get("default", "")
    if isinstance(wanted, bool | int | float):
        assert default == (f"{wanted:g}" if not isinstance(wanted, bool) else str(wanted).lower())
    elif wanted and isinstance(wanted, str):
        assert default == wanted
    if "minimum" in setting:
        assert f"{setting['minimum']:.16g} to {setting['maximum']:.16g}" in bounds
    if setting.get("x-wayside-secret"):
        assert "secrets_dir" in bounds
