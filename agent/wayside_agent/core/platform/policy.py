"""What a platform may have a unit do: nothing but what the unit's settings name. Why: ADR 0026.

    refusal = refused(Subject.MANAGEMENT_DOWN, message, frozenset({Right.RATES}), ttl_s=180)     # None: go on

Releases, configuration and addresses are the manager's alone; no setting gives them away.
"""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from enum import StrEnum

from wayside_agent.core.heard.sampler import Rule, SampleMode
from wayside_agent.core.platform.answer import Answer, Reason
from wayside_agent.core.platform.heartbeat import heartbeat_fault
from wayside_agent.core.platform.messages import Config, Head, Management, Query, SamplingAsked
from wayside_agent.core.platform.subject import Subject


class Right(StrEnum):
    """What the settings can allow."""

    QUERY = "query"
    LOG = "log"
    MAP = "map"
    RSI = "rsi"
    RSM = "rsm"
    SPAT = "spat"
    SAMPLING = "sampling"
    RATES = "rates"
    REBOOT = "reboot"
    UPDATE = "update"
    """Have the manager's operators told that an update is wanted; they decide."""


_SIMPLE = {
    Subject.INFO_QUERY: Right.QUERY,
    Subject.MAP_DOWN: Right.MAP,
    Subject.RSI_DOWN: Right.RSI,
    Subject.RSM_DOWN: Right.RSM,
    Subject.SPAT_DOWN: Right.SPAT,
}
MANAGER_ONLY = "updates come from the manager"


def refused(subject: Subject, message: Head, allowed: AbstractSet[Right], *, ttl_s: float) -> Answer | None:
    """Why a command is not obeyed; `None`: it may be."""
    if subject is Subject.OTA_DOWN:
        return (
            None
            if Right.UPDATE in allowed
            else Answer(Reason.MANAGER_ONLY, f"{MANAGER_ONLY}; ask its operators for a rollout")
        )
    if isinstance(message, Management):
        return _management(message, allowed, ttl_s)
    if isinstance(message, Config):
        return _config(message, allowed)
    if (denied := _denied(_SIMPLE[subject], allowed)) is not None:
        return denied
    if isinstance(message, Query) and message.interval:
        return Answer(Reason.UNSUPPORTED, "interval: each query is answered once; RunningInfo.UP comes by itself")
    return None


def _management(message: Management, allowed: AbstractSet[Right], ttl_s: float) -> Answer | None:
    """One part that may not be done refuses the whole."""
    if message.addressChg is not None:
        return Answer(Reason.MANAGER_ONLY, f"addressChg: {MANAGER_ONLY}, addresses too")
    if message.extendConfig is not None:
        return Answer(Reason.UNSUPPORTED, "extendConfig: this unit has none")
    wanted = (
        (Right.RATES, message.hbRate is not None or message.runningInfoRate is not None),
        (Right.LOG, message.logLevel is not None),
        (Right.REBOOT, bool(message.reboot)),
    )
    for right, is_wanted in wanted:
        if is_wanted and (denied := _denied(right, allowed)) is not None:
            return denied
    if message.hbRate is not None and (fault := heartbeat_fault(message.hbRate, ttl_s)):
        return Answer(Reason.UNSUPPORTED, f"hbRate: {fault}")
    if message.reboot and message.seqNum is None:
        return Answer(Reason.MALFORMED, "reboot: needs a seqNum, by which it is done once")
    return None


def _config(message: Config, allowed: AbstractSet[Right]) -> Answer | None:
    for name in ("mapConfig", "rsiConfig"):
        if getattr(message, name) is not None:
            return Answer(Reason.MANAGER_ONLY, f"{name}: {MANAGER_ONLY}, configuration too")
    if (denied := _denied(Right.SAMPLING, allowed)) is not None:
        return Answer(Reason.MANAGER_ONLY, f"{MANAGER_ONLY}, configuration too; {denied.sentence}")
    if any(each is not None and each.upFilters for each in (message.bsmConfig, message.rsmConfig, message.spatConfig)):
        return Answer(Reason.UNSUPPORTED, "upFilters: filters are those of the unit's settings")
    return None


def _denied(right: Right, allowed: AbstractSet[Right]) -> Answer | None:
    if right in allowed:
        return None
    return Answer(Reason.NOT_ALLOWED, f"the unit's settings do not let this platform do it ({right.value!r} in allow)")


def narrowed(rule: Rule, asked: SamplingAsked) -> Rule:
    """A rule of the settings as a platform wants it: it can have less than they give, never more."""
    limit = rule.limit_per_s
    if asked.upLimit is not None and asked.upLimit >= 0:
        limit = asked.upLimit if limit is None else min(limit, asked.upLimit)
    mode = rule.mode if asked.sampleMode is None else SampleMode(asked.sampleMode)
    if rule.mode is SampleMode.BY_ALL and rule.limit_per_s is not None:
        mode = rule.mode  # the same limit for every sender would be more
    return replace(rule, mode=mode, one_in=max(rule.one_in, asked.sampleRate or 1), limit_per_s=limit)
