"""Which way to a release is taken: its delta, the whole of it, or none yet.

Usage: `choice = fetch_choice(update, is_metered=True)`; `choice.way is Way.WAIT` says why in `choice.why`.
Nobody falls back to the whole against the fetch policy of the rollout: a fleet of mobile lines would pay for it.
"""

from dataclasses import dataclass
from enum import StrEnum

from wayside_agent.core.update import FetchPolicy, Update


class Way(StrEnum):
    """How a release comes onto the unit."""

    DELTA = "DELTA"
    WHOLE = "WHOLE"
    WAIT = "WAIT"


@dataclass(frozen=True, slots=True)
class FetchChoice:
    """A way, and why nothing is fetched."""

    way: Way
    why: str = ""
    """One sentence, for WAIT only."""


def fetch_choice(update: Update, *, is_metered: bool) -> FetchChoice:
    """The way that the policy allows now. What of the whole is there already is gone on with, if it still may be."""
    target = update.target
    policy = target.fetch_policy if target else FetchPolicy.ANY
    whole = _whole(policy, is_metered=is_metered, problem=update.delta_problem)
    has_begun_whole = not update.is_delta and update.downloaded_bytes > 0
    has_delta = target is not None and target.delta is not None and not update.delta_problem
    if has_delta and not (has_begun_whole and whole.way is Way.WHOLE):
        return FetchChoice(Way.DELTA)
    return whole


def _whole(policy: FetchPolicy, *, is_metered: bool, problem: str) -> FetchChoice:
    because = f" (the delta was of no use: {problem})" if problem else ", and there is none yet"
    if policy is FetchPolicy.NEVER_FULL:
        return FetchChoice(Way.WAIT, f"fetch policy: only a delta may be fetched{because}")
    if policy is FetchPolicy.FULL_UNMETERED and is_metered:
        return FetchChoice(Way.WAIT, f"fetch policy: over a metered line only a delta may be fetched{because}")
    return FetchChoice(Way.WHOLE)
