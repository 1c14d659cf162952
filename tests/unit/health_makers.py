"""Health as units report it, for tests: `check("gnss.fix", FAILED)`."""

from typing import Any

from wayside_manager.core.node_health import CheckFacts, HealthState

OK, DEGRADED, FAILED, UNKNOWN = HealthState.OK, HealthState.DEGRADED, HealthState.FAILED, HealthState.UNKNOWN


def check(name: str, state: HealthState = OK, **fields: Any) -> CheckFacts:  # noqa: ANN401  # of the record
    """A check; one that is not ok has a reason."""
    return CheckFacts(name, state, **({"reason": f"{name} is bad"} if state is not OK else {}) | fields)
