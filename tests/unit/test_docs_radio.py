"""docs/v2x-radio.md: its settings are settings, and it tells drivers, fields, AIDs and counters of the code."""

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from wayside_agent.core.application_id import MESSAGE_IDS
from wayside_agent.core.frame_layout import Field, Layout
from wayside_agent.v2x_settings import V2xSettings

GUIDE = (Path(__file__).parents[2] / "docs" / "v2x-radio.md").read_text(encoding="utf-8")
EXAMPLES = [msgspec.toml.decode(block.partition("```")[0]) for block in GUIDE.split("```toml")[1:]]
RADIOS = [each["radio"] for each in EXAMPLES if "radio" in each]
DRIVERS = {each.name: each for each in entry_points(group="wayside.radio")}


def test_every_driver_has_an_example_and_a_row() -> None:
    rows = re.findall(r"^\| `([a-z0-9]+)` \|", GUIDE, re.MULTILINE)
    assert sorted(rows) == sorted(DRIVERS) == sorted(each["driver"] for each in RADIOS)


@pytest.mark.parametrize("radio", RADIOS, ids=lambda radio: radio["driver"])
def test_the_options_of_an_example_are_options_of_its_driver(radio: dict[str, Any]) -> None:
    driver = DRIVERS[radio["driver"]].load()
    assert driver(msgspec.convert(radio["options"], driver.Options))


def test_the_lists_of_the_example_are_settings() -> None:
    [v2x] = [each["v2x"] for each in EXAMPLES if "v2x" in each]
    assert msgspec.convert(v2x, V2xSettings).receive_aids == (111, 112, 113, 114)


def test_the_frame_of_the_example_is_a_layout_and_every_field_is_named() -> None:
    [layout] = [each["layout"] for each in EXAMPLES if "layout" in each]
    assert not Layout(fields=msgspec.convert(layout, tuple[Field, ...])).is_bare
    kinds = {each.__struct_config__.tag for each in get_args(Field)}
    assert kinds == {each["kind"] for each in layout} | {"skip"}
    assert "`skip`" in GUIDE


def test_the_table_has_every_aid_of_a_message() -> None:
    table = GUIDE.split("## AIDs")[1].split("## Counters")[0]
    rows = "".join(line for line in table.splitlines() if line.startswith("| "))
    assert {int(aid) for aid in re.findall(r"\b\d{3,4}\b", rows)} >= set(MESSAGE_IDS)


@pytest.mark.parametrize(
    ("speaker", "lacking"),
    [
        ({"vehicle": {}}, "vehicle speaks under AID 111"),
        ({"signal": {"controller": "192.0.2.1", "region": 1, "node": 1, "phase_ids": {2: 1}}}, "signal .* AID 3619"),
    ],
)
def test_a_list_without_the_aid_of_a_service_is_refused(speaker: dict[str, Any], lacking: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=rf"send_aids: {lacking}"):
        msgspec.convert({**speaker, "send_aids": [3618]}, V2xSettings)
    assert msgspec.convert({**speaker, "send_aids": [111, 112, 3619]}, V2xSettings).send_aids == (111, 112, 3619)
