"""What the trial of a configuration acts on and asks. Usage: `World(store=…, prepare=…, …)`, joined by the app."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wayside.v1 import node_pb2
from wayside_agent.core.config_state import Moment
from wayside_agent.core.gate import Vitals
from wayside_agent.ports.configs import ConfigStore
from wayside_agent.services.config_recovery import Prepare

LOOK_PERIOD_S = 0.5
"""Between two looks at the vitals of a unit with a configuration on trial."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything the service acts on and asks."""

    store: ConfigStore
    prepare: Prepare
    report: Callable[[node_pb2.ConfigReport], Awaitable[int]]
    """Makes a report durable; its sequence, or 0: it was lost."""
    is_acknowledged: Callable[[int], bool]
    """Whether the manager holds the report of this sequence."""
    vitals: Callable[[], Vitals]
    now: Callable[[], Moment]
    is_release_on_trial: Callable[[], bool] = lambda: False
    is_renewing: Callable[[], bool] = lambda: False
    """Credentials are on their way in: where they are proven the session must stay, so a trial waits."""
    look_period_s: float = LOOK_PERIOD_S
    warm_up_s: float = 5.0
    """From the start of the agent until a trial may begin: vitals of before need the window of the pulse."""
