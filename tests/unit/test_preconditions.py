"""What must hold before a release is installed: each on its own, what is not known, and values that tremble."""

import pytest

from wayside_agent.core.health_samples import PowerSample
from wayside_agent.core.preconditions import Kind, Limits, Motion, Situation, blockers
from wayside_agent.core.update import Consent, Preconditions

ASKED, LIMITS = Preconditions(), Limits(min_input_v=11.0)
AGREED, REFUSED = Consent(True, "driver", 1e9), Consent(False, "driver", 1e9)


def kinds(situation: Situation, asked: Preconditions = ASKED, *, held: frozenset[Kind] = frozenset()) -> list[Kind]:
    return [each.kind for each in blockers(asked, situation, LIMITS, held=held)]


def test_a_unit_that_measures_nothing_is_not_in_its_own_way() -> None:
    assert kinds(Situation()) == []


@pytest.mark.parametrize(
    ("situation", "kind"),
    [
        (Situation(power=PowerSample(on_battery=True, battery_ratio=0.2)), Kind.POWER),
        (Situation(power=PowerSample(input_v=10.4)), Kind.POWER),
        (Situation(power=PowerSample(measured=frozenset({"battery_ratio"}))), Kind.POWER),
        (Situation(temperatures_celsius=(20.0, 80.0)), Kind.TEMPERATURE),
        (Situation(temperatures_celsius=(-40.0, 20.0)), Kind.TEMPERATURE),
        (Situation(motion=Motion(speed_mps=3.0)), Kind.MOTION),
        (Situation(motion=Motion(speed_mps=0.0, is_parked=False, expects_gear=True)), Kind.MOTION),
        (Situation(motion=Motion(speed_mps=0.0, expects_gear=True)), Kind.MOTION),
        (Situation(motion=Motion()), Kind.MOTION),
        (Situation(broadcast="a warning of roadworks"), Kind.BROADCAST),
        (Situation(free_bytes=1000), Kind.SPACE),
        (Situation(lock="a map is being written"), Kind.LOCK),
        (Situation(hook="the hook of `staged` asks to wait"), Kind.HOOK),
        (Situation(consent=REFUSED), Kind.CONSENT),
    ],
)
def test_each_is_in_the_way_and_its_sentence_begins_with_its_name(situation: Situation, kind: Kind) -> None:
    (found,) = blockers(ASKED, situation, LIMITS)
    assert found.kind is kind
    assert found.sentence.startswith(f"{kind}: ")


@pytest.mark.parametrize(
    "situation",
    [
        Situation(power=PowerSample(on_battery=False, battery_ratio=0.1, input_v=24.0)),
        Situation(power=PowerSample(on_battery=True, battery_ratio=0.9)),
        Situation(motion=Motion(speed_mps=0.1)),
        Situation(motion=Motion(is_parked=True, expects_gear=True)),
        Situation(temperatures_celsius=(20.0,), free_bytes=10**9),
    ],
)
def test_what_is_as_it_should_be_is_in_nobodys_way(situation: Situation) -> None:
    assert kinds(situation) == []


@pytest.mark.parametrize(
    ("before", "better"),
    [
        (Situation(power=PowerSample(battery_ratio=0.29)), Situation(power=PowerSample(battery_ratio=0.31))),
        (Situation(power=PowerSample(input_v=10.9)), Situation(power=PowerSample(input_v=11.1))),
        (Situation(motion=Motion(speed_mps=0.6)), Situation(motion=Motion(speed_mps=0.4))),
        (Situation(temperatures_celsius=(76.0,)), Situation(temperatures_celsius=(74.0,))),
        (Situation(free_bytes=32 * 2**20 - 1), Situation(free_bytes=32 * 2**20 + 1)),
    ],
)
def test_a_value_that_trembles_around_its_limit_stays_in_the_way(before: Situation, better: Situation) -> None:
    (found,) = blockers(ASKED, before, LIMITS)
    assert kinds(better) == []
    assert kinds(better, held=frozenset({found.kind})) == [found.kind]


def test_consent_is_asked_for_where_the_rollout_wants_it() -> None:
    asked = Preconditions(needs_consent=True)
    assert kinds(Situation(), asked) == [Kind.CONSENT]
    assert kinds(Situation(consent=AGREED), asked) == []
    assert kinds(Situation(consent=REFUSED), asked) == [Kind.CONSENT]


@pytest.mark.parametrize(("utc_s", "is_open"), [(None, False), (99.0, False), (100.0, True), (200.0, False)])
def test_a_window_is_held_against_trusted_time_only(utc_s: float | None, is_open: bool) -> None:
    found = kinds(Situation(utc_s=utc_s), Preconditions(begin_s=100.0, end_s=200.0))
    assert found == ([] if is_open else [Kind.WINDOW])


def test_a_broadcast_may_be_interrupted_where_the_rollout_says_so() -> None:
    assert kinds(Situation(broadcast="a warning"), Preconditions(may_interrupt_broadcast=True)) == []
