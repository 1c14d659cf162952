"""Goes through a recording with every rule, and says in plain data what was looked at and what was found.

result = judged(recording, content, documents, Profile.P20)
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from wayside.v2x.codec import DecodeError, decode
from wayside.v2x.profile import Profile
from wayside_agent.core.conformance.expected import Document, ExpectedRule
from wayside_agent.core.conformance.fields import KnownRule, PhasesRule, PlausibleRule, UniqueRule
from wayside_agent.core.conformance.framing import ApplicationRule, KindRule, LengthRule, ReadableRule, RecordRule
from wayside_agent.core.conformance.model import Finding, Rule, RuleName, Seen
from wayside_agent.core.conformance.suite import Recording
from wayside_agent.core.conformance.timing import ClockRule, CountRule, OrderRule, PeriodRule
from wayside_agent.core.conformance.wording import sentence
from wayside_agent.core.radio_recording import RecordError
from wayside_agent.core.v2x_files import recorded

MOST_TOLD = 50
"""Findings of a rule in a recording that are told one by one; the others are counted."""


def judged(recording: Recording, content: bytes, documents: Sequence[Document], profile: Profile) -> dict[str, Any]:
    """What the rules say of a recording."""
    rules = [rule for rule in _rules(recording, documents, profile) if rule.name not in recording.skip]
    ledger = _Ledger([rule.name for rule in rules])
    kinds, number = Counter[str](), 0
    for seen in _seen(recording, content, documents, profile):
        number = seen.number
        kinds.update([seen.received.kind.value] if seen.received else ())
        for rule in rules:
            found = rule.found(seen)
            if found is not None:
                ledger.write(rule.name, seen, found)
    end = Seen(number + 1, None, None, "")
    if kinds.total() < recording.least_messages:
        few = Finding("few", {"count": kinds.total(), "least": recording.least_messages})
        ledger.write(RuleName.RECORD, end, [few])
    if number < len(documents):
        fewer = Finding("expected-fewer", {"count": number, "wanted": len(documents)})
        ledger.write(RuleName.EXPECTED, end, [fewer])
    return {
        "file": recording.file,
        "records": number,
        "messages": dict(kinds),
        "rules": {name.value: dict(row) for name, row in ledger.rows.items()},
        "skipped": {name.value: why for name, why in recording.skip.items()},
        "findings": ledger.told,
    }


def _rules(recording: Recording, documents: Sequence[Document], profile: Profile) -> tuple[Rule, ...]:
    return (
        RecordRule(),
        ReadableRule(profile),
        KindRule(recording.kinds),
        ApplicationRule(),
        LengthRule(),
        OrderRule(),
        PeriodRule(recording),
        CountRule(may_miss=recording.may_miss),
        ClockRule(recording.clock_tolerance_ms),
        KnownRule(),
        PlausibleRule(),
        UniqueRule(),
        PhasesRule(),
        ExpectedRule(documents, profile),
    )


class _Ledger:
    """What every rule has looked at and found."""

    def __init__(self, names: Sequence[RuleName]) -> None:
        self.rows = {name: Counter({"checked": 0, "findings": 0}) for name in names}
        self.told: list[dict[str, Any]] = []

    def write(self, name: RuleName, seen: Seen, found: Sequence[Finding]) -> None:
        row = self.rows.setdefault(name, Counter({"checked": 0, "findings": 0}))
        row["checked"] += 1
        for finding in found:
            row["findings"] += 1
            if row["findings"] > MOST_TOLD:
                continue
            text = sentence(finding)
            kind = seen.received.kind.value if seen.received else ""
            self.told.append(
                {"rule": name.value, "record": seen.number, "kind": kind, "text": text.en, "text_zh": text.zh}
            )


def _seen(recording: Recording, content: bytes, documents: Sequence[Document], profile: Profile) -> Iterator[Seen]:
    for number, each in enumerate(recorded(content, recording.format), start=1):
        is_refused = number <= len(documents) and "message" not in documents[number - 1]
        if isinstance(each, RecordError):
            yield Seen(number, None, None, str(each), is_refused)
            continue
        try:
            yield Seen(number, each, decode(each.payload, profile), "", is_refused)
        except DecodeError as error:
            yield Seen(number, each, None, str(error), is_refused)
