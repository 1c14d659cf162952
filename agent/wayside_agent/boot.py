"""The launcher: starts the release that is chosen, or the factory software it belongs to.

It lives in the factory installation, runs before anything else is imported and replaces its own process, so that the
supervisor keeps its process id. A release on trial runs under an alarm: it survives `execve`, and kills what hangs.
One that was chosen for good is left too if it breaks off start after start while the machine stays up: it could not
be updated any more.
Usage: `boot.launch(state_dir, sys.argv[1:])` returns if this installation itself is to run, and in the release; then
`boot.excuse(state_dir)` as soon as it is up for long, or ends for a reason.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from wayside_agent.core.boot_choice import (
    MAX_STARTS,
    BootChoice,
    ChoiceDamagedError,
    Start,
    abandoned,
    decoded,
    encoded,
    started,
)
from wayside_agent.drivers.slot_starts import SlotStarts

SLOT_VARIABLE = "WAYSIDE_SLOT"
TRIAL_VARIABLE = "WAYSIDE_BOOT"
ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""Of the C library, for all threads; as in the unit file. An update then takes half the memory it would."""
GATE_MARGIN_S = 30
"""Time a release on trial has beyond its gate, to start and to go back by itself."""
MAX_ALARM_S = 2 * 3600
"""Twice the longest gate; a damaged value must not switch the alarm off."""
UP_S = 300.0
"""A release that runs for so long can be updated: its starts before are forgotten."""


def launch(state_dir: Path, arguments: Sequence[str], *, margin_s: int = GATE_MARGIN_S) -> None:
    """Replaces this process by the chosen release; returns if the factory software is to run, or runs a slot already.

    `arguments` are those of `wayside-agent`. What a person should know goes to stderr; nothing is raised.
    """
    slots = state_dir / "slots"
    if slot := os.environ.get(SLOT_VARIABLE):
        SlotStarts(slots).sign_in(slot)
        return
    start = next_start(slots)
    is_for_good = start.slot and not start.gate_timeout_s
    if is_for_good and SlotStarts(slots).begin(start.slot) >= MAX_STARTS:
        start = _left(slots, start)
    if start.message:
        _say(start.message)
    if start.slot:
        _become(slots / start.slot / "site", start, arguments, margin_s)


def next_start(slots: Path) -> Start:
    """What to start now; the choice is on the disk, with one try fewer if it is a trial, when this returns."""
    choice = _read(slots / "boot.json")
    complete = {slot for slot in choice.bootable if (slots / slot / "slot.json").is_file()}
    following, start = started(choice, complete)
    if following == choice:
        return start
    try:
        _write(slots / "boot.json", encoded(following))
    except OSError as error:
        # without a durable count of tries a bad release would be started for ever
        return Start(choice.active if choice.active in complete else "", message=f"boot.json: {error}; no trial")
    return start


def excuse(state_dir: Path) -> None:
    """Forgets the starts that were counted: the release is up, or ended for a reason of its own. Nothing is raised."""
    SlotStarts(state_dir / "slots").excuse()


def _left(slots: Path, start: Start) -> Start:
    """The start of the factory software in the place of a release for good; the same if the disk does not take that."""
    choice = abandoned(_read(slots / "boot.json"))
    try:
        _write(slots / "boot.json", encoded(choice))
    except OSError:  # it may run this time
        return start
    SlotStarts(slots).excuse()  # the same release may be installed again
    return Start(message=choice.failure)


def _become(site: Path, start: Start, arguments: Sequence[str], margin_s: int) -> None:
    own = {"PYTHONPATH": str(site), SLOT_VARIABLE: start.slot, "PYTHONDONTWRITEBYTECODE": "1"}
    environment = ONE_HEAP | os.environ | own
    if start.gate_timeout_s > 0:
        environment[TRIAL_VARIABLE] = "provisional"
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
        signal.alarm(int(min(start.gate_timeout_s + margin_s, MAX_ALARM_S)) + 1)
    # -S -P: the slot is the only place packages come from; the factory's own would hide what a release lacks
    command = [sys.executable, "-s", "-S", "-P", "-m", "wayside_agent", *arguments]
    sys.stdout.flush()
    try:
        os.execve(sys.executable, command, environment)  # noqa: S606 # the chosen release becomes this process
    except OSError as error:
        signal.alarm(0)
        _say(f"slot {start.slot}: cannot be started ({error}); the factory software runs")


def _read(path: Path) -> BootChoice:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return BootChoice()
    except OSError as error:
        _say(f"{path}: cannot be read ({error.strerror}); the factory software runs")
        return BootChoice()
    try:
        return decoded(content)
    except ChoiceDamagedError as error:
        _set_aside(path, error)
        return BootChoice()


def _set_aside(path: Path, error: Exception) -> None:
    aside = path.with_name("boot.json.corrupt")
    _say(f"{path}: damaged ({error}); kept as {aside.name}, the factory software runs until it is updated again")
    try:
        path.replace(aside)
    except OSError as refused:
        _say(f"{path}: cannot be moved aside ({refused.strerror})")


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(".boot.json.new")
    with fresh.open("wb") as file:
        os.fchmod(file.fileno(), 0o644)  # the helper reads it, perhaps as another user
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _say(message: str) -> None:
    sys.stderr.write(f"wayside-agent: {message}\n")
    sys.stderr.flush()
