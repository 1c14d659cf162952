"""Jobs in the store: told before they are sent, ended once, kept from others, on every engine there is."""

from itertools import pairwise

import pytest

from tests.contract.jobs_of_nodes import job, lease, revision, say, work
from tests.contract.manager_store import START, Clock, after, enrolled, opened
from wayside.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    NotFoundError,
    ResourceExhaustedError,
)
from wayside_manager.core.access import EVERYWHERE, NOWHERE, Reach, Scope, TenantKind, TenantRecord
from wayside_manager.core.approvals import AccessPolicy
from wayside_manager.core.event_filter import EventFilter
from wayside_manager.core.events import EventRecord
from wayside_manager.core.jobs import (
    ARTIFACT_MAX_COUNT,
    OPEN_MAX_COUNT,
    FleetWork,
    JobArtifact,
    JobKind,
    JobState,
    new_job,
)
from wayside_manager.core.rollout import RolloutPlan, RolloutSpec
from wayside_manager.ports.store import Store
from wayside_manager.services.job_sweep import JobSweep
from wayside_manager.store.bus import LocalBus

SHA = "a" * 64


@pytest.fixture
async def node(store: Store) -> Store:
    for node_id in ("rsu-1", "rsu-2"):
        await enrolled(store, node_id)
    return store


async def state(store: Store, job_id: str = "j1") -> JobState:
    return (await store.get_job(job_id)).state


async def told(store: Store, node_id: str = "rsu-1", *, at_s: float = 0.0) -> list[str]:
    return [each.job_id for each in await store.tell_jobs(node_id, now=after(at_s))]


async def test_the_same_id_with_the_same_work_is_the_same_job_and_with_other_work_another_ones(node: Store) -> None:
    made = await job(node, "j1", "rsu-1")
    again, changed = await node.create_job(
        new_job(job_id="j1", node_id="rsu-1", work=work(), now=after(9)), now=after(9)
    )
    assert (again, changed.job_ids) == (made, frozenset())
    for other in (
        new_job(job_id="j1", node_id="rsu-2", work=work(), now=after(9)),
        new_job(job_id="j1", node_id="rsu-1", work=work(JobKind.REBOOT), now=after(9)),
    ):
        with pytest.raises(AlreadyExistsError):
            await node.create_job(other, now=after(9))


async def test_a_job_is_for_a_node_in_service(node: Store) -> None:
    await node.retire_node("rsu-2", now=after(0))
    with pytest.raises(FailedPreconditionError):
        await job(node, "j1", "rsu-2")
    with pytest.raises(NotFoundError):
        await job(node, "j1", "rsu-9")


async def test_a_shell_needs_a_policy_that_allows_it(node: Store) -> None:
    with pytest.raises(FailedPreconditionError, match="allows no shells"):
        await job(node, "j1", "rsu-1", kind=JobKind.SHELL)
    await node.update_policy(AccessPolicy(allows_shells=True), now=after(0))
    assert (await job(node, "j1", "rsu-1", kind=JobKind.SHELL)).state is JobState.QUEUED


async def test_a_node_has_so_many_open_jobs_and_no_more(node: Store) -> None:
    for number in range(OPEN_MAX_COUNT):
        await job(node, f"j{number}", "rsu-1")
    with pytest.raises(ResourceExhaustedError):
        await job(node, "one-more", "rsu-1")
    await say(node, "rsu-1", "j0", "succeeded")
    await job(node, "one-more", "rsu-1")


async def test_making_cancelling_and_ending_a_job_tells_the_node_anew_and_its_progress_does_not(node: Store) -> None:
    seen = [await revision(node, "rsu-1")]
    await job(node, "j1", "rsu-1")
    seen.append(await revision(node, "rsu-1"))
    await told(node)
    await say(node, "rsu-1", "j1", "running")
    seen.append(await revision(node, "rsu-1"))
    await node.cancel_job("j1", now=after(1))
    seen.append(await revision(node, "rsu-1"))
    await say(node, "rsu-1", "j1", "cancelled")
    seen.append(await revision(node, "rsu-1"))
    assert [after_ - before for before, after_ in pairwise(seen)] == [1, 0, 1, 1]


