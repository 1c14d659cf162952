"""What a unit makes of the messages it hears: a coverage map, doubts, figures for telemetry, samples to pass on.

Sensing calls `take` for every message, thousands a second, with its first members already read; nothing here decodes.
Usage: `sensing.message_taps.append(heard.take)`; `sensing.value_sources.append(heard.figures)`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wayside.v2x.peek import MessageKind, Peek
from wayside_agent.core.heard.coverage import CellCounts, Coverage
from wayside_agent.core.heard.grid import Cell, corners_deg
from wayside_agent.core.heard.plausibility import MAX_RANGE_M, Doubt, Place
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.services.forwarding import Outlet, Stream, Waiting

LOOK_S = 1.0
"""How often place and time of the unit are asked for, and figures are made anew."""
_NANOSECONDS_PER_MILLISECOND = 1_000_000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What it knows of the unit."""

    here: Callable[[], Place | None]
    """Where it stands; `None`: not known."""
    is_time_known: Callable[[], bool]
    mono_s: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Subscription:
    """Samples of one rule, and where they go."""

    stream: Stream
    outlet: Outlet[Any]


class Heard:
    """What one unit hears."""

    def __init__(
        self, around: Surroundings, subscriptions: Sequence[Subscription] = (), *, max_range_m: float = MAX_RANGE_M
    ) -> None:
        """`max_range_m`: nobody farther away is believed."""
        self.coverage = Coverage(max_range_m=max_range_m)
        self.unread_count = 0
        """Messages whose first members could not be read; they are not passed on."""
        self._around = around
        self._subscriptions = tuple(subscriptions)
        self._of_kind: dict[MessageKind, list[Subscription]] = {kind: [] for kind in MessageKind}
        for each in subscriptions:
            self._of_kind[each.stream.sampler.rule.kind].append(each)
        self._here: Place | None = None
        self._knows_time = False
        self._look_due_s = self._figures_due_s = 0.0
        self._figures: dict[str, tuple[float, str]] = {}

    def take(self, message: ReceivedMessage, seen: Peek | None) -> None:
        """Takes a message; cheap, for every one passes here."""
        if seen is None:
            self.unread_count += 1
            return
        now_s = self._around.mono_s()
        if now_s >= self._look_due_s:
            self._look(now_s)
        utc_ms = message.time_ns // _NANOSECONDS_PER_MILLISECOND % _MINUTE_MS if self._knows_time else None
        doubt = self.coverage.heard(seen, now_s=now_s, utc_ms=utc_ms, here=self._here)
        for each in self._of_kind[message.kind]:
            if each.stream.sampler.takes(seen, message.application_id, now_s):
                each.outlet.offer(Waiting(each.stream, message, doubt))

    def _look(self, now_s: float) -> None:
        self._look_due_s = now_s + LOOK_S
        self._here, self._knows_time = self._around.here(), self._around.is_time_known()

    def figures(self) -> Mapping[str, tuple[float, str]]:
        """For telemetry, with units: rate, share heard and range of the last minute; doubts since the start."""
        now_s = self._around.mono_s()
        if now_s >= self._figures_due_s:
            self._figures_due_s = now_s + LOOK_S
            self._figures = self._made_figures(now_s)
        return self._figures

    def _made_figures(self, now_s: float) -> dict[str, tuple[float, str]]:
        summary, doubts = self.coverage.summary(now_s), self.coverage.doubts
        values: dict[str, tuple[float | None, str]] = {
            "v2x.rate_hz": (round(sum(summary.rate_hz.values()), 2), "Hz"),
            "v2x.pdr_ratio": (summary.pdr_ratio, ""),
            "v2x.range_m": (summary.range_m, "m"),
            "v2x.implausible_count": (float(doubts.total()), ""),
            **{f"v2x.implausible.{doubt}_count": (float(doubts[doubt]), "") for doubt in Doubt},
        }
        return {name: (value, unit) for name, (value, unit) in values.items() if value is not None}

    def picture(self) -> Mapping[str, object]:
        """All that is known, ready for JSON: figures, the coverage map, the subscriptions."""
        now_s = self._around.mono_s()
        summary = self.coverage.summary(now_s)
        return {
            "rate_hz": {kind.value: rate for kind, rate in summary.rate_hz.items()},
            "pdr_ratio": summary.pdr_ratio,
            "range_m": summary.range_m,
            "stations": self.coverage.station_count,
            "unread_count": self.unread_count,
            "implausible_count": {doubt.value: self.coverage.doubts[doubt] for doubt in Doubt},
            "cells": [_cell(cell, counts, now_s) for cell, counts in self.coverage.cells.items()],
            "subscriptions": [_subscription(each) for each in self._subscriptions],
        }


def _cell(cell: Cell, counts: CellCounts, now_s: float) -> dict[str, Any]:
    ratio = counts.pdr_ratio
    return {
        "corners_deg": corners_deg(cell),
        "messages": counts.messages,
        "missed": counts.missed,
        "pdr_ratio": None if ratio is None else round(ratio, 4),
        "stations": counts.stations,
        "furthest_m": round(counts.furthest_m),
        "age_s": round(now_s - counts.heard_s),
    }


def _subscription(each: Subscription) -> dict[str, Any]:
    stream, sampler = each.stream, each.stream.sampler
    return {
        "topic": stream.topic,
        "kind": sampler.rule.kind.value,
        "heard_count": sampler.heard_count,
        "filtered_count": sampler.filtered_count,
        "taken_count": sampler.taken_count,
        "forwarded_count": stream.forwarded_count,
        "dropped_count": stream.dropped_count,
        "fault": each.outlet.fault,
    }
