"""Deltas between releases: which are made, by a real child over real files, and what survives."""

import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.contract.manager_store import START, batch, enrolled, health
from tests.releases import archive
from wayside.release_reading import checked
from wayside_manager.core.deltas import MAX_BASES, MAX_TRIES, DeltaRelease, DeltaState, Pair, wanted_pairs
from wayside_manager.core.releases import ReleaseRecord
from wayside_manager.core.rollout import RolloutPlan, RolloutSpec
from wayside_manager.ports.store import Store
from wayside_manager.services.artifact_collection import collect_artifacts
from wayside_manager.services.deltas import Bounds, Deltas
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.artifacts import ArtifactDirectory
from wayside_manager.store.bus import LocalBus

NOISE = Random(3).randbytes(60_000)  # noqa: S311  # repeatable bytes, no secrets
BOUNDS = Bounds(memory_bytes=2 << 30, timeout_s=60)
PAIR = Pair("1.1.0", "1.0.0")


@pytest.fixture
async def artifacts(tmp_path: Path) -> AsyncIterator[ArtifactDirectory]:
    async with ArtifactDirectory(tmp_path / "artifacts") as artifacts:
        yield artifacts


async def published(store: Store, artifacts: ArtifactDirectory, version: str, noise: bytes = NOISE) -> str:
    """A release; its tree."""
    content = archive(version, files={"site/noise": noise, "site/version.py": version.encode()})
    sha256, manifest = hashlib.sha256(content).hexdigest(), checked(io.BytesIO(content)).manifest

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await artifacts.write(chunks(), sha256=sha256, size_bytes=len(content))
    await store.add_release(ReleaseRecord(version, sha256, len(content), "", START, manifest=manifest))
    return manifest.tree_sha256


async def run_on(store: Store, tree_sha256: str) -> None:
    """A node whose last session said what it runs."""
    await enrolled(store, "rsu-1")
    await store.note_software("rsu-1", hardware_id="", running_tree_sha256=tree_sha256)


def making(store: Store, artifacts: ArtifactDirectory, tmp_path: Path, bounds: Bounds = BOUNDS) -> Deltas:
    folder = tmp_path / "deltas"
    return Deltas(store, artifacts, LocalBus(), folder=folder, bounds=bounds, now=lambda: START)


async def test_a_delta_is_made_from_what_nodes_run_and_kept(
    store: Store, artifacts: ArtifactDirectory, tmp_path: Path
) -> None:
    await run_on(store, await published(store, artifacts, "1.0.0"))
    await published(store, artifacts, "1.1.0")
    deltas = making(store, artifacts, tmp_path)
    assert await deltas.look()
    (made,) = await store.list_deltas()
    assert (made.version, made.base_version, made.state) == ("1.1.0", "1.0.0", DeltaState.READY)
    assert await artifacts.size_bytes(made.sha256) == made.size_bytes < 5_000
    assert await collect_artifacts(store, artifacts) == frozenset()
    assert not await deltas.look()
    assert list((tmp_path / "deltas").iterdir()) == []  # a test has nothing else to do
    assert await store.delta_to("1.1.0", made.sha256) == made
    assert await store.delta_to("1.0.0", made.sha256) is None


async def test_a_retired_release_drops_its_deltas_and_their_bytes(
    store: Store, artifacts: ArtifactDirectory, tmp_path: Path
) -> None:
    await run_on(store, await published(store, artifacts, "1.0.0"))
    await published(store, artifacts, "1.1.0")
    deltas = making(store, artifacts, tmp_path)
    await deltas.look()
    (made,) = await store.list_deltas()
    await store.retire_release("1.1.0", etag="")
    assert not await deltas.look()
    assert await store.list_deltas() == ()
    assert made.sha256 not in await artifacts.hashes()


async def test_a_delta_that_is_hardly_smaller_is_not_kept(
    store: Store, artifacts: ArtifactDirectory, tmp_path: Path
) -> None:
    await run_on(store, await published(store, artifacts, "1.0.0"))
    await published(store, artifacts, "1.1.0", Random(4).randbytes(60_000))  # noqa: S311
    await making(store, artifacts, tmp_path).look()
    (made,) = await store.list_deltas()
    assert (made.state, made.sha256) == (DeltaState.USELESS, "")
    assert "of the whole" in made.message
    assert len(await artifacts.hashes()) == 2


@pytest.mark.parametrize(
    ("bounds", "why"),
    [(replace(BOUNDS, memory_bytes=1 << 20), ""), (replace(BOUNDS, timeout_s=0.01), "took longer than")],
    ids=["memory", "time"],
)
async def test_a_making_beyond_its_bounds_is_given_up_after_some_tries(
    store: Store, artifacts: ArtifactDirectory, tmp_path: Path, bounds: Bounds, why: str
) -> None:
    await run_on(store, await published(store, artifacts, "1.0.0"))
    await published(store, artifacts, "1.1.0")
    deltas = making(store, artifacts, tmp_path, bounds)
    for _ in range(MAX_TRIES):
        assert await deltas.look()
    assert not await deltas.look()
    (made,) = await store.list_deltas()
    assert (made.state, made.try_count) == (DeltaState.FAILED, MAX_TRIES)
    assert why in made.message != ""