async def test_jobs_are_told_in_the_order_they_were_made_until_they_have_an_outcome(node: Store) -> None:
    for number, job_id in enumerate(("b", "a", "c")):
        await job(node, job_id, "rsu-1", at_s=number)
    assert await told(node) == ["b", "a", "c"]
    await say(node, "rsu-1", "b", "running", "failed")
    assert await told(node) == ["a", "c"]
    assert [each.state for each in await node.open_jobs("rsu-1")] == [JobState.TOLD, JobState.TOLD]


async def test_a_job_nobody_was_told_is_told_no_more_once_its_time_is_over(node: Store) -> None:
    await job(node, "j1", "rsu-1")
    assert await told(node, at_s=60) == []
    await job(node, "j2", "rsu-1")
    await told(node, at_s=59)
    assert await told(node, at_s=61) == ["j1", "j2"], "both were told in time and may have begun"


async def test_files_to_be_pushed_come_as_far_as_a_message_goes(node: Store) -> None:
    for number in range(5):
        asked = new_job(
            job_id=f"j{number}",
            node_id="rsu-1",
            work=work(JobKind.FILE_PUSH, spec=bytes(900_000)),
            now=after(number),
        )
        await node.create_job(asked, now=after(number))
    assert await told(node) == ["j0", "j1"]
    await say(node, "rsu-1", "j0", "succeeded")
    assert await told(node) == ["j1", "j2"]


async def test_a_node_says_nothing_of_jobs_of_others(node: Store) -> None:
    await job(node, "j1", "rsu-1")
    await say(node, "rsu-2", "j1", "succeeded")
    await say(node, "rsu-2", "no-such-job", "succeeded")
    assert await state(node) is JobState.QUEUED


async def test_the_first_outcome_counts_and_what_comes_later_is_kept_beside_it(node: Store) -> None:
    await job(node, "j1", "rsu-1")
    await say(node, "rsu-1", "j1", "running", "failed", "succeeded", "failed")
    await say(node, "rsu-1", "j1", "failed")
    record = await node.get_job("j1")
    assert (record.state, record.late_report) == (JobState.FAILED, "succeeded")


async def test_time_ends_what_nobody_began_and_loses_what_nobody_finished(node: Store) -> None:
    for job_id in ("queued", "told", "running", "done"):
        await job(node, job_id, "rsu-2" if job_id == "queued" else "rsu-1")
    await told(node)
    await say(node, "rsu-1", "running", "running", at_s=50)
    await say(node, "rsu-1", "done", "succeeded", at_s=50)
    clock = Clock(after(61))
    sweep = JobSweep(node, None, LocalBus(), now=clock)  # type: ignore[arg-type]  # it drops no files here
    assert await sweep.sweep() == 1
    clock.time = after(50 + 30 + 600)
    assert await sweep.sweep() == 1, "the one that was heard to run, half a minute and ten later"
    clock.time = after(60 + 30 + 600)
    assert await sweep.sweep() == 1
    assert await sweep.sweep() == 0
    found = {each: await state(node, each) for each in ("queued", "told", "running", "done")}
    assert found == {
        "queued": JobState.EXPIRED,
        "told": JobState.LOST,
        "running": JobState.LOST,
        "done": JobState.SUCCEEDED,
    }


async def test_jobs_of_a_node_that_is_put_out_of_service_end(node: Store) -> None:
    await job(node, "j1", "rsu-1")
    await told(node)
    await job(node, "j2", "rsu-1")
    await node.retire_node("rsu-1", now=after(1))
    await node.end_overdue_jobs(now=after(2), lease=await lease(node))
    assert (await state(node, "j1"), await state(node, "j2")) == (JobState.LOST, JobState.CANCELLED)


async def test_who_lost_the_lease_ends_nothing(node: Store) -> None:
    await job(node, "j1", "rsu-1")
    old = await lease(node)
    await node.release_lease(old)
    assert await node.take_lease("jobs", "b", now=after(1), life_s=1e6) is not None
    with pytest.raises(ConflictError):
        await node.end_overdue_jobs(now=after(100), lease=old)
    assert await state(node) is JobState.QUEUED


async def test_a_manager_that_dies_between_two_words_goes_on_with_the_same_job(node: Store, store_url: str) -> None:
    await job(node, "j1", "rsu-1")
    await told(node)
    await say(node, "rsu-1", "j1", "running")
    async with opened(store_url) as restarted:
        assert [each.state for each in await restarted.open_jobs("rsu-1")] == [JobState.RUNNING]
        await say(restarted, "rsu-1", "j1", "succeeded")
    assert await state(node) is JobState.SUCCEEDED


