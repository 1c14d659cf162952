"""Which way to a release is taken: its delta, the whole of it, or none yet.

Usage: `choice = fetch_choice(update, is_metered=True)`; `choice.way is Way.WAIT` says why in `choice.why`. Where it may
be fetched from then: `sources_of(update, target, …)`.
Nobody falls back to the whole against the fetch policy of the rollout: a fleet of mobile lines would pay for it. What a
neighbour sends crosses no metered line.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from wayside_agent.core.sources import LOCAL_SCHEMES, MANAGER, scheme, usable
from wayside_agent.core.update import FetchPolicy, ReleaseTarget, Update


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


def fetch_choice(update: Update, *, is_metered: bool, schemes: Collection[str] = ()) -> FetchChoice:
    """The way that the policy allows now. What of the whole is there already is gone on with, if it still may be.

    `schemes` are those of the URLs that this unit can fetch from.
    """
    target = update.target
    policy = target.fetch_policy if target else FetchPolicy.ANY
    crosses_metered = is_metered and not (target and usable(target.urls, LOCAL_SCHEMES.intersection(schemes)))
    whole = _whole(policy, is_metered=crosses_metered, problem=update.delta_problem)
    has_begun_whole = not update.is_delta and update.downloaded_bytes > 0
    has_delta = target is not None and target.delta is not None and not update.delta_problem
    if has_delta and not (has_begun_whole and whole.way is Way.WHOLE):
        return FetchChoice(Way.DELTA)
    return whole


def sources_of(
    target: ReleaseTarget, *, is_delta: bool, is_metered: bool, schemes: Collection[str] = ()
) -> tuple[str, ...]:
    """Where the artifact may be fetched from, best first, the manager last if the policy lets it; empty: nowhere."""
    urls = (target.delta.urls if target.delta else ()) if is_delta else target.urls
    found = (*usable(urls, schemes), MANAGER)
    if is_delta or target.fetch_policy is FetchPolicy.ANY:
        return found
    if target.fetch_policy is FetchPolicy.NEVER_FULL:
        return ()
    return tuple(each for each in found if scheme(each) in LOCAL_SCHEMES) if is_metered else found


def _whole(policy: FetchPolicy, *, is_metered: bool, problem: str) -> FetchChoice:
    because = f" (the delta was of no use: {problem})" if problem else ", and there is none yet"
    if policy is FetchPolicy.NEVER_FULL:
        return FetchChoice(Way.WAIT, f"fetch policy: only a delta may be fetched{because}")
    if policy is FetchPolicy.FULL_UNMETERED and is_metered:
        return FetchChoice(Way.WAIT, f"fetch policy: over a metered line only a delta may be fetched{because}")
    return FetchChoice(Way.WHOLE)
