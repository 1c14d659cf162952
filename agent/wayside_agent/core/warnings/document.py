"""Warnings as the HMI gets them: JSON, documented in docs/v2x-warnings.md."""

from typing import Any

import msgspec

from wayside_agent.core.rsi_codes import named
from wayside_agent.core.warnings.model import TEXTS, Action, Finding, Kind, urgency


def warning_document(action: Action, finding: Finding, *, now_s: float) -> dict[str, Any]:
    """A change of one warning.

    Args:
        action: What becomes of it.
        finding: What it says.
        now_s: The clock of its messages, for the latency.
    """
    english, chinese = TEXTS[finding.kind]
    severity, priority = urgency(finding)
    optional = {
        "distance_m": _rounded(finding.distance_m),
        "time_s": _rounded(finding.time_s),
        "advice_speed_mps": None if finding.advice_mps is None else [_rounded(each) for each in finding.advice_mps],
        "limit_mps": _rounded(finding.limit_mps),
        "code": finding.code,
        "code_name": _code_name(finding),
        "description": finding.description or None,
    }
    return {
        "action": action.value,
        "kind": finding.kind.value,
        "severity": finding.severity.name.lower(),
        "priority": (3 + severity) * 10 + priority,
        "text_code": finding.kind.value if finding.code is None else f"{finding.kind.value}.{finding.code}",
        "text": {"en": english, "zh": chinese},
        **{name: value for name, value in optional.items() if value is not None},
        "source_time_ns": finding.heard.time_ns,
        "latency_s": round(max(0.0, now_s - finding.heard.mono_s), 4),
    }


def _code_name(finding: Finding) -> dict[str, str] | None:
    names = None if finding.code is None else named(finding.code, is_sign=finding.kind is Kind.SIGN)
    return None if names is None else {"en": names[0], "zh": names[1]}


def encoded(document: Any) -> bytes:  # noqa: ANN401  # what JSON can hold
    """Its bytes."""
    return msgspec.json.encode(document)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
