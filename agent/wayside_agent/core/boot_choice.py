"""Which software starts next: the contents of `boot.json`, shared by the launcher and the slots.

The launcher of the factory installation reads what any later release writes: fields are added, never changed.
Usage: `choice, start = started(decoded(content), complete={"a"})`; write `choice` first, then start.
"""

import json
import zlib
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

FORMAT = 1
TRIES = 2
"""Starts a provisional release has. Two: one power cut during the trial is no fault of the release."""

MAX_STARTS = 10
"""Starts in a row that a release which was chosen for good may break off, between two starts of the machine."""


class ChoiceDamagedError(ValueError):
    """The content of `boot.json` is not what was written."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A slot that starts next, for as long as it has tries left."""

    slot: str
    tries_left: int
    gate_timeout_s: float


@dataclass(frozen=True, slots=True)
class BootChoice:
    """Which software starts. The empty slot is the factory software."""

    active: str = ""
    """Chosen for good."""
    trial: Trial | None = None
    bootable: tuple[str, ...] = ()
    """Slots whose writing was finished."""
    failed_slot: str = ""
    """Slot of the newest trial that ended badly, or that was chosen for good and broke off its starts since."""
    failure: str = ""
    """Why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Start:
    """What the launcher starts now."""

    slot: str = ""
    """Empty: the factory software."""
    gate_timeout_s: float = 0.0
    """More than 0: on trial, for so long."""
    message: str = ""
    """What a person should know; empty: nothing."""


def started(choice: BootChoice, complete: Collection[str]) -> tuple[BootChoice, Start]:
    """The choice to write before starting, and what to start. `complete` names the slots whose files are there."""
    usable = [slot for slot in choice.bootable if slot in complete]
    trial = choice.trial
    if trial is not None and trial.slot in usable and trial.tries_left > 0:
        tried = replace(choice, trial=replace(trial, tries_left=trial.tries_left - 1))
        return tried, Start(trial.slot, trial.gate_timeout_s)
    message = ""
    if trial is not None:
        message = _why_ended(trial, usable)
        choice = replace(choice, trial=None, failed_slot=trial.slot, failure=message)
    if choice.active and choice.active not in usable:
        message = f"slot {choice.active}: its files are not complete; the factory software runs"
        return choice, Start(message=message)
    return choice, Start(choice.active, message=message)


def abandoned(choice: BootChoice) -> BootChoice:
    """The choice after the release that is active broke off its starts: its slot is not started again as it is.

    The factory software runs, not the other slot: that one may hold what was never tried.
    """
    return replace(
        choice,
        active="",
        bootable=tuple(slot for slot in choice.bootable if slot != choice.active),
        failed_slot=choice.active,
        failure=f"slot {choice.active}: the release broke off {MAX_STARTS} starts in a row (it crashed or was killed, "
        "for want of memory or by the watchdog); the factory software runs until it is installed again",
    )


def _why_ended(trial: Trial, usable: Collection[str]) -> str:
    if trial.slot not in usable:
        return f"slot {trial.slot}: its files are not complete, the release before runs again"
    return (
        f"slot {trial.slot}: the release ended in every one of its starts without passing its health gate "
        f"(it crashed, hung for {trial.gate_timeout_s:.0f} s or lost power); the release before runs again"
    )


def encoded(choice: BootChoice) -> bytes:
    """The choice as the content of `boot.json`: JSON with a checksum of its own."""
    body = asdict(choice)
    return json.dumps({"format": FORMAT, "crc32": _check(body), "choice": body}, indent=1).encode() + b"\n"


def decoded(content: bytes) -> BootChoice:
    """The choice in the content of `boot.json`.

    Raises: ChoiceDamagedError: damaged, or of another format.
    """
    try:
        return _choice_in(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ChoiceDamagedError(str(error) or type(error).__name__) from error


def _choice_in(document: dict[str, Any]) -> BootChoice:
    if document["format"] != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    body = document["choice"]
    if document["crc32"] != _check(body):
        raise ValueError("its checksum is wrong")
    trial = body.get("trial")
    return BootChoice(
        active=str(body.get("active", "")),
        trial=Trial(str(trial["slot"]), int(trial["tries_left"]), float(trial["gate_timeout_s"])) if trial else None,
        bootable=tuple(str(slot) for slot in body.get("bootable", ())),
        failed_slot=str(body.get("failed_slot", "")),
        failure=str(body.get("failure", "")),
    )


def _check(body: object) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())