async def test_a_manager_that_dies_in_the_making_counts_the_try(store: Store, artifacts: ArtifactDirectory) -> None:
    await run_on(store, await published(store, artifacts, "1.0.0"))
    await published(store, artifacts, "1.1.0")
    lease = await store.take_lease("deltas", "dead", now=START, life_s=15)
    assert lease is not None
    await store.keep_pairs([PAIR], lease=lease)
    for count in range(1, MAX_TRIES + 2):
        begun = await store.begin_delta(PAIR, lease=lease)
        assert (begun.try_count if begun else None) == (count if count <= MAX_TRIES else None)
    assert [each.state for each in await store.list_deltas()] == [DeltaState.FAILED]


async def test_what_failed_gets_one_more_try_at_each_start_of_the_manager(
    store: Store, artifacts: ArtifactDirectory, tmp_path: Path
) -> None:
    await run_on(store, await published(store, artifacts, "1.0.0"))
    await published(store, artifacts, "1.1.0")
    narrow = replace(BOUNDS, memory_bytes=1 << 20)
    deltas = making(store, artifacts, tmp_path, narrow)
    while await deltas.look():
        pass
    again = making(store, artifacts, tmp_path, narrow)
    assert [await again.look() for _ in range(2)] == [True, False]  # one try, never for ever
    assert [each.state for each in await store.list_deltas()] == [DeltaState.FAILED]
    assert await making(store, artifacts, tmp_path).look()
    assert [(each.state, each.message) for each in await store.list_deltas()] == [(DeltaState.READY, "")]


async def test_what_managers_died_over_is_not_tried_again(
    store: Store, artifacts: ArtifactDirectory, tmp_path: Path
) -> None:
    await run_on(store, await published(store, artifacts, "1.0.0"))
    await published(store, artifacts, "1.1.0")
    lease = await store.take_lease("deltas", "dead", now=START, life_s=0)
    assert lease is not None
    await store.keep_pairs([PAIR], lease=lease)
    for _ in range(MAX_TRIES + 1):
        await store.begin_delta(PAIR, lease=lease)
    await store.release_lease(lease)
    assert not await making(store, artifacts, tmp_path).look()
    (dead,) = await store.list_deltas()
    assert (dead.state, "given up" in dead.message) == (DeltaState.FAILED, True)


def release(version: str, order: int, **fields: object) -> DeltaRelease:
    said = {"size_bytes": 1, "is_active": True, "node_count": 1, "is_wanted": False, "tenant_ids": frozenset({"root"})}
    return DeltaRelease(version, version, tree_sha256=version, create_us=order, counter=order, **(said | fields))  # type: ignore[arg-type]


def test_at_most_some_bases_are_used_the_newest_first() -> None:
    pairs = wanted_pairs([release(f"1.{n}", n) for n in range(10)])
    newest = [pair.base_version for pair in pairs if pair.version == "1.9"]
    assert newest == [f"1.{n}" for n in range(8, 8 - MAX_BASES, -1)]


def test_nothing_leads_to_a_retired_release_nor_from_one_that_nobody_runs() -> None:
    old, new = release("1.0", 1), release("1.1", 2)
    assert wanted_pairs([old, new]) == (Pair("1.1", "1.0"),)
    assert wanted_pairs([old, replace(new, is_active=False)]) == ()
    assert wanted_pairs([replace(old, node_count=0), new]) == ()
    assert wanted_pairs([old, replace(new, tenant_ids=frozenset({"other"}))]) == ()


@pytest.mark.parametrize("is_early", [True, False], ids=["before it is told", "after it was told"])
async def test_a_node_is_offered_the_delta_that_begins_at_its_files(
    store: Store, artifacts: ArtifactDirectory, tmp_path: Path, is_early: bool
) -> None:
    tree_sha256 = await published(store, artifacts, "1.0.0")
    await published(store, artifacts, "1.1.0")
    await run_on(store, tree_sha256)
    deltas = making(store, artifacts, tmp_path)
    if is_early:
        await deltas.look()
        assert await store.delta_for("rsu-1") is None, "it was not told to run anything"
    await rolled_out(store, "1.1.0")
    before = (await store.get_desired("rsu-1")).revision
    if not is_early:
        assert await store.delta_for("rsu-1") is None
        await deltas.look()
        assert (await store.get_desired("rsu-1")).revision == before + 1, "it is told anew"
    found = await store.delta_for("rsu-1")
    assert found is not None
    assert (found.version, found.base_tree_sha256) == ("1.1.0", tree_sha256)
    await store.note_software("rsu-1", hardware_id="", running_tree_sha256="f" * 64)
    assert await store.delta_for("rsu-1") is None


async def rolled_out(store: Store, version: str) -> None:
    """Every node is told to run the release."""
    await store.record_reports([batch("rsu-1", health(1))])
    await store.create_rollout(RolloutSpec("r1", version, ("rsu-1",), RolloutPlan()), now=START)
    await RolloutStepper(store, LocalBus(), now=lambda: START).step_all()
