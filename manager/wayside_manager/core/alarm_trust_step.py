"""Alarms of what people signed of releases, one step on: raised before it ends, worse near the end, over when renewed.

Usage: `move_trust(draft)`.
"""

from dataclasses import replace
from datetime import timedelta

from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.alarm_draft import Draft
from wayside_manager.core.alarms import AlarmRecord
from wayside_manager.core.events import Severity
from wayside_manager.core.trust_ends import ending


def move_trust(draft: Draft) -> None:
    """Raises, moves and clears them."""
    own = {alarm.subject: alarm for alarm in draft.present.values() if alarm.is_of_trust}
    found = ending(draft.situation.trust_ends, draft.now)
    for subject, alarm in own.items():
        finding = found.pop(subject, None)
        severity = None if finding is None else draft.rule(finding.kind).severity(finding.state)
        if finding is None or severity is None:
            draft.settle(alarm, alarm, is_over=True)
            continue
        worse = Severity(min(severity + alarm.escalation_level, Severity.CRITICAL))
        moved = replace(alarm, base_severity=severity, severity=worse, message=finding.reason)
        draft.settle(alarm, moved, is_over=False)
        if severity > alarm.base_severity and moved.is_told:
            draft.tell("alarm.escalated", moved, worse, finding.reason)
    for subject, finding in found.items():
        severity = draft.rule(finding.kind).severity(finding.state)
        if severity is None or _is_too_young(draft, (finding.kind, subject)):
            continue
        draft.put(
            AlarmRecord(
                alarm_id=draft.new_id(finding.kind, subject),
                kind=finding.kind,
                subject=subject,
                tenant_id=ROOT_TENANT,
                base_severity=severity,
                severity=severity,
                message=finding.reason,
                begin_time=draft.now,
                raise_time=draft.now,
            )
        )


def _is_too_young(draft: Draft, key: tuple[str, str]) -> bool:
    """Whether an operator's rule wants it to hold for longer before it is raised."""
    seen = min(draft.situation.pending.get(key, draft.now), draft.now)
    if draft.now - seen >= (draft.rule(key[0]).raise_after or timedelta()):
        return False
    draft.pending[key] = seen
    return True
