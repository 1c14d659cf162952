"""What waits for a platform: the newest, bounded, sent again until acknowledged, and given up."""

from random import Random

from wayside_agent.core.platform.answer import Answer, Reason
from wayside_agent.core.platform.messages import Management
from wayside_agent.core.platform.outbox import MAX_ANSWERS, MAX_ATTEMPTS, MAX_LETTERS, Letter, Outbox
from wayside_agent.core.platform.seen import MAX_REMEMBERED, REMEMBERED_S, Seen
from wayside_agent.core.platform.subject import Subject


def outbox() -> Outbox:
    return Outbox(ack_timeout_s=10.0, rng=Random(1))  # noqa: S311  # spreads waits


def info(sequence: int, payload: bytes = b"info") -> Letter:
    return Letter(Subject.INFO_UP, payload, sequence=sequence)


def published(box: Outbox, now_s: float) -> Letter:
    letter = box.take()
    assert letter is not None
    box.sent(letter, now_s)
    return letter


def test_what_is_not_acknowledged_is_sent_again_later_and_later_and_then_given_up() -> None:
    box = outbox()
    box.put(info(7))
    now_s, waits = 0.0, []
    for _ in range(MAX_ATTEMPTS):
        assert published(box, now_s).sequence == 7
        due_s = box.due_s()
        assert due_s is not None
        waits.append(due_s - now_s)
        now_s = due_s
        given_up = box.tick(now_s)
    assert all(10 * 2**index <= wait_s <= 12 * 2**index for index, wait_s in enumerate(waits))
    assert (given_up, box.unacknowledged_count, box.take(), box.due_s()) == ((Subject.INFO_UP,), 1, None, None)


def test_what_is_acknowledged_is_not_sent_again() -> None:
    box = outbox()
    box.put(info(7))
    published(box, 0.0)
    assert not box.acknowledged(Subject.MAP_UP, "7")
    assert not box.acknowledged(Subject.INFO_UP, "8")
    assert box.acknowledged(Subject.INFO_UP, "7")
    assert not box.acknowledged(Subject.INFO_UP, "7")
    assert (box.tick(1e6), box.take()) == ((), None)


def test_a_newer_word_takes_the_place_of_an_older_one() -> None:
    box = outbox()
    box.put(info(7, b"old"))
    published(box, 0.0)
    box.put(info(8, b"newer"))
    box.put(info(9, b"newest"))
    assert published(box, 1.0).payload == b"newest"
    assert box.take() is None
    assert not box.acknowledged(Subject.INFO_UP, "7")


def test_what_the_wire_did_not_take_waits_on_but_not_ahead_of_something_newer() -> None:
    box = outbox()
    box.put(info(7, b"old"))
    taken = box.take()
    assert taken is not None
    box.put(info(8, b"newer"))
    box.put_back(taken)
    assert published(box, 0.0).payload == b"newer"
    box.answer(Subject.MAP_DOWN_ACK, b"ack")
    ack = box.take()
    assert ack is not None
    box.put_back(ack)
    assert box.take() == ack


def test_a_platform_that_is_away_for_days_fills_nothing() -> None:
    box = outbox()
    for number in range(10 * MAX_LETTERS):
        box.put(Letter(Subject.MAP_UP, b"x", key=str(number), sequence=number))
        box.answer(Subject.MAP_DOWN_ACK, b"x")
    taken = []
    while letter := box.take():
        taken.append(letter)
    assert len(taken) == MAX_LETTERS + MAX_ANSWERS
    assert taken[-1].key == str(10 * MAX_LETTERS - 1)
    assert box.dropped_count == 9 * MAX_LETTERS + 10 * MAX_LETTERS - MAX_ANSWERS


def test_a_command_that_comes_again_has_the_same_answer_whatever_its_time() -> None:
    seen, answer = Seen(), Answer(Reason.NOT_ALLOWED, "no")
    first = Management(seqNum=5, reboot=1, timestamp=1)
    seen.put(Subject.MANAGEMENT_DOWN, first, answer, 0.0)
    again = Management(seqNum=5, reboot=1, timestamp=2)
    assert seen.answer(Subject.MANAGEMENT_DOWN, again, 1.0) == answer
    assert seen.answer(Subject.CONFIG_DOWN, again, 1.0) is None
    assert seen.answer(Subject.MANAGEMENT_DOWN, Management(seqNum=5, hbRate=3), 1.0) is None
    assert seen.answer(Subject.MANAGEMENT_DOWN, again, REMEMBERED_S + 1) is None
    for number in range(MAX_REMEMBERED):
        seen.put(Subject.MANAGEMENT_DOWN, Management(seqNum=100 + number), answer, 1.0)
    assert seen.answer(Subject.MANAGEMENT_DOWN, again, 1.0) is None
