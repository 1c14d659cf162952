"""What the operator sees of the demo's units, as questions the story asks."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from wayside_demo.centre import Centre


class Fleet:
    """The units of a centre, from outside."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def node(self, node_id: str) -> dict[str, Any]:
        """What the operator sees of a node."""
        return self._centre.watch.node(node_id)

    def update(self, node_id: str) -> dict[str, Any]:
        """The node's newest word on its software."""
        update: dict[str, Any] = self.node(node_id).get("update", {})
        return update

    def deltas(self, version: str) -> list[dict[str, Any]]:
        """The deltas that lead to a release."""
        found: list[dict[str, Any]] = self._centre.wayside("releases", "show", version).get("deltas", [])
        return found

    def running(self, node_id: str) -> str:
        """The version a node runs."""
        return str(self.update(node_id).get("running_version", ""))

    def running_everywhere(self, node_ids: Iterable[str]) -> str:
        """The version that runs; several, with ` and ` between them, where the units differ."""
        return " and ".join(sorted({self.running(node_id) for node_id in node_ids}))

    def is_online(self, node_id: str) -> bool:
        """Whether a node is heard from and has said what it runs."""
        return self.node(node_id).get("presence") == "PRESENCE_ONLINE" and bool(self.running(node_id))

    def applied_revision(self, node_id: str) -> int:
        """The configuration a node has applied; 0: none yet."""
        report = self.node(node_id).get("config", {})
        return int(report["running_revision"]) if report.get("outcome") == "OUTCOME_APPLIED" else 0

    def has_applied_after(self, node_id: str, revision: int) -> bool:
        """Whether a node has applied a newer configuration than this."""
        return self.applied_revision(node_id) > revision

    def has_committed(self, node_id: str, version: str) -> bool:
        """Whether a node runs a version for good."""
        return self.update(node_id).get("phase") == "PHASE_COMMITTED" and self.running(node_id) == version

    def word_on_rollout(self, node_id: str, rollout: str) -> dict[str, Any]:
        """A node's last word on a rollout."""
        nodes = self._centre.wayside("rollouts", "nodes", rollout)["nodes"]
        words: dict[str, Any] = next(node.get("update", {}) for node in nodes if node["node"] == f"nodes/{node_id}")
        return words

    def is_taken_back(self, node_id: str, rollout: str) -> bool:
        """Whether a node has taken a rollout's release back."""
        return bool(self.word_on_rollout(node_id, rollout).get("phase") == "PHASE_ROLLED_BACK")

    def is_downloading(self, node_id: str) -> bool:
        """Whether a node is past the first quarter of its download."""
        update = self.update(node_id)
        is_under_way = update.get("phase") == "PHASE_DOWNLOADING"
        return is_under_way and int(update["downloaded_bytes"]) > int(update["total_bytes"]) // 4

    def has_resumed(self, node_id: str, size_bytes: int) -> bool:
        """Whether a node went on with its download at this byte or behind it."""
        return int(self.update(node_id).get("resumed_from_bytes", 0)) >= size_bytes

    def owes_nothing_since(self, node_id: str, back_time: datetime) -> bool:
        """Whether a report made after a time has arrived; reports arrive in order, so every older one has, too."""
        sample_time = self.node(node_id).get("health", {}).get("sample_time")
        return sample_time is not None and datetime.fromisoformat(sample_time) > back_time
