"""Our codec against asn1tools and pycrate, which read the same modules: whole messages, and damaged ones."""

from collections import Counter
from random import Random

import pytest

from tests.v2x_oracles import FRAME, ORACLES, SAME, Oracle, is_explained, mutated, pool, verdict
from tests.v2x_values import Values, types_of
from wayside.v2x.codec import DecodeError, Profile, decode, encode


@pytest.fixture(
    params=[(name, profile) for name in ORACLES for profile in Profile], ids=lambda each: f"{each[0]}-{each[1]}"
)
def oracle(request: pytest.FixtureRequest) -> Oracle:
    name, profile = request.param
    return ORACLES[name](profile)


def test_messages_of_every_kind_are_the_bytes_that_others_make_of_them(oracle: Oracle) -> None:
    made, kinds = Values(types_of(oracle.profile), Random(5)), set()  # noqa: S311  # repeatable, no secrets
    for _ in range(200):
        frame = made.make(FRAME)
        data = encode(frame, oracle.profile)
        assert data == oracle.encode(frame)
        assert oracle.decode(data) == oracle.foreign(frame)
        assert decode(data, oracle.profile) == frame
        kinds.add(frame[0])
    assert len(kinds) == 6


def test_damaged_messages_are_judged_as_others_judge_them_or_it_is_explained(oracle: Oracle) -> None:
    """`make bench NAME=v2x-mutations` throws a million."""
    messages, random, found = pool(oracle.profile, 6, 200), Random(7), Counter[str]()  # noqa: S311  # repeatable
    for _ in range(800):
        data = mutated(messages, random)
        words = verdict(data, oracle)
        assert is_explained(words, oracle.name), (words, data.hex())
        found[words] += 1
    assert found[SAME] > 200


def test_what_ours_reads_it_writes_and_reads_again() -> None:
    """Also what comes from a later standard, which is kept as bytes."""
    messages, random, read_count = pool(Profile.P20, 8, 200), Random(9), 0  # noqa: S311  # repeatable
    for _ in range(1500):
        try:
            frame = decode(mutated(messages, random), Profile.P20)
        except DecodeError:
            continue
        assert decode(encode(frame, Profile.P20), Profile.P20) == frame
        read_count += 1
    assert read_count > 500
