"""The life of a job: the table is closed, the first outcome counts, and any order of words gives one at most."""

import itertools
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wayside.errors import InvalidArgumentError
from wayside_manager.core.job_bounds import BOUNDS, bounded, checked_file, checked_host, checked_note, checked_path
from wayside_manager.core.job_life import NEXT, JobEvent, after, heard, rollout_word
from wayside_manager.core.jobs import ENDED, LOSE_AFTER, OPEN, JobKind, JobRecord, JobState, JobWork, new_job
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.reports import JobFacts

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WORDS = ("running", "succeeded", "failed", "cancelled", "expired", "refused")
HAPPENINGS = (JobEvent.TELL, JobEvent.CANCEL, JobEvent.OVERDUE, JobEvent.SILENCE)


def job(state: JobState = JobState.QUEUED, *, rollout_id: str = "") -> JobRecord:
    work = JobWork(JobKind.SELF_TEST, b"spec", ttl_s=60.0, timeout_s=30.0)
    made = new_job(job_id="j1", node_id="rsu-1", work=work, now=NOW, rollout_id=rollout_id)
    return replace(made, state=state, end_time=NOW if state in ENDED else None)


def word(state: str, message: str = "", *, progress: int = 0, result: bytes = b"") -> JobFacts:
    return JobFacts("j1", state, progress, message, result, None)


def lived(events: Iterable[str]) -> list[JobRecord]:
    """The job after each of these words and happenings."""
    present, seen = job(), []
    for number, event in enumerate(events):
        now = NOW + timedelta(seconds=number)
        if event in WORDS:
            present = heard(present, word(event, f"word {number}"), now=now)
        else:
            present = after(present, JobEvent(event), now=now)
        seen.append(present)
    return seen


def test_the_table_leads_from_every_open_state_to_every_outcome_and_from_none_back() -> None:
    assert {state for state, _ in NEXT} == OPEN
    assert {event for _, event in NEXT} == set(JobEvent)
    assert set(NEXT.values()) == set(JobState) - {JobState.QUEUED}
    assert all(state in {JobState.TOLD, JobState.RUNNING} or state in ENDED for state in NEXT.values())


@pytest.mark.parametrize("state", sorted(OPEN))
@pytest.mark.parametrize("said", WORDS)
def test_a_word_of_the_node_counts_in_every_open_state(state: JobState, said: str) -> None:
    heard_job = heard(job(state), word(said, "done", progress=40, result=b'{"a":1}'), now=NOW)
    assert heard_job.state == said
    assert (heard_job.message, heard_job.result_json) == ("done", b'{"a":1}')
    assert heard_job.progress_percent == (100 if said == "succeeded" else 40)
    assert (heard_job.end_time is None) is (said == "running")


@pytest.mark.parametrize("state", sorted(ENDED))
@pytest.mark.parametrize("event", [*WORDS, *HAPPENINGS])
def test_nothing_changes_an_outcome(state: JobState, event: str) -> None:
    ended = job(state)
    later = NOW + timedelta(hours=1)
    is_word = event in WORDS
    present = heard(ended, word(event), now=later) if is_word else after(ended, JobEvent(event), now=later)
    assert (present.state, present.end_time, present.message) == (ended.state, ended.end_time, ended.message)


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        (JobState.QUEUED, JobEvent.CANCEL, JobState.CANCELLED),
        (JobState.TOLD, JobEvent.CANCEL, JobState.TOLD),
        (JobState.RUNNING, JobEvent.CANCEL, JobState.RUNNING),
        (JobState.QUEUED, JobEvent.OVERDUE, JobState.EXPIRED),
        (JobState.TOLD, JobEvent.OVERDUE, JobState.TOLD),
        (JobState.RUNNING, JobEvent.OVERDUE, JobState.RUNNING),
        (JobState.QUEUED, JobEvent.SILENCE, JobState.CANCELLED),
        (JobState.TOLD, JobEvent.SILENCE, JobState.LOST),
        (JobState.RUNNING, JobEvent.SILENCE, JobState.LOST),
    ],
    ids=str,
)
def test_what_the_manager_does_depends_on_what_the_node_was_told(
    state: JobState, event: JobEvent, expected: JobState
) -> None:
    present = after(job(state), event, now=NOW)
    assert present.state is expected
    assert present.is_cancelling is (event is JobEvent.CANCEL and expected in OPEN)


