"""Events of rollouts: `rollout.state`, whenever one begins or is in another state than before.

Usage: `tell_state(connection, before, after)` in the transaction that changes it; `before` is `None` for a new one.
"""

from sqlalchemy import Connection

from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.rollout import RolloutRecord, RolloutState
from wayside_manager.store.event_rows import append

_SEVERITIES = {
    RolloutState.RUNNING: Severity.INFO,
    RolloutState.SUCCEEDED: Severity.INFO,
    RolloutState.PAUSED: Severity.WARNING,
    RolloutState.ABORTED: Severity.WARNING,
    RolloutState.FAILED: Severity.MINOR,
}


def tell_state(connection: Connection, before: RolloutRecord | None, after: RolloutRecord) -> None:
    """Appends the event, if there is one to tell."""
    if before is not None and before.state is after.state:
        return
    why = f": {after.message}" if after.message else ""
    event = NewEvent(
        kind="rollout.state",
        time=after.update_time,
        subject=f"rollouts/{after.rollout_id}",
        message=f"rollout {after.rollout_id} of {after.what} is {after.state}{why}",
        severity=_SEVERITIES[after.state],
        tenant_id=after.tenant_id,
        details={
            "from": "" if before is None else str(before.state),
            "to": str(after.state),
            "what": after.what,
            "reason": after.message,
        },
    )
    append(connection, [event], now=after.update_time)
