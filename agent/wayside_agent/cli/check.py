"""`wayside-agent check`: tries everything the settings name, one line each, and changes nothing."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wayside.errors import UnavailableError, WaysideError
from wayside_agent import registry
from wayside_agent.air import signal
from wayside_agent.drivers.identity import IdentityFiles, check_broker_key
from wayside_agent.ports.components import Activation, ComponentDriver
from wayside_agent.ports.opened import Opened
from wayside_agent.services.component_versions import ComponentVersions
from wayside_agent.settings import Settings

OPEN_TIMEOUT_S = 10.0
MIN_FREE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """What one trial showed."""

    is_ok: bool
    message: str


async def findings(unit: Settings) -> list[Finding]:
    """What every trial showed: identity, disk, each driver and component, the manager's address."""
    found = [_identity(unit), _disk(unit)]
    try:
        devices, components = _devices(unit), registry.components(unit)
    except WaysideError as error:
        return [*found, Finding(is_ok=False, message=str(error))]
    found += [await _opened(label, device) for label, device in devices]
    found += await _platforms(unit)
    found += await _display(unit)
    found += await _perception(unit)
    found += await _versions(components, can_restart=bool(unit.update.reboot_command))
    return [*found, await _reached(unit.manager.device_address)]


def _devices(unit: Settings) -> list[tuple[str, Opened]]:
    devices: list[tuple[str, Opened]] = [(f"CAN bus {name}", bus) for name, bus in registry.can_buses(unit).items()]
    gnss, radio = registry.gnss(unit), registry.radio(unit)
    devices += [("GNSS", gnss)] if gnss else []
    devices += [("radio", radio)] if radio else []
    signal.check_platform(unit)
    controller = registry.signal_controller(unit)
    devices += [("signal controller", controller)] if controller else []
    return devices + [(f"sensor feed {index}", feed) for index, feed in enumerate(registry.feeds(unit))]


def _identity(unit: Settings) -> Finding:
    try:
        keys = registry.key_store(unit.identity)
        identity = IdentityFiles(Path(unit.state_dir) / "identity", keys).load()
        check_broker_key(identity, is_shown_to_broker=unit.mqtt.use_node_certificate)
    except WaysideError as error:
        return Finding(is_ok=False, message=str(error))
    return Finding(is_ok=True, message=f"enrolled as nodes/{identity.node_id}")


def _disk(unit: Settings) -> Finding:
    directory = Path(unit.state_dir)
    try:
        free_bytes = shutil.disk_usage(directory).free
    except OSError as error:
        return Finding(
            is_ok=False, message=f"field state_dir: {directory}: {error.strerror}; create it or name another"
        )
    is_enough = free_bytes >= MIN_FREE_BYTES
    advice = "" if is_enough else "; free some, the spools and the next release need it"
    return Finding(is_ok=is_enough, message=f"{directory}: {free_bytes // 1_000_000} MB free{advice}")


async def _opened(label: str, device: Opened) -> Finding:
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S), device:
            return Finding(is_ok=True, message=f"{label}: opens")
    except WaysideError as error:
        return Finding(is_ok=False, message=f"{label}: {error}")
    except TimeoutError:
        return Finding(is_ok=False, message=f"{label}: did not open within {OPEN_TIMEOUT_S:g} s; check its cabling")


async def _platforms(unit: Settings) -> list[Finding]:
    if not unit.v2x.platforms:
        return []
    from wayside_agent.air.platform_bridges import trial_wires  # as in the agent, who has none does without

    try:
        wires = trial_wires(unit)
    except WaysideError as error:
        return [Finding(is_ok=False, message=str(error))]
    found = []
    for label, wire in wires.items():
        try:
            async with wire:
                found.append(Finding(is_ok=True, message=f"platform {label}: answers"))
        except UnavailableError as error:  # as with the manager
            found.append(Finding(is_ok=True, message=f"platform {label}: not reachable now ({error})"))
        except WaysideError as error:
            found.append(Finding(is_ok=False, message=f"platform {label}: {error}"))
    return found


async def _display(unit: Settings) -> list[Finding]:
    asked = unit.v2x.warnings
    if asked is None:
        return []
    from wayside_agent.air.warnings import trial_display  # as above

    address = f"broker of the warnings, {asked.host}"
    try:
        async with trial_display(asked, unit):
            return [Finding(is_ok=True, message=f"{address}: answers")]
    except WaysideError as error:  # it is the unit's own: without it no driver is warned
        return [Finding(is_ok=False, message=f"{address}: {error}; start it, or correct field v2x.warnings")]


async def _perception(unit: Settings) -> list[Finding]:
    if unit.v2x.perception is None:
        return []
    from wayside_agent.air.perception import feed  # as with platforms

    try:
        async with feed(unit, suffix="-check"):
            return [Finding(is_ok=True, message="v2x.perception: its broker answers")]
    except UnavailableError as error:  # it may start after the agent
        return [Finding(is_ok=True, message=f"v2x.perception: its broker is not reachable now ({error})")]
    except WaysideError as error:
        return [Finding(is_ok=False, message=f"v2x.perception: {error}")]


async def _versions(components: Mapping[str, ComponentDriver], *, can_restart: bool) -> list[Finding]:
    found = []
    for name, each in (await ComponentVersions(components).look()).items():
        is_stuck = components[name].takes_effect is Activation.AT_BOOT and not can_restart
        advice = "; releases that bring it are refused until update.reboot_command is set" if is_stuck else ""
        runs = each.fault or f"runs {each.version or 'no known version'}"
        found.append(Finding(is_ok=not (each.fault or is_stuck), message=f"component {name}: {runs}{advice}"))
    return found


async def _reached(address: str) -> Finding:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (ValueError, OverflowError) as error:  # the resolver and the socket say so of what cannot be an address
        return Finding(is_ok=False, message=f"field manager.device_address: {address!r} is no address ({error})")
    except (OSError, TimeoutError) as error:
        # offline is normal: the unit works without, but whoever installs it wants to know
        return Finding(is_ok=True, message=f"manager {address}: not reachable now ({error}); the agent runs without")
    writer.close()
    return Finding(is_ok=True, message=f"manager {address}: answers")