def test_a_word_that_repeats_the_outcome_is_no_news_and_another_one_is_kept_beside_it() -> None:
    lost = job(JobState.LOST)
    assert heard(job(JobState.SUCCEEDED), word("succeeded", "again"), now=NOW) == job(JobState.SUCCEEDED)
    late = heard(lost, word("succeeded", "all is well"), now=NOW)
    assert (late.state, late.late_report) == (JobState.LOST, "succeeded: all is well")
    assert heard(late, word("running"), now=NOW) == late


@pytest.mark.parametrize("said", ["queued", "lost", "told", "tell", "", "SUCCEEDED"])
def test_what_is_no_word_of_a_node_says_nothing(said: str) -> None:
    assert heard(job(), word(said), now=NOW) == job()


def test_any_order_of_words_and_happenings_gives_one_outcome_at_most_and_it_stays() -> None:
    random_ = random.Random(5)  # noqa: S311  # a test's dice
    lives = [tuple(random_.choices([*WORDS, *HAPPENINGS], k=12)) for _ in range(2_000)]
    lives += [tuple(each) for each in itertools.permutations([*WORDS[:4], JobEvent.TELL, JobEvent.CANCEL], 5)]
    for life in lives:
        seen = lived(life)
        outcomes = [each for each in seen if not each.is_open]
        assert len({(each.state, each.end_time) for each in outcomes}) <= 1, life
        assert [each.is_open for each in seen] == sorted((each.is_open for each in seen), reverse=True), life


def test_a_job_that_runs_is_given_its_time_from_when_it_was_heard_to_run() -> None:
    late = NOW + timedelta(seconds=50)
    running = heard(job(JobState.TOLD), word("running"), now=late)
    again = heard(running, word("running", progress=50), now=late + timedelta(seconds=20))
    assert running.lose_time == again.lose_time == late + timedelta(seconds=30) + LOSE_AFTER
    assert again.progress_percent == 50


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (JobState.RUNNING, UpdatePhase.PROVISIONAL),
        (JobState.SUCCEEDED, UpdatePhase.COMMITTED),
        (JobState.FAILED, UpdatePhase.FAILED),
        (JobState.CANCELLED, UpdatePhase.FAILED),
        (JobState.EXPIRED, UpdatePhase.FAILED),
        (JobState.REFUSED, UpdatePhase.FAILED),
        (JobState.LOST, None),
        (JobState.TOLD, None),
    ],
    ids=str,
)
def test_a_fleet_job_hears_of_its_nodes_what_their_jobs_say(state: JobState, phase: UpdatePhase | None) -> None:
    assert rollout_word(job(state), is_called_back=False) is phase


def test_a_job_that_was_called_back_is_no_failure_of_its_node() -> None:
    assert rollout_word(job(JobState.CANCELLED), is_called_back=True) is UpdatePhase.NONE
    assert rollout_word(job(JobState.FAILED), is_called_back=True) is UpdatePhase.FAILED


@pytest.mark.parametrize("field", sorted(BOUNDS))
def test_every_number_has_a_default_and_bounds_that_are_named(field: str) -> None:
    bound = BOUNDS[field]
    assert bounded(field, 0) == bound.default
    assert bounded(field, bound.least) == bound.least
    assert bounded(field, bound.most) == bound.most
    for wrong in (bound.most + 1, -1, bound.least - 0.5 if bound.least > 1 else -0.5):
        with pytest.raises(InvalidArgumentError, match=rf"spec\.{field}: .* is not within "):
            bounded(field, wrong)


@pytest.mark.parametrize("path", ["", "etc/passwd", "/a/../b", "/a/./b", "/a/", "/a\nb", "/" + "a" * 1_000, "/a\0b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"spec\.file_pull\.path: "):
        checked_path("file_pull.path", path)


@pytest.mark.parametrize("host", ["-c1", "a b", "a;b", "$(x)", "a" * 254])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"spec\.network_probe\.host: "):
        checked_host("network_probe.host", host)


@pytest.mark.parametrize("file", ["", ".hidden", "..", "a/b", "a b", "a" * 101, "ä"])
def test_a_file_name_that_is_not_plain_is_refused(file: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"begin\.file: "):
        checked_file("begin.file", file)


def test_a_reason_must_be_given_and_be_short() -> None:
    assert checked_note("note", "") == ""
    for wrong in (" ", "x" * 501):
        with pytest.raises(InvalidArgumentError, match="reason: "):
            checked_note("reason", wrong, is_required=True)
