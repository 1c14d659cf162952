"""What is signed of releases: what the manager sends satisfies python-tuf's own client, and it takes nothing else."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, TargetFile

from tests import signing
from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, Peer, Session, csr, enrollment, release_archive
from tests.link.manager_api.tuf_client import TufClient
from tests.releases import archive
from tests.signing import people, signed_alone, target
from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.v1 import node_pb2, node_service_pb2, release_service_pb2, rollout_service_pb2
from wayside_manager.app import running
from wayside_manager.core.release_trust.files import Repository, written
from wayside_manager.core.release_trust.roots import RootPlan, drafted_root
from wayside_manager.services.authority import new_key
from wayside_manager.services.trust_keys import key_of_pem
from wayside_manager.settings import DataFolder

ARCHIVE = release_archive("1.1.0")
UNTIL = timedelta(days=365)


async def trust(operator: Peer) -> release_service_pb2.ReleaseTrust:
    request = release_service_pb2.GetReleaseTrustRequest()
    return (await operator.call(operator.release.GetReleaseTrust, request)).trust


async def update(operator: Peer, **files: Any) -> release_service_pb2.ReleaseTrust:  # noqa: ANN401  # fields of a message
    request = release_service_pb2.UpdateReleaseTrustRequest(**files)
    return (await operator.call(operator.release.UpdateReleaseTrust, request)).trust


@pytest.fixture
async def unit(operator: Peer, tmp_path: Path) -> TufClient:
    """Has pinned the first roots."""
    held = await trust(operator)
    return TufClient(tmp_path / "unit", {"image": held.image_root, "director": held.director_root})


@pytest.fixture
async def obu_peer(manager: LocalManager) -> AsyncIterator[Peer]:
    async with manager.node(await manager.enroll("obu-7")) as peer:
        yield peer


async def rolled_out(operator: Peer, peer: Peer, node_id: str, version: str = "1.1.0") -> None:
    """Makes a version what a node should run."""
    session = await Session(peer).opened()
    await session.report(1)
    chosen = node_pb2.NodeSelector(nodes=[f"nodes/{node_id}"])
    request = rollout_service_pb2.CreateRolloutRequest(release=f"releases/{version}", selector=chosen)
    await operator.call(operator.rollout.CreateRollout, request)
    while not (await session.until("desired_state")).HasField("release"):
        pass
    session.call.cancel()


async def next_roots(
    operator: Peer,
    manager: LocalManager,
    after: tuple[CryptoSigner, ...],
    *,
    signed_by: tuple[CryptoSigner, ...],
    version: int = 2,
) -> dict[str, list[bytes]]:
    """Roots of a version that name others."""
    key = key_of_pem((await trust(operator)).manager_public_key_pem.encode(), holder="manager", what="key")
    keys = tuple(each.public_key for each in after)
    plan, found = RootPlan(people=keys, signers=keys, manager=(key,)), {}
    for repository in Repository:
        root = drafted_root(repository, plan, version=version, expire_time=manager.clock() + UNTIL)
        for signer in signed_by:
            root.sign(signer, append=True)
        found[f"{repository}_roots"] = [written(root)]
    return found


async def test_a_unit_refreshes_both_repositories_and_they_agree(
    operator: Peer, manager: LocalManager, rsu_peer: Peer, unit: TufClient
) -> None:
    release = (await operator.publish(ARCHIVE)).release
    await rolled_out(operator, rsu_peer, "rsu-1")
    found = await unit.refreshed(rsu_peer, now=manager.clock())
    exists, directed = found["image"][0]["1.1.0.tar.gz"], found["director"][0]
    assert list(directed) == ["1.1.0.tar.gz"]
    assert directed["1.1.0.tar.gz"] == exists
    assert (exists.length, exists.hashes["sha256"]) == (release.size_bytes, release.sha256)
    assert (exists.custom["counter"], exists.custom["tree_sha256"]) == (release.counter, release.tree_sha256)
    assert found["director"][1]["node"] == "nodes/rsu-1"


async def test_a_node_is_directed_to_nothing_until_it_should_run_something(
    operator: Peer, manager: LocalManager, rsu_peer: Peer, unit: TufClient
) -> None:
    await operator.publish(ARCHIVE)
    found = await unit.refreshed(rsu_peer, now=manager.clock())
    assert (list(found["director"][0]), found["director"][1]["node"]) == ([], "nodes/rsu-1")


async def test_a_node_cannot_get_the_direction_of_another(
    operator: Peer, rsu_peer: Peer, obu_peer: Peer, unit: TufClient, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    await operator.publish(ARCHIVE)
    await rolled_out(operator, rsu_peer, "rsu-1")
    other = TufClient(tmp_path / "other", unit.roots)
    own, others = (
        await unit.refreshed(rsu_peer, now=now),
        await other.refreshed(obu_peer, now=now),
    )
    assert (own["director"][1]["node"], others["director"][1]["node"]) == ("nodes/rsu-1", "nodes/obu-7")
    assert (list(own["director"][0]), list(others["director"][0])) == (["1.1.0.tar.gz"], [])


async def test_what_is_young_is_sent_as_it_is_and_what_is_old_is_signed_anew_when_asked_for(
    operator: Peer, manager: LocalManager, rsu_peer: Peer, unit: TufClient
) -> None:
    await operator.publish(ARCHIVE)
    first = await unit.fetch(rsu_peer)
    manager.clock.push(days=6)
    assert await unit.fetch(rsu_peer) == first
    manager.clock.push(days=2)
    assert await unit.fetch(rsu_peer) != first
    unit.verified(first, now=manager.clock())
    manager.clock.push(days=7)
    with pytest.raises(exceptions.ExpiredMetadataError):
        unit.verified(first, now=manager.clock())
    await unit.refreshed(rsu_peer, now=manager.clock())


async def test_a_unit_two_months_behind_catches_up(made_folder: Path, tmp_path: Path) -> None:
    folder, began = (
        DataFolder(shutil.copytree(made_folder, tmp_path / "manager")),
        datetime.now(UTC) - timedelta(days=60),
    )
    settings, clock = msgspec.structs.replace(SETTINGS, node_certificate_days=397), Clock(began)
    async with running(folder, settings, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        async with manager.operator() as operator, manager.node(await manager.enroll("rsu-1")) as peer:
            held = await trust(operator)
            unit = TufClient(tmp_path / "unit", {"image": held.image_root, "director": held.director_root})
            await operator.publish(ARCHIVE)
            await unit.refreshed(peer, now=clock())
            signers = people()
            for version in (2, 3, 4):
                clock.push(days=20)
                after = (signers[0], CryptoSigner.generate_ed25519())
                roots = await next_roots(operator, manager, after, signed_by=(*signers, after[1]), version=version)
                exists = target(ARCHIVE, "1.1.0"), target(release_archive("1.2.0"), "1.2.0")
                targets = signed_alone(*exists, version=10_000 + version, signers=after)
                await update(operator, **roots, image_targets=targets)
                signers = after
            found = await unit.refreshed(peer, now=clock())
    assert sorted(found["image"][0]) == ["1.1.0.tar.gz", "1.2.0.tar.gz"]
    assert unit.versions == {"image": 4, "director": 4}


async def test_a_revoked_key_signs_nothing_more_and_what_it_signed_must_be_signed_anew(
    operator: Peer, manager: LocalManager, rsu_peer: Peer, unit: TufClient
) -> None:
    await operator.publish(ARCHIVE)
    old = people()
    after = (old[0], CryptoSigner.generate_ed25519())
    roots = await next_roots(operator, manager, after, signed_by=(*old, after[1]))
    with pytest.raises(FailedPreconditionError) as caught:  # units would refuse the targets that are there
        await update(operator, **roots)
    assert caught.value.reason == "THRESHOLD"
    exists = target(ARCHIVE, "1.1.0")
    await update(operator, **roots, image_targets=signed_alone(exists, version=10_000, signers=after))
    with pytest.raises(FailedPreconditionError) as caught:
        await operator.publish(release_archive("1.2.0"), version="1.2.0")
    assert caught.value.reason == "THRESHOLD"
    assert list((await unit.refreshed(rsu_peer, now=manager.clock()))["image"][0]) == ["1.1.0.tar.gz"]


async def test_roots_that_are_known_are_passed_over_and_others_must_follow(
    operator: Peer, manager: LocalManager
) -> None:
    held = await trust(operator)
    assert await update(operator, image_roots=[held.image_root], director_roots=[held.director_root]) == held
    strangers = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
    cases = {
        "ROOT_THRESHOLD": await next_roots(operator, manager, strangers, signed_by=strangers),
        "ROOT_VERSION": await next_roots(operator, manager, people(), signed_by=people(), version=3),
        "METADATA_INVALID": await next_roots(operator, manager, people(), signed_by=people()),
    }
    alone: Metadata[Root] = Metadata.from_bytes(cases["METADATA_INVALID"]["image_roots"][0])
    alone.signed.roles["targets"].threshold = 1
    cases["METADATA_INVALID"]["image_roots"] = [written(alone)]
    for reason, roots in cases.items():
        with pytest.raises(InvalidArgumentError) as caught:
            await update(operator, **roots)
        assert caught.value.reason == reason
    assert await trust(operator) == held


async def test_roots_must_name_the_key_of_this_manager(operator: Peer, manager: LocalManager) -> None:
    other = CryptoSigner.generate_ed25519().public_key
    plan = signing.plan(other)
    root = drafted_root(Repository.IMAGE, plan, version=2, expire_time=manager.clock() + UNTIL)
    for signer in people():
        root.sign(signer, append=True)
    with pytest.raises(FailedPreconditionError) as caught:
        await update(operator, image_roots=[written(root)])
    assert caught.value.reason == "KEY_NOT_NAMED"


REFUSED = {
    "THRESHOLD": lambda now: signed_alone(
        target(ARCHIVE, "1.1.0"), version=20_000, signers=people()[:1], expire_time=now + UNTIL
    ),
    "EXPIRED": lambda now: signed_alone(target(ARCHIVE, "1.1.0"), version=20_000, expire_time=now - timedelta(days=1)),
    "ROLLBACK": lambda now: signed_alone(target(ARCHIVE, "1.1.0"), version=1, expire_time=now + UNTIL),
    "HASH": lambda now: signed_alone(
        target(ARCHIVE, "1.1.0", sha256="0" * 64), version=20_000, expire_time=now + UNTIL
    ),
    "MANIFEST": lambda now: signed_alone(
        TargetFile(len(ARCHIVE), target(ARCHIVE, "1.1.0").hashes, "1.1.0.tar.gz"),
        version=20_000,
        expire_time=now + UNTIL,
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_what_a_unit_would_refuse_is_not_published(operator: Peer, manager: LocalManager, reason: str) -> None:
    await operator.publish(release_archive("1.0.0"), version="1.0.0", image_targets=_first())
    with pytest.raises(FailedPreconditionError) as caught:
        await operator.publish(ARCHIVE, image_targets=REFUSED[reason](manager.clock()))
    assert caught.value.reason == reason
    assert len([path for path in manager.folder.artifacts.iterdir() if path.name != "jobs"]) == 1


def _first() -> bytes:
    return signed_alone(target(release_archive("1.0.0"), "1.0.0"), version=2)


async def test_a_counter_must_rise_unless_people_signed_the_way_back(operator: Peer) -> None:
    await operator.publish(archive("1.2.0", hardware_ids=("rsu-x86",)), version="1.2.0")
    with pytest.raises(FailedPreconditionError) as caught:
        await operator.publish(archive("1.1.0", hardware_ids=("rsu-x86", "rsu-arm")))
    assert caught.value.reason == "COUNTER"
    await operator.publish(archive("1.1.0", hardware_ids=("obu-arm",)))
    way_back = archive("1.1.9", hardware_ids=("rsu-x86",), downgrade_from_counter=1_002_000)
    await operator.publish(way_back, version="1.1.9")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[" * 100_000, b"x" * ((2 << 20) + 1)], ids=["none", "empty", "deep", "large"]
)
async def test_targets_that_are_none_are_refused(operator: Peer, content: bytes) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await operator.publish(ARCHIVE, image_targets=content)
    assert caught.value.reason == "METADATA_INVALID"


async def test_what_ends_first_is_told_first(operator: Peer, manager: LocalManager) -> None:
    await operator.publish(
        ARCHIVE,
        image_targets=signed_alone(target(ARCHIVE, "1.1.0"), version=30_000, expire_time=manager.clock() + UNTIL),
    )
    assert (await trust(operator)).ends[0].what == "image targets"


async def test_enrolment_brings_the_roots_to_pin(manager: LocalManager, operator: Peer) -> None:
    token, held = await operator.enrollment_token(node="nodes/rsu-9"), await trust(operator)
    async with manager.stranger() as stranger:
        request = enrollment(token, "rsu-9", csr(new_key()))
        answer = await stranger.call(stranger.enrollment.Enroll, request)
    assert (answer.image_root, answer.director_root) == (held.image_root, held.director_root)


async def test_before_anything_was_published_there_is_nothing_to_fetch(rsu_peer: Peer, unit: TufClient) -> None:
    with pytest.raises(FailedPreconditionError) as caught:
        await unit.fetch(rsu_peer)
    assert caught.value.reason == "NO_TARGETS"


async def test_negative_versions_are_refused(rsu_peer: Peer) -> None:
    request = node_service_pb2.FetchTrustRequest(director_root_version=-1)
    with pytest.raises(InvalidArgumentError, match="director_root_version"):
        await rsu_peer.call(rsu_peer.node.FetchTrust, request)
