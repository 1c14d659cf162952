"""Which source of an artifact is asked next."""

from math import inf
from random import Random

import pytest

from wayside_agent.core.fetch_choice import Way, fetch_choice, sources_of
from wayside_agent.core.sources import BACK_OFF_CAP_S, FAIR_BYTES, MANAGER, MAX_COUNT, Sources, place, shown, usable
from wayside_agent.core.update import Delta, FetchPolicy, Phase, ReleaseTarget, Update

CDN, MIRROR, PEER = "https://cdn.example/a?sig=1", "https://mirror.example/a", "wayside://10.0.0.7:7500"
ALL = (CDN, MIRROR, MANAGER)
SCHEMES = frozenset({"https", "wayside"})


class Sure(Random):
    """The longest delay every time."""

    def random(self) -> float:
        return 1.0


def failed(sources: Sources, address: str, now_s: float = 0.0, **how: int) -> Sources:
    gained, is_refused = how.get("gained", 0), bool(how.get("is_refused", 0))
    return sources.failed(address, now_s=now_s, gained_bytes=gained, is_refused=is_refused, rng=Sure())


def test_the_first_is_asked_first_and_the_manager_last() -> None:
    sources = Sources()
    assert sources.best(ALL, 0.0) == CDN
    sources = failed(sources, CDN)
    assert sources.best(ALL, 0.0) == MIRROR
    sources = failed(sources, MIRROR)
    assert sources.best(ALL, 0.0) == MANAGER
    sources = failed(sources, MANAGER)
    assert sources.best(ALL, 0.0) == ""
    assert sources.wait_s(ALL, 0.0) == 2.0


def test_a_source_that_was_put_off_comes_before_the_manager_again() -> None:
    sources = failed(Sources(), CDN)
    assert sources.best(ALL, 1.9) == MIRROR
    assert sources.best(ALL, 2.0) == CDN


def test_a_source_that_fails_again_and_again_is_put_off_for_longer_up_to_a_cap() -> None:
    sources, waits = Sources(), []
    for _ in range(12):
        sources = failed(sources, CDN)
        waits.append(sources.wait_s([CDN], 0.0))
    assert waits[:4] == [2.0, 4.0, 8.0, 16.0]
    assert waits[-1] == 300.0


def test_a_source_that_drips_a_little_each_time_is_put_off_for_longer() -> None:
    sources = failed(failed(Sources(), CDN), CDN, gained=FAIR_BYTES - 1)
    assert sources.wait_s([CDN], 0.0) == 4.0
    assert failed(sources, CDN, gained=FAIR_BYTES).wait_s([CDN], 0.0) == 2.0


def test_a_refused_url_is_asked_again_at_once_when_it_is_renewed() -> None:
    sources = failed(Sources(), CDN, is_refused=1)
    assert sources.wait_s([CDN], 0.0) == 300.0
    renewed = "https://cdn.example/a?sig=2"
    assert sources.best([renewed], 0.0) == renewed
    assert failed(sources, renewed, is_refused=1).wait_s([renewed], 0.0) == 600.0


def test_two_urls_of_one_place_that_are_both_refused_are_put_off() -> None:
    keys = ("https://cdn.example/a?sig=old", "https://cdn.example/a?sig=new")
    sources = failed(Sources(), keys[0], is_refused=1)
    assert sources.best(keys, 0.0) == keys[1]
    sources = failed(sources, keys[1], is_refused=1)
    assert sources.best((*keys, MANAGER), 0.0) == MANAGER
    assert sources.wait_s(keys, 0.0) == 600.0


def test_a_place_with_a_renewed_url_is_blamed_once_among_several() -> None:
    keys = ("https://cdn.example/a?sig=1", "https://cdn.example/a?sig=2")
    sources = Sources().blamed((*keys, MIRROR), now_s=0.0)
    assert sources.best(keys, BACK_OFF_CAP_S) == keys[0]
    assert sources.blamed(keys, now_s=0.0).best(keys, BACK_OFF_CAP_S) == ""


