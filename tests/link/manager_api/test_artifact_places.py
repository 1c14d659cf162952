"""The tables `[[artifact_places]]`: what nodes are told of them, and when again."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, Peer, Session
from tests.releases import archive
from wayside.errors import InvalidArgumentError
from wayside.v1 import node_pb2, node_service_pb2, rollout_service_pb2
from wayside_manager.app import running
from wayside_manager.artifact_settings import ArtifactPlaceSettings, read_places
from wayside_manager.core.artifact_places import Signing
from wayside_manager.settings import DataFolder, Settings, read_settings

PLACES = (
    ArtifactPlaceSettings(url="https://cdn.example/a/{sha256}", signing=Signing.HMAC, key_file="cdn.key", life_s=3600),
    ArtifactPlaceSettings(url="https://mirror.example/{sha256}"),
)


@asynccontextmanager
async def placed(made_folder: Path, path: Path, clock: Clock) -> AsyncIterator[tuple[LocalManager, Peer, Peer]]:
    """A manager with two places, its operator and a node that should run 1.1.0."""
    folder = DataFolder(shutil.copytree(made_folder, path / "manager"))
    (folder.path / "cdn.key").write_text("0123456789abcdef\n")
    async with running(folder, msgspec.structs.replace(SETTINGS, artifact_places=PLACES), now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        credential = await manager.enroll("rsu-1")
        async with manager.operator() as operator, manager.node(credential) as node:
            await operator.publish(archive("1.1.0"), version="1.1.0")
            chosen = node_pb2.NodeSelector(nodes=["nodes/rsu-1"])
            request = rollout_service_pb2.CreateRolloutRequest(release="releases/1.1.0", selector=chosen)
            await operator.call(operator.rollout.CreateRollout, request)
            yield manager, operator, node


async def release(session: Session) -> node_service_pb2.ReleaseTarget:
    while not (told := await session.until("desired_state")).HasField("release"):
        pass
    found: node_service_pb2.ReleaseTarget = told.release
    return found


async def test_a_node_is_told_signed_urls_best_first_and_anew_before_they_end(
    made_folder: Path, tmp_path: Path, clock: Clock
) -> None:
    async with placed(made_folder, tmp_path, clock) as (_, _operator, node):
        session = await Session(node).opened()
        await session.report(1)
        first = await release(session)
        signed, plain = first.urls
        assert plain == f"https://mirror.example/{first.sha256}"
        assert urlsplit(signed).path == f"/a/{first.sha256}"
        assert "node=rsu-1&expires=" in signed
        clock.push(seconds=1800)
        await session.report(2)
        renewed = await release(session)
        assert renewed.urls[0] != signed
        renewed.urls[0] = signed
        assert renewed == first  # nothing else is new: it is the same order


async def test_a_node_that_runs_it_is_not_told_again(made_folder: Path, tmp_path: Path, clock: Clock) -> None:
    async with placed(made_folder, tmp_path, clock) as (_, _operator, node):
        session = await Session(node).opened()
        await session.report(1)
        assert (await release(session)).urls
        runs = node_pb2.HealthReport(agent_version="1.1.0", release="releases/1.1.0")
        await session.report(2, health=runs)
        while (await session.until("ack")).sequence < 2:
            pass
        clock.push(seconds=1800)
        await session.report(3, health=runs)
        assert (await session.next()).WhichOneof("message") == "ack"
        assert not (await release(await Session(node, spool_id="spool-2").opened())).urls


def settings_of(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "manager.toml"
    path.write_text(text)
    return read_settings(path)


def test_places_are_read_with_their_secrets(tmp_path: Path) -> None:
    (tmp_path / "s3.key").write_text("AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n")
    settings = settings_of(
        tmp_path,
        '[[artifact_places]]\nurl = "https://bucket.s3.eu-central-1.amazonaws.com/{sha256}"\nsigning = "s3"\n'
        'key_file = "s3.key"\nregion = "eu-central-1"\n',
    )
    [place] = read_places(settings.artifact_places, tmp_path).places
    assert (place.key_id, place.key) == ("AKIAIOSFODNN7EXAMPLE", b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ('url = "http://cdn.example/{sha256}"', "url"),
        ('url = "https://cdn.example/{sha256}"\nsigning = "hmac"', "key_file"),
        ('url = "https://cdn.example/{sha256}"\nkey_file = "a"', "key_file"),
        ('url = "https://cdn.example/{sha256}"\nsigning = "s3"\nkey_file = "a"', "region"),
        ('url = "https://cdn.example/{sha256}"\nlife_s = 60', "life_s"),
    ],
    ids=["plain http", "no secret", "secret unused", "no region", "too short a life"],
)
def test_a_place_that_cannot_be_is_named_with_its_field(lines: str, field: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"manager\.toml: .*{field}"):
        settings_of(tmp_path, f"[[artifact_places]]\n{lines}\n")


@pytest.mark.parametrize("content", [None, "", "short\n", "one line too many\nof secrets here\n"])
def test_a_secret_that_cannot_be_is_said_when_the_manager_starts(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "cdn.key").write_text(content)
    with pytest.raises(InvalidArgumentError, match=r"artifact_places\.key_file"):
        read_places(PLACES, tmp_path)
