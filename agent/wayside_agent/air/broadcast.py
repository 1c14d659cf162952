"""An RSU repeats MAP and RSI: those of its settings, and those that platforms may bring."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from wayside.errors import InvalidArgumentError
from wayside.v2x.profile import Profile
from wayside.v2x.uper import EncodeError
from wayside_agent.core.broadcasts import Broadcast, BroadcastError, broadcasts_of, phases_of
from wayside_agent.drivers.broadcast_files import BroadcastFiles
from wayside_agent.ports.devices import Radio
from wayside_agent.services.v2x_broadcast import MAX_COUNT, Repeater, World
from wayside_agent.settings import Settings

MAX_FILE_BYTES = 1024 * 1024
OWN = "settings"


def repeater(unit: Settings, radio: Radio | None, *, utc_s: Callable[[], float | None]) -> Repeater | None:
    """What repeats for a roadside unit; `None`: the unit is none, or has no radio, and its settings name nothing.

    Raises: InvalidArgumentError: a file cannot be broadcast, or contradicts the signal's settings.
    """
    files = unit.v2x.broadcast_files
    may_come = any({"map", "rsi", "rsm"} & set(each.allow) for each in unit.v2x.platforms.values())
    can = unit.node.kind == "rsu" and radio is not None
    if not files and not may_come and not can:
        return None
    if unit.node.kind != "rsu" or radio is None:
        raise InvalidArgumentError("field v2x.broadcast_files: only an RSU with a radio can broadcast MAP and RSI")
    profile = Profile(unit.v2x.profile)
    own = [
        piece
        for index, name in enumerate(files)
        for piece in _read(Path(name), profile, field=f"v2x.broadcast_files[{index}]")
    ]
    _check_phases(unit, own)
    shelf = BroadcastFiles(Path(unit.state_dir) / "broadcasts")
    signal = unit.v2x.signal
    phases = {} if signal is None else {(signal.region, signal.node): frozenset(signal.phase_ids.values())}
    return Repeater(World(shelf, profile, radio.send, utc_s, own, phases, aids=frozenset(unit.v2x.send_aids)))


def _read(path: Path, profile: Profile, *, field: str) -> list[Broadcast]:
    """Documents of `wayside-agent v2x decode`, one a line."""
    from wayside.v2x.readable import parsed  # 1 MB that a unit without files does without

    found: list[Broadcast] = []
    try:
        lines = _lines(path)
        for line in lines:
            document = msgspec.json.decode(line, type=dict[str, object])
            found += broadcasts_of(parsed(_message_of(document)), profile, source=OWN)
    except OSError as error:
        raise InvalidArgumentError(f"field {field}: {path} cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, EncodeError, BroadcastError) as error:
        raise InvalidArgumentError(f"field {field}: {path}: {error}") from error
    if not found:
        raise InvalidArgumentError(f"field {field}: {path} holds no message; give documents of `wayside-agent v2x`")
    return found


def _lines(path: Path) -> list[bytes]:
    """Raises: OSError; BroadcastError: there are too many."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    lines = [each for each in content.splitlines() if each.strip()]
    if len(content) > MAX_FILE_BYTES or len(lines) > MAX_COUNT:
        raise BroadcastError(f"it has more than {MAX_COUNT} messages, or {MAX_FILE_BYTES} bytes")
    return lines


def _message_of(document: dict[str, object]) -> dict[str, object]:
    """The message in a document, which may have the time and AID beside it."""
    inner = document.get("message")
    return inner if isinstance(inner, dict) else document


def _check_phases(unit: Settings, own: list[Broadcast]) -> None:
    """Raises: InvalidArgumentError: the signal speaks of phases that the map of its crossing does not have."""
    signal = unit.v2x.signal
    phases = None if signal is None else phases_of(own, signal.region, signal.node)
    if signal is None or phases is None:
        return
    if missing := sorted(set(signal.phase_ids.values()) - phases):
        raise InvalidArgumentError(
            f"field v2x.signal.phase_ids: the MAP of crossing {signal.region}/{signal.node} has no phase "
            f"{', '.join(map(str, missing))}; it has {', '.join(map(str, sorted(phases))) or 'none'}"
        )
