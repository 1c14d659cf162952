"""Every registered driver is documented, and what settings say wrong of it is one sentence."""

from importlib import import_module

import pytest

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_agent import registry
from wayside_agent.cli.schema import settings_schema
from wayside_agent.settings import CanBus, Driver

DRIVERS = [(group, name) for group in registry.GROUPS for name in registry.registered(group)]


@pytest.mark.parametrize(("group", "name"), DRIVERS)
def test_every_option_of_a_driver_is_described(group: str, name: str) -> None:
    options = registry.registered(group)[name].load().Options
    drivers = settings_schema()["x-drivers"]
    definition = drivers[group][name]["$defs"][options.__name__]
    for field, schema in definition.get("properties", {}).items():
        described = [schema, *schema.get("anyOf", [])]
        assert any("description" in each for each in described), f"{group} {name}: option {field}"


@pytest.mark.parametrize(("group", "name"), DRIVERS)
def test_every_driver_says_what_it_was_tested_with(group: str, name: str) -> None:
    entry = registry.registered(group)[name]
    document = import_module(entry.module).__doc__ or ""
    assert "Tested with:" in document, entry.module
    assert "Source:" in document, entry.module


def test_every_group_has_a_simulator_or_a_replay() -> None:
    for group in ("wayside.can", "wayside.gnss", "wayside.radio"):
        assert {"simulator", "replay"} <= registry.registered(group).keys()


def test_an_unknown_driver_names_those_there_are() -> None:
    with pytest.raises(NotFoundError, match=r"field gnss\.driver: no driver 'magic' is installed; there are: gpsd, "):
        registry.made("wayside.gnss", Driver(driver="magic"), field="gnss")


def test_a_wrong_option_is_named_with_its_path() -> None:
    bus = CanBus(name="body", driver="replay", options={"path": 7})
    with pytest.raises(InvalidArgumentError, match=r"field can\[0\]\.options: Expected str, got int.*options\.path"):
        registry.made("wayside.can", bus, field="can[0]")


def test_an_option_the_driver_does_not_have_is_refused() -> None:
    bus = CanBus(name="body", driver="simulator", options={"colour": "red"})
    with pytest.raises(InvalidArgumentError, match="unknown field colour"):
        registry.made("wayside.can", bus, field="can[0]")