async def test_jobs_are_listed_newest_first_for_whoever_reaches_their_nodes(node: Store) -> None:
    for number, node_id in enumerate(("rsu-1", "rsu-2", "rsu-1")):
        await job(node, f"j{number}", node_id, at_s=number)
    await say(node, "rsu-1", "j0", "succeeded")

    async def listed(**fields: object) -> list[str]:
        page = await node.list_jobs(reach=EVERYWHERE, **fields)  # type: ignore[arg-type]  # fields of the call
        return [each.job_id for each in page.items]

    assert await listed() == ["j2", "j1", "j0"]
    assert await listed(node_id="rsu-1") == ["j2", "j0"]
    assert await listed(states=frozenset({JobState.SUCCEEDED})) == ["j0"]
    assert await listed(rollout_id="r1") == []
    page = await node.list_jobs(reach=EVERYWHERE, page_size=2)
    rest = await node.list_jobs(reach=EVERYWHERE, page_size=2, page_token=page.next_page_token)
    assert [each.job_id for each in rest.items] == ["j0"]
    assert (await node.list_jobs(reach=NOWHERE)).items == ()


async def test_what_becomes_of_a_job_is_told_in_events(node: Store) -> None:
    await job(node, "j1", "rsu-1")
    await told(node)
    await say(node, "rsu-1", "j1", "running", "running")
    await say(node, "rsu-1", "j1", "failed", message="no disk")
    await say(node, "rsu-1", "j1", "failed", message="no disk")
    events = [each for each in await _events(node) if each.event.subject == "jobs/j1"]
    assert [each.event.kind for each in events] == ["job.created", "job.running", "job.ended"]
    assert events[-1].event.message == "self_test of rsu-1 failed: no disk"
    assert events[-1].event.details["state"] == "failed"


async def test_what_a_platform_had_a_node_do_is_told(node: Store) -> None:
    await say(node, "rsu-1", "platform-city-0a", "running")
    await say(node, "rsu-1", "platform-city-0a", "succeeded", message="the computer was started again")
    await say(node, "rsu-1", "unknown", "succeeded")
    (told_of,) = [each.event for each in await _events(node) if each.event.kind == "node.asked"]
    assert told_of.subject == "nodes/rsu-1"
    assert told_of.message == (
        "node rsu-1 was asked by a platform for jobs/platform-city-0a, which succeeded: the computer was started again"
    )


async def _events(store: Store) -> list[EventRecord]:
    span = await store.read_events(EventFilter(), reach=EVERYWHERE, cursor=0, limit=100)
    return list(span.records)


async def test_a_file_is_noted_once_and_only_of_the_node_whose_job_it_is(node: Store) -> None:
    await job(node, "j1", "rsu-1")
    coming = JobArtifact("log.txt", 10, SHA)
    await node.begin_artifact("j1", "rsu-1", coming, now=after(1))
    assert (await node.list_artifacts(["j1"]))["j1"] == (coming,)
    other = JobArtifact("log.txt", 20, "b" * 64)
    assert await node.begin_artifact("j1", "rsu-1", other, now=after(1)) == other, "nothing of it had come whole"
    whole = JobArtifact("log.txt", 20, "b" * 64, 20)
    await node.note_artifact("j1", whole)
    assert await node.begin_artifact("j1", "rsu-1", other, now=after(1)) == whole
    with pytest.raises(FailedPreconditionError, match="another content"):
        await node.begin_artifact("j1", "rsu-1", coming, now=after(1))
    with pytest.raises(NotFoundError):
        await node.begin_artifact("j1", "rsu-2", coming, now=after(1))


async def test_a_job_brings_so_many_files_and_bytes_and_not_long_after_its_end(node: Store) -> None:
    asked = new_job(job_id="j1", node_id="rsu-1", work=work(artifact_max_bytes=100), now=after(0))
    await node.create_job(asked, now=after(0))
    await node.begin_artifact("j1", "rsu-1", JobArtifact("a", 60, SHA), now=after(1))
    with pytest.raises(ResourceExhaustedError, match="size_bytes"):
        await node.begin_artifact("j1", "rsu-1", JobArtifact("b", 41, SHA), now=after(1))
    for number in range(ARTIFACT_MAX_COUNT - 1):
        await node.begin_artifact("j1", "rsu-1", JobArtifact(f"f{number}", 1, SHA), now=after(1))
    with pytest.raises(ResourceExhaustedError, match="all it may"):
        await node.begin_artifact("j1", "rsu-1", JobArtifact("g", 1, SHA), now=after(1))
    await say(node, "rsu-1", "j1", "succeeded", at_s=10)
    await node.begin_artifact("j1", "rsu-1", JobArtifact("a", 60, SHA), now=after(86_400))
    with pytest.raises(FailedPreconditionError, match="long ago"):
        await node.begin_artifact("j1", "rsu-1", JobArtifact("a", 60, SHA), now=after(86_411))


