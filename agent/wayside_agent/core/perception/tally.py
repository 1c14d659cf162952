"""What the eyes of a roadside unit have counted, and how long the way of an object to the air took.

tally = Tally()
tally.said("RSM", group, now_s)     # after its message has gone out
tally.picture(scene, now_s)         # ready for JSON
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wayside_agent.core.perception.latency import Latency
from wayside_agent.core.perception.scene import Scene, SensorState, Track


@dataclass(slots=True)
class Tally:
    """Counts since the agent started, latencies of the last minute or two."""

    document_count: int = 0
    refused_document_count: int = 0
    flooded_count: int = 0
    """Documents beyond the rate; not looked into."""
    sent: Counter[str] = field(default_factory=Counter)
    """Messages by their kind."""
    participant_count: int = 0
    """In them."""
    newest_refusal: str = ""
    """Why the last document, or object, was refused."""
    from_object: Latency = field(default_factory=Latency)
    """From the time a sensor saw an object, to the first message with it."""
    from_reception: Latency = field(default_factory=Latency)
    """From the document's arrival."""

    def said(self, kind: str, group: Sequence[Track], now_s: float) -> None:
        """Takes the objects of a message that has just gone out."""
        self.sent[kind] += 1
        self.participant_count += len(group)
        news = [each for each in group if not each.is_said]
        self.from_object.add([now_s - each.seen_s for each in news], now_s)
        self.from_reception.add([now_s - each.received_s for each in news], now_s)
        for each in news:
            each.is_said = True

    def figures(self, scene: Scene, now_s: float) -> Mapping[str, tuple[float, str]]:
        """For telemetry, with units."""
        values = {
            "v2x.perception.object_count": (float(len(scene.fresh(now_s))), ""),
            "v2x.perception.latency_p50_s": (self.from_object.quantile_s(0.5, now_s), "s"),
            "v2x.perception.latency_p99_s": (self.from_object.quantile_s(0.99, now_s), "s"),
        }
        return {name: (value, unit) for name, (value, unit) in values.items() if value is not None}

    def picture(self, scene: Scene, now_s: float, *, silent: Collection[str]) -> dict[str, Any]:
        """All of it, ready for JSON."""
        sensors = scene.sensors
        return {
            "documents": self.document_count,
            "refused_documents": self.refused_document_count,
            "flooded_documents": self.flooded_count,
            "objects": sum(each.object_count for each in sensors.values()),
            "refused_objects": sum(each.refused_object_count for each in sensors.values()),
            "refused_by_field": dict(scene.refused_fields),
            "newest_refusal": self.newest_refusal,
            "stale_objects": scene.stale_count,
            "objects_now": len(scene.fresh(now_s)),
            "sent_messages": self.sent.total(),
            "sent_by_kind": dict(self.sent),
            "sent_participants": self.participant_count,
            "latency_s": {
                "object_to_air": _quantiles(self.from_object, now_s),
                "reception_to_air": _quantiles(self.from_reception, now_s),
            },
            "sensors": {name: _sensor(each, now_s, is_silent=name in silent) for name, each in sensors.items()},
            "silent_sensors": sorted(silent),
        }


def _quantiles(latency: Latency, now_s: float) -> dict[str, float | int | None]:
    return {
        "p50": latency.quantile_s(0.5, now_s),
        "p99": latency.quantile_s(0.99, now_s),
        "count": latency.count(now_s),
    }


def _sensor(state: SensorState, now_s: float, *, is_silent: bool) -> dict[str, Any]:
    return {
        "documents": state.document_count,
        "objects": state.object_count,
        "refused_objects": state.refused_object_count,
        "newest_refusal": state.newest_refusal,
        "heard_s_ago": None if state.heard_s is None else round(now_s - state.heard_s, 3),
        "fault": state.fault,
        "document_age_s": None if state.age_s is None else round(state.age_s, 3),
        "is_silent": is_silent,
    }
