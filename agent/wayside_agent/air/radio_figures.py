"""What the radio has heard and sent since the agent started, by kind and AID, and what is said of signatures.

Usage: `sensing.value_sources.append(figures.values)`; `figures.picture()` for the unit's status.
"""

from collections.abc import Mapping

from wayside_agent.air.guarded import GuardedRadio
from wayside_agent.core.application_id import MESSAGE_IDS
from wayside_agent.services.source_state import RadioState


class RadioFigures:
    """The counts of one radio."""

    def __init__(self, state: RadioState, guard: GuardedRadio | None) -> None:
        """Takes what is counted by sensing and, where the settings have lists, before it."""
        self._state = state
        self._guard = guard

    def picture(self) -> Mapping[str, object]:
        """All of it, ready for JSON; AIDs are keys, so they are text."""
        state, counters = self._state, self._state.counters
        return {
            "heard_by_kind": {kind.value: count for kind, count in state.received.items()},
            "heard_by_aid": _keyed(state.received_by_application),
            "sent_by_kind": {kind.value: count for kind, count in counters.sent_kinds.items()},
            "sent_by_aid": _keyed(counters.sent),
            "malformed_count": counters.malformed_count,
            "foreign_count": counters.foreign_count,
            "dropped_count": counters.dropped_count,
            **({} if self._guard is None else self._guard.picture()),
            **self._signatures(),
        }

    def values(self) -> Mapping[str, tuple[float, str]]:
        """For telemetry, with units: AIDs of messages only, for who invents ids on the air must not invent names."""
        counters, heard = self._state.counters, self._state.received_by_application
        found = {f"radio.{name}": count for name, count in self._signatures().items()}
        found |= {f"radio.sent_{kind.lower()}_count": count for kind, count in counters.sent_kinds.items()}
        found |= {f"radio.aid_{aid}_count": heard[aid] for aid in MESSAGE_IDS if aid in heard}
        found |= {f"radio.sent_aid_{aid}_count": counters.sent[aid] for aid in MESSAGE_IDS if aid in counters.sent}
        guarded = {} if self._guard is None else self._guard.figures()
        return {**guarded, **{name: (float(count), "") for name, count in found.items()}}

    def _signatures(self) -> dict[str, int]:
        """What was found good, found bad, and not found good: bad ones, unseen ones, and what the guard held back."""
        state = self._state
        good, bad = state.verdicts[True], state.verdicts[False]
        held_back = 0 if self._guard is None else self._guard.unverified_count
        return {
            "verified_count": good,
            "bad_signature_count": bad + (0 if self._guard is None else self._guard.bad_signature_count),
            "unverified_count": state.unverified_count + held_back,
        }


def _keyed(counts: Mapping[int, int]) -> dict[str, int]:
    return {str(aid): counts[aid] for aid in sorted(counts)}
