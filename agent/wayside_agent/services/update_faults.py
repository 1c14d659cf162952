"""Faults of the unit itself that may pass: a helper that was killed, a disk that refused or was full.

They end an update only when they came again and again: the same step is taken once more, after a pause that doubles.
Usage: `wait_s = pause_s(error, update.fault_count)`; `None`: the update has failed.
"""

from wayside.errors import ResourceExhaustedError, WaysideError
from wayside_agent.ports.errors import DeviceError

MAX_FAULTS = 5
"""Of one phase; the next one ends the update. With the pauses that is five minutes."""
BASE_S = 10.0


def pause_s(error: WaysideError, fault_count: int) -> float | None:
    """How long to wait before the step is taken again [s]; `None`: it is no such fault, or came too often.

    Args:
        error: What the step ended with.
        fault_count: Such faults before it, in this phase.
    """
    if not isinstance(error, DeviceError | ResourceExhaustedError) or fault_count >= MAX_FAULTS:
        return None
    return BASE_S * 2.0**fault_count
