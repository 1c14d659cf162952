"""ReleaseService over real TLS."""

import uuid
from typing import Any

import pytest

from tests.link.manager_api.peer import LocalManager, Peer, Session, release_archive, upload
from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
)
from wayside.v1 import node_pb2, node_service_pb2, release_pb2, release_service_pb2

ARCHIVE = release_archive("1.1.0")


def rollout(**fields: Any) -> release_service_pb2.CreateRolloutRequest:  # noqa: ANN401  # fields of a message
    selector = node_pb2.NodeSelector(nodes=["nodes/rsu-1"])
    given: dict[str, Any] = {"release": "releases/1.1.0", "selector": selector} | fields
    return release_service_pb2.CreateRolloutRequest(**given)


async def create(peer: Peer, **fields: Any) -> release_pb2.Rollout:  # noqa: ANN401  # fields of a message
    return (await peer.call(peer.release.CreateRollout, rollout(**fields))).rollout


async def test_a_published_release_is_listed_newest_first(operator: Peer, manager: LocalManager) -> None:
    published = (await operator.publish(ARCHIVE, notes="first")).release
    manager.clock.push(seconds=1)
    await operator.publish(release_archive("1.2.0"), version="1.2.0")
    listed = await operator.call(operator.release.ListReleases, release_service_pb2.ListReleasesRequest())

    assert (published.name, published.size_bytes, published.notes) == ("releases/1.1.0", len(ARCHIVE), "first")
    assert [release.version for release in listed.releases] == ["1.2.0", "1.1.0"]


