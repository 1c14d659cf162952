"""Every parser that sees bytes before it knows who sent them: one table, one harness each."""

from tests.fuzz import (
    agent_targets,
    alarm_targets,
    broadcast_targets,
    config_targets,
    event_targets,
    health_targets,
    identity_targets,
    job_targets,
    manager_targets,
    people_targets,
    perception_targets,
    place_targets,
    platform_targets,
    release_trust_targets,
    rollout_targets,
    update_targets,
    v2x_targets,
    value_targets,
)
from tests.fuzz.engine import Target

TARGETS: tuple[Target, ...] = (
    *manager_targets.TARGETS,
    *identity_targets.TARGETS,
    *people_targets.TARGETS,
    *place_targets.TARGETS,
    *config_targets.TARGETS,
    *event_targets.TARGETS,
    *health_targets.TARGETS,
    *alarm_targets.TARGETS,
    *release_trust_targets.TARGETS,
    *rollout_targets.TARGETS,
    *job_targets.TARGETS,
    *broadcast_targets.TARGETS,
    *update_targets.TARGETS,
    *v2x_targets.TARGETS,
    *perception_targets.TARGETS,
    *platform_targets.TARGETS,
    *value_targets.TARGETS,
    *agent_targets.TARGETS,
)
BY_NAME = {target.name: target for target in TARGETS}
