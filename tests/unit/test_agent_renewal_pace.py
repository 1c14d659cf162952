"""How often a unit tries to renew: by the length of the certificate's life, and never in a storm."""

import base64
import datetime as dt

import pytest

from tests.unit.test_agent_certificate import GOOD, der
from wayside_agent.core.certificate import certificate
from wayside_agent.core.renewal_pace import DAY_S, HOUR_S, MIN_STRIKE_PERIOD_S, RenewalPace

PACE = RenewalPace(span_s=30 * DAY_S, due_s=1000.0, not_after_s=2000.0)


def test_it_is_due_by_the_clock_or_when_asked() -> None:
    assert not PACE.is_due(is_asked=False, utc_s=999.0, mono_s=0.0)
    assert PACE.is_due(is_asked=False, utc_s=1000.0, mono_s=0.0)
    assert PACE.is_due(is_asked=True, utc_s=0.0, mono_s=0.0)


@pytest.mark.parametrize(("is_asked", "pause_s"), [(True, HOUR_S), (False, DAY_S)])
def test_a_manager_or_a_clock_that_always_wants_makes_no_storm(is_asked: bool, pause_s: float) -> None:
    tried = PACE.tried(0.0)
    assert not tried.is_due(is_asked=is_asked, utc_s=1e12, mono_s=pause_s - 1)
    assert tried.is_due(is_asked=is_asked, utc_s=1e12, mono_s=pause_s)


def test_a_short_life_is_renewed_faster() -> None:
    short = RenewalPace(span_s=60.0, due_s=0.0, not_after_s=0.0)
    assert short.refused_s == 6.0
    assert short.look_s == 2.0
    assert PACE.refused_s == HOUR_S


def test_three_strikes_apart_from_each_other_are_out() -> None:
    pace = PACE
    for mono_s in (0.0, 1.0, 2.0, MIN_STRIKE_PERIOD_S):
        pace = pace.struck(mono_s)
    assert not pace.is_out
    pace = pace.struck(2 * MIN_STRIKE_PERIOD_S)
    assert pace.is_out
    assert not pace.spared().is_out


def test_a_certificate_that_cannot_be_read_is_renewed_when_asked_only() -> None:
    pace = RenewalPace.of(b"garbage", chance=0.5, utc_s=0.0)
    assert not pace.is_due(is_asked=False, utc_s=1e12, mono_s=0.0)
    assert pace.is_due(is_asked=True, utc_s=0.0, mono_s=0.0)
    assert pace.look_s == HOUR_S


def pace_at(days_left: float) -> RenewalPace:
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(GOOD) + b"-----END CERTIFICATE-----\n"
    return RenewalPace.of(pem, chance=0.0, utc_s=certificate(GOOD).not_after_s - days_left * DAY_S)


@pytest.mark.parametrize(("days_left", "span_days"), [(40, 30), (30, 30), (0.1, 0.1), (-1, 30)])
def test_the_pace_is_that_of_what_is_left(days_left: float, span_days: float) -> None:
    assert pace_at(days_left).span_s == pytest.approx(span_days * DAY_S)


def test_a_life_below_a_day_is_left_to_the_manager() -> None:
    """Its beginning may be dated back by more than it lasts."""
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    short = der(now - dt.timedelta(hours=1), now + dt.timedelta(minutes=1))
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(short) + b"-----END CERTIFICATE-----\n"
    pace = RenewalPace.of(pem, chance=0.0, utc_s=now.timestamp())
    assert pace.span_s == 60.0
    assert not pace.is_due(is_asked=False, utc_s=1e12, mono_s=0.0)