@pytest.mark.parametrize(
    ("archive", "spec", "reason"),
    [
        (ARCHIVE, {"sha256": "0" * 64}, "SHA256_MISMATCH"),
        (ARCHIVE, {"size_bytes": len(ARCHIVE) + 1}, "SIZE_MISMATCH"),
        (ARCHIVE, {"size_bytes": len(ARCHIVE) - 1}, "SIZE_MISMATCH"),
        (ARCHIVE, {"version": "1.2.0"}, "VERSION_DIFFERS"),
        (b"not a tar archive", {}, "NOT_A_RELEASE"),
        pytest.param(ARCHIVE[:60], {}, "NOT_A_RELEASE", id="cut short"),  # its bytes hold the time it was made
        (release_archive("1.1.0", first="payload.bin"), {}, "NOT_A_RELEASE"),
        (ARCHIVE, {"version": "one"}, "VERSION_INVALID"),
        (ARCHIVE, {"sha256": "XYZ"}, "INVALID_ARGUMENT"),
        (ARCHIVE, {"size_bytes": 0}, "INVALID_ARGUMENT"),
    ],
)
async def test_a_wrong_release_is_refused_and_leaves_nothing(
    operator: Peer, manager: LocalManager, archive: bytes, spec: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await operator.publish(archive, **spec)

    assert caught.value.reason == reason
    assert list(manager.folder.artifacts.iterdir()) == []
    await operator.publish(ARCHIVE)


async def test_a_version_twice_already_exists(operator: Peer) -> None:
    await operator.publish(ARCHIVE)
    with pytest.raises(AlreadyExistsError):
        await operator.publish(ARCHIVE)


async def test_a_release_larger_than_the_manager_accepts_is_refused(operator: Peer) -> None:
    with pytest.raises(ResourceExhaustedError):
        await operator.publish(ARCHIVE, size_bytes=9 << 20)


async def test_an_upload_must_begin_with_a_spec(operator: Peer) -> None:
    _, *content = upload(ARCHIVE)
    with pytest.raises(InvalidArgumentError):
        await operator.upload(iter(content))


@pytest.mark.usefixtures("rsu")
async def test_a_rollout_of_an_unknown_release_or_node_is_refused(operator: Peer) -> None:
    with pytest.raises(NotFoundError):
        await create(operator)
    await operator.publish(ARCHIVE)
    with pytest.raises(FailedPreconditionError):
        await create(operator, selector=node_pb2.NodeSelector(nodes=["nodes/ghost"]))
    for wrong in (
        {"selector": node_pb2.NodeSelector()},
        {"max_in_flight_count": -1},
        {"max_failure_count": -1},
        {"request_id": "x"},
    ):
        with pytest.raises(InvalidArgumentError):
            await create(operator, **wrong)


@pytest.mark.usefixtures("rsu")
async def test_a_repeated_create_gives_the_same_rollout(operator: Peer) -> None:
    await operator.publish(ARCHIVE)
    request_id = str(uuid.uuid4())
    first, second = await create(operator, request_id=request_id), await create(operator, request_id=request_id)
    assert first.name == second.name
    with pytest.raises(FailedPreconditionError):  # the node is in a live rollout
        await create(operator)


@pytest.mark.usefixtures("rsu")
async def test_orders_move_a_rollout_and_an_ended_one_takes_none(operator: Peer) -> None:
    await operator.publish(ARCHIVE)
    name = (await create(operator)).name
    release = operator.release
    orders: Any = (  # each RPC has its own types
        (release.PauseRollout, release_service_pb2.PauseRolloutRequest, release_pb2.Rollout.STATE_PAUSED),
        (release.ResumeRollout, release_service_pb2.ResumeRolloutRequest, release_pb2.Rollout.STATE_RUNNING),
        (release.AbortRollout, release_service_pb2.AbortRolloutRequest, release_pb2.Rollout.STATE_ABORTED),
        (release.AbortRollout, release_service_pb2.AbortRolloutRequest, release_pb2.Rollout.STATE_ABORTED),
    )
    for rpc, request, state in orders:
        assert (await operator.call(rpc, request(name=name))).rollout.state == state
    with pytest.raises(FailedPreconditionError):
        await operator.call(release.PauseRollout, release_service_pb2.PauseRolloutRequest(name=name))
    with pytest.raises(NotFoundError):
        await operator.call(release.GetRollout, release_service_pb2.GetRolloutRequest(name="rollouts/none"))
    listed = await operator.call(release.ListRollouts, release_service_pb2.ListRolloutsRequest())
    assert [one.name for one in listed.rollouts] == [name]


async def test_a_watcher_follows_a_rollout_until_it_ends(operator: Peer, rsu_peer: Peer) -> None:
    await operator.publish(ARCHIVE)
    session = await Session(rsu_peer).opened()
    await session.report(1)
    await session.until("ack")
    name = (await create(operator)).name
    request = release_service_pb2.WatchRolloutRequest(name=name)
    watch = operator.stream(operator.release.WatchRollout, request)
    assert (await anext(watch)).rollout.state == release_pb2.Rollout.STATE_RUNNING
    desired = await session.until("desired_state")
    while not desired.HasField("release"):
        desired = await session.until("desired_state")

    committed = release_pb2.UpdateReport(
        release=desired.release.release,
        rollout=desired.release.rollout,
        phase=release_pb2.UpdateReport.PHASE_COMMITTED,
        running_release=desired.release.release,
    )
    await session.report(2, update=committed)

    ended = [answer.rollout async for answer in watch][-1]
    assert ended.state == release_pb2.Rollout.STATE_SUCCEEDED
    assert ended.nodes[0].update.phase == release_pb2.UpdateReport.PHASE_COMMITTED


async def test_a_node_fetches_only_the_release_it_should_run(operator: Peer, rsu_peer: Peer) -> None:
    await operator.publish(ARCHIVE)

    async def fetch(release: str, offset: int = 0) -> None:
        request = node_service_pb2.FetchArtifactRequest(release=release, offset_bytes=offset)
        _ = [part async for part in rsu_peer.stream(rsu_peer.node.FetchArtifact, request)]

    with pytest.raises(NotFoundError):
        await fetch("releases/9.9.9")
    with pytest.raises(PermissionDeniedError):
        await fetch("releases/1.1.0")
    session = await Session(rsu_peer).opened()
    await session.report(1)
    await create(operator)
    while not (await session.until("desired_state")).HasField("release"):
        pass
    await fetch("releases/1.1.0")
    for offset in (-1, len(ARCHIVE) + 1):
        with pytest.raises(OutOfRangeError):
            await fetch("releases/1.1.0", offset)


async def test_a_configuration_the_node_does_not_have_is_not_found(rsu_peer: Peer) -> None:
    for revision in (0, 5):
        with pytest.raises(NotFoundError):
            await rsu_peer.call(rsu_peer.node.FetchConfig, node_service_pb2.FetchConfigRequest(revision=revision))
