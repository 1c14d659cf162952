"""What the unit says of its configuration: the state as a report.

Usage: `state_report(state, running)` after every change of the state.
"""

from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.config_state import (
    DEFAULT_TIMEOUT_S,
    MAX_TIMEOUT_S,
    MIN_TIMEOUT_S,
    Config,
    ConfigState,
    Decision,
    Phase,
    Target,
)
from wayside_agent.core.config_trial import subject

MAX_MESSAGE_CHARS = 2000  # of a report; the manager takes 64 KiB
MAX_CONTENT_BYTES = 48 * 1024
"""Of what runs, in a report. A larger one is said by its revision, and in the health report by its hash."""
Outcome = node_pb2.ConfigReport.Outcome
_OUTCOMES = {
    Phase.COMMITTED: Outcome.OUTCOME_APPLIED,
    Phase.PROVISIONAL: Outcome.OUTCOME_PROVISIONAL,
    Phase.REVERTED: Outcome.OUTCOME_REVERTED,
    Phase.REJECTED: Outcome.OUTCOME_REJECTED,
}
_DECISIONS = {
    wire.ConfigTarget.DECISION_HOLD: Decision.HOLD,
    wire.ConfigTarget.DECISION_CONFIRM: Decision.CONFIRM,
    wire.ConfigTarget.DECISION_CANCEL: Decision.CANCEL,
}


def target_of(state: wire.DesiredState) -> Target | None:
    """The configuration the manager wants; `None`: whatever runs. A time out of range is taken to the nearest bound."""
    if not state.HasField("config"):
        return None
    config = state.config
    timeout_s = DEFAULT_TIMEOUT_S
    if config.HasField("trial_timeout"):
        timeout_s = min(max(config.trial_timeout.ToNanoseconds() / 1e9, MIN_TIMEOUT_S), MAX_TIMEOUT_S)
    decision = _DECISIONS.get(config.decision, Decision.GATE)
    return Target(config.revision, config.sha256, config.trial, timeout_s, decision)


def state_report(state: ConfigState, running: Config) -> node_pb2.ConfigReport:
    """The report on the present phase; `running` is what runs now."""
    revision, _, trial = subject(state)
    message = state.refused[0].message if state.phase in {Phase.REVERTED, Phase.REJECTED} else state.message
    report = _report(_OUTCOMES[state.phase], revision, message, running)
    report.trial = trial
    if state.trial is not None:
        report.trial_remaining.FromMilliseconds(round(state.trial.remaining_s * 1000))
    return report


def left_out_report(
    state: ConfigState, committed: Config, left_out: tuple[str, ...], running: Config
) -> node_pb2.ConfigReport:
    """Why a proven configuration does not run as it was proven.

    It is about the trial that brought it; about a later one that was refused, if there was, which must stay the last
    word on what was asked for last.

    Args:
        state: With what is proven, as it is stored.
        committed: What of it can run; revision 0 if nothing can.
        left_out: One sentence each.
        running: What runs now, which may be on trial.
    """
    is_default = committed.revision == 0
    outcome = Outcome.OUTCOME_REVERTED if is_default else Outcome.OUTCOME_APPLIED
    intro = "the defaults run" if is_default else "it does not run as it was proven"
    message, revision, trial = f"{intro}: {'; '.join(left_out)}", state.committed.revision, state.committed.trial
    if state.phase in {Phase.REVERTED, Phase.REJECTED}:
        outcome, message = _OUTCOMES[state.phase], f"{state.refused[0].message}; revision {revision}: {message}"
        revision, _, trial = subject(state)
    report = _report(outcome, revision, message, running)
    report.trial = trial
    return report


def _report(
    outcome: node_pb2.ConfigReport.Outcome.ValueType, revision: int, message: str, running: Config
) -> node_pb2.ConfigReport:
    if len(message) > MAX_MESSAGE_CHARS:
        message = f"{message[:MAX_MESSAGE_CHARS]}…"
    return node_pb2.ConfigReport(
        revision=revision,
        outcome=outcome,
        running_revision=running.revision,
        message=message,
        running_config=running.content if len(running.content) <= MAX_CONTENT_BYTES else b"",
    )
