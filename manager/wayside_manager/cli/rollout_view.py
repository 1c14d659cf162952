"""Rollouts as people read them.

Usage: `print_rollout(rollout, output)`; `progress(rollout)` is one line for a watch.
"""

from collections.abc import Iterator
from enum import StrEnum

from wayside.v1 import node_pb2, release_pb2, rollout_pb2
from wayside_manager.cli.job_spec import words_of
from wayside_manager.cli.output import (
    Output,
    local_time,
    print_fields,
    print_json,
    print_line,
    print_table,
    worded,
)
from wayside_manager.cli.running import chosen_output, resource_id

COLUMNS = ("ROLLOUT", "TENANT", "BRINGS", "STATE", "NODES", "CREATED", "MESSAGE")
WAVE_COLUMNS = ("WAVE", "NODES", "SUCCEEDED", "FAILED", "BEGAN", "GATE PASSED")
NODE_COLUMNS = ("NODE", "WAVE", "STATE", "SITE", "PHASE", "PROGRESS", "WAITS FOR", "TOLD", "TRIES", "AGAIN", "MESSAGE")

_NODE_STATES = rollout_pb2.RolloutNode.State
_LIVE = (rollout_pb2.Rollout.STATE_RUNNING, rollout_pb2.Rollout.STATE_PAUSED)
_REASONS = rollout_pb2.RolloutWait
_WAITS = {
    _REASONS.REASON_WAVE: "their wave to begin",
    _REASONS.REASON_PAUSED: "the rollout to be resumed",
    _REASONS.REASON_AWAY: "being heard from again",
    _REASONS.REASON_WINDOW: "a maintenance window",
    _REASONS.REASON_CORRIDOR: "others on their corridor to finish",
    _REASONS.REASON_ROOM: "others to finish (max_in_flight_count)",
    _REASONS.REASON_PENALTY: "a calm time, after they came and went too often",
    _REASONS.REASON_RETRY: "their next try",
    _REASONS.REASON_BEGIN: "the time the plan begins at",
    _REASONS.REASON_BUSY: "another rollout that has them under way",
}


class StateWord(StrEnum):
    """Progress of a node, as one writes it."""

    PENDING = "pending"
    IN_FLIGHT = "in-flight"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    LEFT_OUT = "left-out"


def state_value(word: StateWord) -> rollout_pb2.RolloutNode.State.ValueType:
    """The progress on the wire."""
    return _NODE_STATES.STATE_EXPIRED if word is StateWord.LEFT_OUT else _NODE_STATES.Value(f"STATE_{word.name}")


def node_state_word(state: rollout_pb2.RolloutNode.State.ValueType) -> str:
    """`in-flight`; `left-out` is whose turn had not come when the rollout ended."""
    return StateWord.LEFT_OUT if state == _NODE_STATES.STATE_EXPIRED else worded(_NODE_STATES, state, "STATE_")


def state_word(rollout: rollout_pb2.Rollout) -> str:
    """`running`."""
    return worded(rollout_pb2.Rollout.State, rollout.state, "STATE_")


def row(rollout: rollout_pb2.Rollout) -> tuple[object, ...]:
    """Cells under `COLUMNS`."""
    return (
        resource_id(rollout.name),
        resource_id(rollout.tenant),
        brings(rollout),
        state_word(rollout),
        counts(rollout),
        local_time(rollout.create_time),
        rollout.message,
    )


def brings(rollout: rollout_pb2.Rollout) -> str:
    """`release 1.1.0`, `job self-test`, or what changed the configuration: `configLayers/base`."""
    if rollout.HasField("job"):
        return f"job {words_of(rollout.job)}"
    return f"release {resource_id(rollout.release)}" if rollout.release else rollout.config_cause


def counts(rollout: rollout_pb2.Rollout) -> str:
    """`6 pending, 1 in-flight, 3 succeeded`; of an ended rollout nobody is pending, but left out."""
    found: dict[str, int] = {}
    for one in rollout.counts:
        is_over = one.state == _NODE_STATES.STATE_PENDING and rollout.state not in _LIVE
        word = StateWord.LEFT_OUT if is_over else node_state_word(one.state)
        found[word] = found.get(word, 0) + one.node_count
    return ", ".join(f"{count} {word}" for word, count in found.items())


def progress(rollout: rollout_pb2.Rollout) -> str:
    """One line for a watch: `r1 running: wave 2 of 3; 1 in-flight, 3 succeeded; 2 wait for a maintenance window`."""
    begun = sum(wave.HasField("begin_time") for wave in rollout.waves)
    wave = f"wave {begun} of {len(rollout.waves)}" if len(rollout.waves) > 1 else ""
    said = "; ".join(part for part in (wave, counts(rollout), *waits(rollout), rollout.message) if part)
    return f"{resource_id(rollout.name)} {state_word(rollout)}: {said}"


def waits(rollout: rollout_pb2.Rollout) -> Iterator[str]:
    """`2 wait for a maintenance window`, the reason of most nodes first."""
    for one in sorted(rollout.waits, key=lambda wait: -wait.node_count):
        yield f"{one.node_count} wait for {_WAITS.get(one.reason, 'something this program does not know')}"


def print_rollout(rollout: rollout_pb2.Rollout, output: Output | None) -> None:
    """One rollout: its fields, its waves, and what its nodes wait for."""
    if chosen_output(output) is Output.JSON:
        print_json(rollout)
        return
    fields = {name.lower(): value for name, value in zip(COLUMNS, row(rollout), strict=True)}
    fields["retry of"] = resource_id(rollout.retry_of)
    fields["begins"] = local_time(rollout.plan.begin_time) if rollout.plan.HasField("begin_time") else ""
    fields["deadline"] = local_time(rollout.deadline_time)
    print_fields(fields)
    if len(rollout.waves) > 1:
        print_table(WAVE_COLUMNS, (_wave_row(number, wave) for number, wave in enumerate(rollout.waves, 1)))
    for line in waits(rollout):
        print_line(line)


def node_row(node: rollout_pb2.RolloutNode) -> tuple[object, ...]:
    """Cells under `NODE_COLUMNS`."""
    update = node.update
    is_known = update.total_bytes > 0 and update.phase == release_pb2.UpdateReport.PHASE_DOWNLOADING
    outcome = worded(node_pb2.ConfigReport.Outcome, node.config.outcome, "OUTCOME_")
    return (
        resource_id(node.node),
        node.wave,
        node_state_word(node.state),
        resource_id(node.site),
        worded(release_pb2.UpdateReport.Phase, update.phase, "PHASE_") or outcome,
        f"{100 * update.downloaded_bytes // update.total_bytes} %" if is_known else "",
        worded(_REASONS.Reason, node.waits_for, "REASON_"),
        local_time(node.tell_time),
        node.attempt or "",
        local_time(node.retry_time),
        node.message or update.message or "; ".join(update.blockers) or node.config.message,
    )


def _wave_row(number: int, wave: rollout_pb2.WaveProgress) -> tuple[object, ...]:
    return (
        number,
        wave.node_count,
        wave.succeeded_count,
        wave.failed_count,
        local_time(wave.begin_time),
        local_time(wave.pass_time),
    )