async def test_everything_stops_at_once_and_says_so(node: Store) -> None:
    await job(node, "queued", "rsu-1")
    await told(node)
    await job(node, "fresh", "rsu-2")
    await job(node, "done", "rsu-2")
    await say(node, "rsu-2", "done", "succeeded")
    stopped = await node.stop_everything(reach=EVERYWHERE, actor="operators/a", reason="smoke", now=after(5))
    assert (stopped.job_count, stopped.told_node_ids) == (2, frozenset({"rsu-1", "rsu-2"}))
    assert await state(node, "fresh") is JobState.CANCELLED
    assert (await node.get_job("queued")).is_cancelling
    assert (await node.get_job("fresh")).message == "operators/a stopped everything: smoke"
    assert [each.event.message for each in await _events(node) if each.event.kind == "fleet.stopped"] == [
        "operators/a stopped everything: smoke"
    ]
    assert (await node.stop_everything(reach=NOWHERE, actor="operators/a", reason="x", now=after(6))).job_count == 0


async def test_people_of_a_tenant_are_told_what_was_stopped_of_theirs_only(store: Store) -> None:
    for tenant_id, node_id in (("haikou", "rsu-1"), ("sanya", "rsu-2")):
        await store.create_tenant(TenantRecord(tenant_id, TenantKind.CITY, "root", START))
        await enrolled(store, node_id, tenant_id=tenant_id)
        await job(store, f"of-{tenant_id}", node_id)
        work_ = FleetWork(work(), "operators/a")
        spec = RolloutSpec(f"in-{tenant_id}", "", (node_id,), RolloutPlan(), job=work_, tenant_id=tenant_id)
        await store.create_rollout(spec, now=START)
    homes = frozenset({"haikou", "sanya"})
    both = Reach((Scope(frozenset({"haikou"})), Scope(frozenset({"sanya"}))), home_tenant_ids=homes)
    stopped = await store.stop_everything(reach=both, actor="operators/a", reason="smoke", now=after(5))
    assert (stopped.rollout_ids, stopped.job_count) == (("in-haikou", "in-sanya"), 2)
    told_of = {
        each.event.tenant_id: each.event.details for each in await _events(store) if each.event.kind == "fleet.stopped"
    }
    assert told_of == {each: {"rollouts": [f"rollouts/in-{each}"], "job_count": 1} for each in homes}


async def test_what_was_told_is_told_again_whatever_comes_before_it(node: Store) -> None:
    large = work(JobKind.FILE_PUSH, spec=b"x" * (1 << 20))
    await node.create_job(new_job(job_id="a", node_id="rsu-1", work=large, now=after(1)), now=after(1))
    await node.create_job(new_job(job_id="c", node_id="rsu-1", work=large, now=after(3)), now=after(3))
    assert await told(node, at_s=4) == ["a", "c"]
    # of a manager whose clock is behind
    await node.create_job(new_job(job_id="b", node_id="rsu-1", work=large, now=after(2)), now=after(4))
    assert await told(node, at_s=5) == ["a", "c"]
    await say(node, "rsu-1", "c", "succeeded", at_s=6)
    assert await told(node, at_s=7) == ["a", "b"]


async def test_old_jobs_are_found_and_dropped_once_they_have_ended(node: Store) -> None:
    await job(node, "open", "rsu-1")
    await job(node, "ended", "rsu-1")
    await node.begin_artifact("ended", "rsu-1", JobArtifact("a", 1, SHA), now=after(1))
    await say(node, "rsu-1", "ended", "succeeded", at_s=10)
    assert await node.old_jobs(before=after(10), limit=5) == ()
    assert await node.old_jobs(before=after(11), limit=5) == ("ended",)
    await node.delete_jobs(["open", "ended"])
    assert await state(node, "open") is JobState.QUEUED
    with pytest.raises(NotFoundError):
        await node.get_job("ended")
