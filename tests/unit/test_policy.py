"""The policy table, and the buckets that count calls. What the table means in practice: test_policy_matrix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_manager.core.approvals import Danger
from wayside_manager.core.limits import Rate, TokenBuckets
from wayside_manager.core.policy import RULES, Caller, Rule, Target


def of(caller: Caller) -> dict[str, Rule]:
    return {method: rule for method, rule in RULES.items() if rule.caller is caller}


def test_what_needs_no_credential_is_few_and_named_here() -> None:
    assert set(of(Caller.ANYONE)) == {
        "/wayside.v1.EnrollmentService/Enroll",
        "/wayside.v1.AccessService/SignIn",
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    }


def test_nodes_call_their_own_service_and_no_other() -> None:
    assert {method.rpartition("/")[0] for method in of(Caller.NODE)} == {"/wayside.v1.NodeService"}
    assert all("/wayside.v1.NodeService/" not in method for method in of(Caller.OPERATOR))


@pytest.mark.parametrize(("method", "rule"), list(of(Caller.OPERATOR).items()))
def test_what_an_operator_may_do_without_a_role_touches_only_itself(method: str, rule: Rule) -> None:
    if rule.permission is None:
        assert rule.target is Target.SELF, method
    if rule.is_own_allowed:
        assert rule.target in {Target.OPERATOR, Target.CREDENTIAL}, method


def test_every_dangerous_call_is_a_change_and_every_danger_has_one() -> None:
    dangerous = [rule for rule in RULES.values() if rule.danger is not None]
    assert all(rule.is_change for rule in dangerous)
    assert {rule.danger for rule in dangerous} == set(Danger)


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    buckets = TokenBuckets(Rate(2.0, 3.0))
    assert [buckets.take("a", 10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert buckets.take("a", 10.25) == pytest.approx(0.25)
    assert buckets.take("a", 10.5) == 0.0
    assert buckets.take("a", 10.5) == pytest.approx(0.5)
    assert buckets.take("b", 10.0, cost=2.0) == 0.0
    assert buckets.take("b", 10.0, cost=9.0) == pytest.approx(1.0)  # dearer than a full bucket: a full one will do


def test_one_key_takes_nothing_from_another() -> None:
    buckets = TokenBuckets(Rate(1.0, 1.0))
    assert buckets.take("a", 0.0) == 0.0
    assert buckets.take("a", 0.0) > 0.0
    assert buckets.take("b", 0.0) == 0.0


def test_the_bucket_used_longest_ago_is_forgotten_first() -> None:
    buckets = TokenBuckets(Rate(0.001, 1.0), buckets_max=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, 0.0)
    assert len(buckets) == 2
    assert buckets.take("a", 0.0) > 0.0
    assert buckets.take("b", 0.0) == 0.0


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    buckets = TokenBuckets(Rate(1.0, 2.0))
    assert buckets.take("a", 100.0) == 0.0
    assert buckets.take("a", 50.0) == 0.0
    assert buckets.take("a", 50.0) == pytest.approx(1.0)


@given(st.lists(st.floats(0.0, 2.0), max_size=60))
def test_no_pattern_of_calls_gets_more_than_burst_and_rate(pauses_s: list[float]) -> None:
    buckets, now_s, granted = TokenBuckets(Rate(3.0, 5.0)), 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        granted += buckets.take("a", now_s) == 0.0
    assert granted <= 5.0 + 3.0 * now_s + 1e-6
