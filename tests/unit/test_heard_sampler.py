"""Samples of what is heard, by the rules of T/ITS 0117."""

from collections import Counter
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.v2x.peek import MessageKind, Peek
from wayside_agent.core.heard.sampler import MAX_SENDERS, Area, Filter, Rule, SampleMode, Sampler

HERE = (200_317_000, 1_103_312_000)
SOUTH_OF_HERE = Area(20.0, 110.0, 20.03, 110.5)
AROUND_HERE = Area(20.0, 110.0, 20.1, 110.5)


def bsm(sender: bytes = b"sender-1", *, speed_mps: float | None = 10.0, place: tuple[int, int] = HERE) -> Peek:
    speed_raw = 8191 if speed_mps is None else round(speed_mps / 0.02)
    return Peek(MessageKind.BSM, 17, sender, 0, *place, speed_raw, 0)


def rule(**conditions: object) -> Rule:
    return Rule(MessageKind.BSM, filters=(Filter(**conditions),))  # type: ignore[arg-type]  # names come from the table


moments = st.lists(
    st.tuples(st.floats(0, 5, allow_nan=False), st.sampled_from([b"a", b"b", b"c"])), min_size=1, max_size=80
).map(sorted)


@given(moments=moments, limit=st.integers(0, 12), mode=st.sampled_from(SampleMode))
def test_no_second_holds_more_than_the_limit_and_none_less_than_it_could(
    moments: list[tuple[float, bytes]], limit: int, mode: SampleMode
) -> None:
    sampler = Sampler(Rule(MessageKind.BSM, mode, limit_per_s=limit))
    taken: Counter[object] = Counter()
    heard: Counter[object] = Counter()
    for now_s, sender in moments:
        key = (floor(now_s), sender if mode is SampleMode.BY_ID else None)
        heard[key] += 1
        taken[key] += sampler.takes(bsm(sender), None, now_s)
    assert {key: taken[key] for key in heard} == {key: min(limit, count) for key, count in heard.items()}


@given(moments=moments, one_in=st.integers(1, 9), mode=st.sampled_from(SampleMode))
def test_every_nth_is_taken_over_all_or_of_each_sender(
    moments: list[tuple[float, bytes]], one_in: int, mode: SampleMode
) -> None:
    sampler = Sampler(Rule(MessageKind.BSM, mode, one_in=one_in))
    turns: Counter[bytes] = Counter()
    for now_s, sender in moments:
        key = sender if mode is SampleMode.BY_ID else b""
        assert sampler.takes(bsm(sender), None, now_s) == (turns[key] % one_in == 0)
        turns[key] += 1


@given(moments=moments, limit=st.integers(0, 12), one_in=st.integers(1, 4), mode=st.sampled_from(SampleMode))
def test_equal_messages_give_equal_samples(
    moments: list[tuple[float, bytes]], limit: int, one_in: int, mode: SampleMode
) -> None:
    samplers = [Sampler(Rule(MessageKind.BSM, mode, one_in, limit)) for _ in range(2)]
    samples = [[each.takes(bsm(sender), None, now_s) for now_s, sender in moments] for each in samplers]
    assert samples[0] == samples[1]
    assert samplers[0].taken_count == sum(samples[0])


@pytest.mark.parametrize(
    ("asked", "seen", "application_id", "passes"),
    [
        (rule(area=AROUND_HERE), bsm(), None, True),
        (rule(area=SOUTH_OF_HERE), bsm(), None, False),
        (rule(area=AROUND_HERE), bsm(place=(900_000_001, 1_800_000_001)), None, False),
        (rule(min_speed_mps=10.0), bsm(), None, True),
        (rule(min_speed_mps=10.01), bsm(), None, False),
        (rule(max_speed_mps=9.99), bsm(), None, False),
        (rule(max_speed_mps=50.0), bsm(speed_mps=None), None, False),
        (rule(application_ids=frozenset({111, 112})), bsm(), 112, True),
        (rule(application_ids=frozenset({111, 112})), bsm(), 113, False),
        (rule(application_ids=frozenset({111, 112})), bsm(), None, False),
        (rule(area=AROUND_HERE, min_speed_mps=20.0), bsm(), None, False),
        (Rule(MessageKind.BSM, filters=(Filter(area=SOUTH_OF_HERE), Filter(min_speed_mps=5.0))), bsm(), None, True),
        (Rule(MessageKind.SPAT), Peek(MessageKind.SPAT, 1), None, True),
        (Rule(MessageKind.SPAT, SampleMode.BY_ID), Peek(MessageKind.SPAT, 1), None, False),
        (Rule(MessageKind.SPAT, filters=(Filter(area=AROUND_HERE),)), Peek(MessageKind.SPAT, 1), None, False),
        (Rule(MessageKind.RSM), bsm(), None, False),
    ],
    ids=[
        "inside", "outside", "nowhere", "fast", "slow", "too-fast", "speed-unknown", "application", "other-application",
        "no-application", "both-must-hold", "one-is-enough", "no-filter", "id-of-none", "place-of-none", "other-kind",
    ],
)  # fmt: skip
def test_filters_let_pass_what_they_name(asked: Rule, seen: Peek, application_id: int | None, passes: bool) -> None:
    assert Sampler(asked).takes(seen, application_id, 0.0) is passes


def test_filters_go_before_the_count_of_turns() -> None:
    sampler = Sampler(Rule(MessageKind.BSM, one_in=2, filters=(Filter(min_speed_mps=5.0),)))
    speeds = [1.0, 10.0, 1.0, 10.0, 10.0]
    assert [sampler.takes(bsm(speed_mps=speed), None, 0.0) for speed in speeds] == [False, True, False, False, True]
    assert (sampler.heard_count, sampler.filtered_count, sampler.taken_count) == (5, 2, 2)


def test_senders_that_are_invented_do_not_fill_the_memory() -> None:
    sampler = Sampler(Rule(MessageKind.BSM, SampleMode.BY_ID, limit_per_s=1))
    for number in range(MAX_SENDERS + 10):
        sampler.takes(bsm(number.to_bytes(8, "big")), None, 0.0)
    assert sampler.sender_count == MAX_SENDERS


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Rule(MessageKind.BSM, one_in=0), "1 or more"),
        (lambda: Rule(MessageKind.BSM, limit_per_s=-1), "outside 0 to 10000"),
        (lambda: Area(1.0, 0.0, 0.0, 1.0), "no box"),
    ],
    ids=["turn", "limit", "area"],
)
def test_what_makes_no_sense_is_refused(made: object, said: str) -> None:
    assert callable(made)
    with pytest.raises(ValueError, match=said):
        made()