def test_a_place_that_is_away_is_not_asked_sooner_for_a_renewed_url() -> None:
    assert failed(Sources(), CDN).wait_s(["https://cdn.example/a?sig=2"], 0.0) == 2.0


def test_who_alone_brought_wrong_bytes_is_not_asked_again_whatever_its_url() -> None:
    sources = Sources().blamed([CDN], now_s=0.0)
    assert sources.wait_s([CDN], 0.0) == inf
    assert sources.best(["https://cdn.example/a?sig=2", MIRROR], 1e9) == MIRROR


def test_of_several_who_brought_wrong_bytes_each_gets_one_more_chance() -> None:
    once = Sources().blamed([CDN, MIRROR, MANAGER], now_s=0.0)
    assert once.best(ALL, 0.0) == MANAGER
    assert once.best(ALL, 300.0) == CDN
    twice = once.blamed([CDN, MANAGER], now_s=300.0)
    assert twice.best(ALL, 1e9) == MIRROR


def test_a_place_is_its_address_without_the_signature() -> None:
    assert place(CDN) == "https://cdn.example/a"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://user:secret@cdn.example:8443/path?X-Amz-Signature=secret#secret", "https://cdn.example:8443"),
        (MANAGER, "the manager"),
        ("https://[::1/secret", "a malformed URL"),
        ("https://cdn.example:secret/", "a malformed URL"),
    ],
    ids=["credentials", "the manager", "bad host", "bad port"],
)
def test_a_log_has_no_more_of_an_address_than_its_host(address: str, words: str) -> None:
    assert shown(address) == words


def test_only_so_many_urls_of_known_schemes_are_looked_at() -> None:
    urls = ["ftp://a/b", "no url", "https://a/" + "x" * 5000, CDN, CDN, PEER, *(f"https://m{n}/" for n in range(20))]
    assert usable(urls, SCHEMES)[:3] == (CDN, PEER, "https://m0/")
    assert len(usable(urls, SCHEMES)) == MAX_COUNT
    assert usable(urls, ()) == ()


def target(policy: FetchPolicy, *urls: str) -> ReleaseTarget:
    delta = Delta("t", "d", 1, (MIRROR,))
    return ReleaseTarget("releases/1", "1", "a", 10, "rollouts/r", delta=delta, fetch_policy=policy, urls=urls)


ANY, NEVER, UNMETERED = FetchPolicy.ANY, FetchPolicy.NEVER_FULL, FetchPolicy.FULL_UNMETERED


@pytest.mark.parametrize(
    ("policy", "is_metered", "expected"),
    [
        (ANY, True, (CDN, PEER, MANAGER)),
        (UNMETERED, False, (CDN, PEER, MANAGER)),
        (UNMETERED, True, (PEER,)),
        (NEVER, False, ()),
    ],
    ids=["any", "unmetered", "metered: neighbours only", "never"],
)
def test_the_policy_says_who_may_be_asked_for_the_whole(
    policy: FetchPolicy, is_metered: bool, expected: tuple[str, ...]
) -> None:
    found = sources_of(target(policy, CDN, PEER), is_delta=False, is_metered=is_metered, schemes=SCHEMES)
    assert found == expected


@pytest.mark.parametrize("policy", [ANY, NEVER, UNMETERED])
def test_a_delta_comes_from_its_own_urls_whatever_the_policy(policy: FetchPolicy) -> None:
    found = sources_of(target(policy, CDN), is_delta=True, is_metered=True, schemes=SCHEMES)
    assert found == (MIRROR, MANAGER)


def without_delta(*urls: str) -> Update:
    return Update(target=target(UNMETERED, *urls), phase=Phase.DOWNLOADING, delta_problem="torn")


def test_over_a_metered_line_the_whole_waits_unless_a_neighbour_has_it() -> None:
    assert fetch_choice(without_delta(CDN), is_metered=True, schemes=SCHEMES).way is Way.WAIT
    assert fetch_choice(without_delta(CDN, PEER), is_metered=True, schemes=SCHEMES).way is Way.WHOLE
    assert fetch_choice(without_delta(CDN, PEER), is_metered=True, schemes=["https"]).way is Way.WAIT
