"""Finds drivers by the name under which they are registered, and makes them from a unit's settings.

Drivers are entry points of the groups in `GROUPS`; ours and a third party's look the same. A driver is a class with a
nested msgspec Struct `Options`, and takes one as its argument.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import msgspec

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_agent import settings
from wayside_agent.drivers.key_file import KeyFile
from wayside_agent.ports.components import ComponentDriver
from wayside_agent.ports.devices import FrameSource, Gnss, Radio, SensorFeed
from wayside_agent.ports.keys import KeyStore
from wayside_agent.ports.signal import SignalFeed

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUPS = (
    "wayside.can",
    "wayside.gnss",
    "wayside.radio",
    "wayside.signal",
    "wayside.sensor",
    "wayside.key",
    "wayside.component",
)

Port_co = TypeVar("Port_co", covariant=True)


class DriverClass(Protocol[Port_co]):
    """What an entry point leads to."""

    Options: type[msgspec.Struct]

    def __call__(self, options: Any) -> Port_co:  # noqa: ANN401  # each driver has its own Options
        """Makes the driver; nothing is opened."""


def registered(group: str) -> "Mapping[str, EntryPoint]":
    """The drivers of a group by name."""
    from importlib.metadata import entry_points  # a unit without devices does without

    return {entry.name: entry for entry in entry_points(group=group)}


def made(group: str, chosen: settings.Driver, *, field: str) -> Any:  # noqa: ANN401  # the callers below give the type
    """The driver that settings choose.

    Raises:
        NotFoundError: no driver of that name.
        InvalidArgumentError: its options are wrong; names `field` and the option.
    """
    entries = registered(group)
    entry = entries.get(chosen.driver)
    if entry is None:
        known = ", ".join(sorted(entries)) or "none"
        raise NotFoundError(f"field {field}.driver: no driver {chosen.driver!r} is installed; there are: {known}")
    driver = loaded(entry, field=f"{field}.driver")
    try:
        options = msgspec.convert(chosen.options, driver.Options)
    except msgspec.ValidationError as error:
        reason = str(error).replace("`", "").replace("$.", f"{field}.options.")
        raise InvalidArgumentError(f"field {field}.options: {reason}") from error
    return driver(options)


def loaded(entry: "EntryPoint", *, field: str) -> DriverClass[object]:
    """The class behind an entry point.

    Raises: InvalidArgumentError: something it needs is not installed, or it is no driver; names `field`.
    """
    try:
        driver = entry.load()
    except (ImportError, AttributeError) as error:
        raise InvalidArgumentError(
            f"field {field}: driver {entry.name!r} cannot be loaded ({error}); install what it needs"
        ) from error
    if not hasattr(driver, "Options"):
        raise InvalidArgumentError(f"field {field}: driver {entry.name!r} ({entry.value}) has no Options; correct it")
    return cast("DriverClass[object]", driver)


def can_buses(unit: settings.Settings) -> dict[str, FrameSource]:
    """The CAN buses of a unit by name.

    Raises: NotFoundError, InvalidArgumentError.
    """
    names = [bus.name for bus in unit.can]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgumentError(f"field can.name: two buses are called {name!r}; rename one")
    return {bus.name: made("wayside.can", bus, field=f"can[{index}]") for index, bus in enumerate(unit.can)}


def gnss(unit: settings.Settings) -> Gnss | None:
    """The satellite receiver of a unit.

    Raises: NotFoundError, InvalidArgumentError.
    """
    return None if unit.gnss is None else cast("Gnss", made("wayside.gnss", unit.gnss, field="gnss"))


def radio(unit: settings.Settings) -> Radio | None:
    """The V2X radio of a unit.

    Raises: NotFoundError, InvalidArgumentError.
    """
    return None if unit.radio is None else cast("Radio", made("wayside.radio", unit.radio, field="radio"))


def signal_controller(unit: settings.Settings) -> SignalFeed | None:
    """The signal controller of a unit; `None`: it has none, or a platform speaks for it.

    Raises: NotFoundError, InvalidArgumentError.
    """
    asked = unit.v2x.signal
    if asked is None or asked.platform:
        return None
    given = {"controller": asked.controller, "bind_host": asked.bind_host, "bind_port": asked.bind_port}
    options = {name: value for name, value in given.items() if value} | asked.options
    chosen = settings.Driver(driver=asked.driver, options=options)
    return cast("SignalFeed", made("wayside.signal", chosen, field="v2x.signal"))


def feeds(unit: settings.Settings) -> tuple[SensorFeed, ...]:
    """The sensor feeds of a unit.

    Raises: NotFoundError, InvalidArgumentError.
    """
    chosen = enumerate(unit.sensors)
    return tuple(made("wayside.sensor", feed, field=f"sensors[{index}]") for index, feed in chosen)


def components(unit: settings.Settings) -> dict[str, ComponentDriver]:
    """What a release may bring beside the agent, by name.

    Raises: NotFoundError, InvalidArgumentError.
    """
    names = [each.name for each in unit.components]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgumentError(f"field components.name: two components are called {name!r}; rename one")
    chosen = enumerate(unit.components)
    return {each.name: made("wayside.component", each, field=f"components[{index}]") for index, each in chosen}


def key_store(chosen: settings.IdentitySettings) -> KeyStore:
    """Where the private keys of a unit live.

    Raises: NotFoundError, InvalidArgumentError.
    """
    if chosen == settings.IdentitySettings():  # nearly every unit: spares the search for drivers
        return KeyFile(KeyFile.Options())
    return cast("KeyStore", made("wayside.key", chosen, field="identity"))
