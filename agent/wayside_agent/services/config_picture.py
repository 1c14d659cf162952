"""What `wayside-agent status` shows of the configuration.

Usage: `picture(desired.state, desired.running)`: one mapping, ready for JSON.
"""

from wayside_agent.core.config_state import Config, ConfigState


def picture(state: ConfigState, running: Config) -> dict[str, object]:
    """What runs, what is on trial and for how long still, and what was refused, newest first."""
    trial = state.trial
    return {
        "running_revision": running.revision,
        "running_sha256": running.sha256,
        "proven_revision": state.committed.revision,
        "trial": trial.config.trial if trial else "",
        "trial_revision": trial.config.revision if trial else 0,
        "trial_remaining_seconds": round(trial.remaining_s, 1) if trial else 0.0,
        "trial_decision": str(trial.decision) if trial else "",
        "refused": [
            {"revision": each.key[0], "trial": each.key[2], "phase": str(each.phase), "message": each.message}
            for each in state.refused
        ],
    }
