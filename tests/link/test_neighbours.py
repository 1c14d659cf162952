"""An artifact from a unit near this one: who may have it, from which byte, and how much of the other's line."""

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from tests.link.neighbourhood import CONTENT, ORDER, REVOKED, SHA256, Fleet, Neighbour, fetched
from wayside.errors import (
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    UnavailableError,
    WaysideError,
)
from wayside.neighbours import neighbour_url, server_name
from wayside_agent.core.der import pem_content
from wayside_agent.core.download import Order
from wayside_agent.core.serving import AWAY_YES_S, YES_S
from wayside_agent.drivers.kept_artifacts import KeptArtifacts
from wayside_agent.link.credentials import channel_credentials
from wayside_agent.link.neighbours import FIRST_TIMEOUT_S, NeighbourPlace
from wayside_agent.link.serving import CHUNK_BYTES, Bounds
from wayside_agent.ports.identity import Identity


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
async def rsu(fleet: Fleet, tmp_path: Path) -> Neighbour:
    return await Neighbour(tmp_path / "peer", fleet.identity("rsu-1", serves=True)).kept()


def certificate_sha256(identity: Identity) -> str:
    return hashlib.sha256(pem_content(identity.certificate_pem)).hexdigest()


@pytest.mark.parametrize("offset", [0, 1, 1_234_567, len(CONTENT)], ids=["begin", "one", "midst", "end"])
async def test_a_unit_gets_the_artifact_from_any_byte(fleet: Fleet, rsu: Neighbour, offset: int) -> None:
    async with rsu.serving():
        assert await fetched(rsu.url, fleet.identity("obu-2"), offset_bytes=offset) == CONTENT[offset:]


async def test_the_manager_is_asked_once_of_a_certificate(fleet: Fleet, rsu: Neighbour) -> None:
    unit = fleet.identity("obu-2")
    async with rsu.serving():
        await fetched(rsu.url, unit)
        await fetched(rsu.url, unit)
    assert rsu.asked == [certificate_sha256(unit)]


async def test_a_revoked_certificate_is_refused(fleet: Fleet, rsu: Neighbour) -> None:
    unit = fleet.identity("obu-2")
    rsu.answers[certificate_sha256(unit)] = REVOKED
    async with rsu.serving():
        with pytest.raises(PermissionDeniedError) as raised:
            await fetched(rsu.url, unit)
        assert raised.value.reason == "PEER_REFUSED"
        assert await fetched(rsu.url, fleet.identity("obu-3")) == CONTENT


async def test_a_certificate_that_is_revoked_later_is_refused_when_its_yes_is_over(
    fleet: Fleet, rsu: Neighbour
) -> None:
    now_s, unit = [0.0], fleet.identity("obu-2")
    rsu.mono_s = lambda: now_s[0]
    async with rsu.serving():
        await fetched(rsu.url, unit)
        rsu.answers[certificate_sha256(unit)] = REVOKED
        now_s[0] = YES_S
        with pytest.raises(PermissionDeniedError):
            await fetched(rsu.url, unit)


async def test_while_the_manager_is_away_only_known_units_are_served_and_for_a_day(
    fleet: Fleet, rsu: Neighbour
) -> None:
    now_s, unit = [0.0], fleet.identity("obu-2")
    rsu.mono_s = lambda: now_s[0]
    async with rsu.serving():
        await fetched(rsu.url, unit)
        rsu.answers[""] = UnavailableError("away")
        now_s[0] = AWAY_YES_S - 1
        assert await fetched(rsu.url, unit) == CONTENT
        with pytest.raises(UnavailableError, match="vouches"):
            await fetched(rsu.url, fleet.identity("obu-3"))
        now_s[0] = AWAY_YES_S
        with pytest.raises(UnavailableError, match="vouches"):
            await fetched(rsu.url, unit)


async def test_a_manager_that_does_not_answer_is_away(fleet: Fleet, rsu: Neighbour) -> None:
    now_s, unit = [0.0], fleet.identity("obu-2")
    rsu.mono_s = lambda: now_s[0]
    rsu.bounds = Bounds("127.0.0.1:0", max_count=4, check_s=0.2)
    async with rsu.serving():
        await fetched(rsu.url, unit)
        rsu.is_mute = True
        now_s[0] = AWAY_YES_S - 1
        assert await fetched(rsu.url, unit) == CONTENT
        with pytest.raises(UnavailableError, match="vouches"):
            await fetched(rsu.url, fleet.identity("obu-3"))


def test_a_manager_has_less_time_for_its_word_than_a_neighbour_for_its_first_byte() -> None:
    assert Bounds("127.0.0.1:0", max_count=1).check_s < FIRST_TIMEOUT_S


@pytest.mark.parametrize("rate", [1_024, 26_000, 10**9, 0], ids=["least", "low", "high", "unlimited"])
def test_the_first_chunk_flows_within_the_patience_of_all_who_may_read_at_a_time(rate: int) -> None:
    bounds = Bounds("127.0.0.1:0", max_count=16, max_bytes_per_s=rate)
    assert 0 < bounds.chunk_bytes <= CHUNK_BYTES
    assert not rate or bounds.max_count * bounds.chunk_bytes / rate < FIRST_TIMEOUT_S


async def test_the_least_rate_brings_bytes(fleet: Fleet, rsu: Neighbour) -> None:
    rsu.bounds = Bounds("127.0.0.1:0", max_count=1, max_bytes_per_s=1_024)
    async with rsu.serving():
        place = NeighbourPlace(lambda: fleet.identity("obu-2"))
        first = await anext(aiter(place.fetch(rsu.url, ORDER, offset_bytes=0)))
    assert first == CONTENT[: len(first)]


async def test_a_foreign_certificate_gets_no_connection(fleet: Fleet, rsu: Neighbour) -> None:
    async with rsu.serving():
        with pytest.raises(UnavailableError):
            await fetched(rsu.url, fleet.identity("obu-2", by=Fleet().authority))
    assert rsu.asked == []


async def test_an_operator_is_no_node(fleet: Fleet, rsu: Neighbour) -> None:
    made = fleet.authority.operator_credential("admin", now=datetime.now(UTC))
    pem = fleet.authority.certificate_pem.encode()
    operator = Identity("admin", made.key_pem.encode(), made.certificate.pem.encode(), pem)
    async with rsu.serving():
        with pytest.raises(PermissionDeniedError) as raised:
            await fetched(rsu.url, operator)
    assert raised.value.reason == "NOT_A_NODE"
    assert rsu.asked == []


async def test_who_is_not_the_named_node_is_not_believed(fleet: Fleet, tmp_path: Path) -> None:
    other = await Neighbour(tmp_path / "peer", fleet.identity("rsu-9", serves=True)).kept()
    async with other.serving():
        with pytest.raises(UnavailableError):
            await fetched(neighbour_url(f"127.0.0.1:{other.server.port}", "rsu-1"), fleet.identity("obu-2"))
    assert other.asked == []


async def test_a_neighbour_of_another_fleet_is_not_believed(fleet: Fleet, tmp_path: Path) -> None:
    foreign = Fleet()
    other = await Neighbour(tmp_path / "peer", foreign.identity("rsu-1", serves=True)).kept()
    async with other.serving():
        with pytest.raises(UnavailableError):
            await fetched(other.url, fleet.identity("obu-2"))


@pytest.mark.parametrize(
    "sha256",
    ["", "0" * 64, "../" + SHA256, SHA256.upper(), f"{SHA256}.new", SHA256[:63], "x" * 3_000],
    ids=["empty", "other", "path", "upper", "new", "short", "long"],
)
async def test_what_is_not_kept_is_not_found(fleet: Fleet, rsu: Neighbour, sha256: str) -> None:
    async with rsu.serving():
        with pytest.raises(NotFoundError):
            await fetched(rsu.url, fleet.identity("obu-2"), order=Order("releases/1.1.0", sha256, 10))


@pytest.mark.parametrize("offset", [-1, len(CONTENT) + 1, 2**62], ids=["negative", "behind", "far"])
async def test_an_offset_outside_is_refused(fleet: Fleet, rsu: Neighbour, offset: int) -> None:
    async with rsu.serving():
        with pytest.raises(OutOfRangeError):
            await fetched(rsu.url, fleet.identity("obu-2"), offset_bytes=offset)


async def test_what_the_disk_has_damaged_is_never_sent(fleet: Fleet, rsu: Neighbour) -> None:
    path = rsu.folder / SHA256
    damaged = bytearray(CONTENT)
    damaged[1_000] ^= 1
    path.write_bytes(damaged)
    async with rsu.serving():
        with pytest.raises(NotFoundError):
            await fetched(rsu.url, fleet.identity("obu-2"))
    assert not path.exists()


async def test_a_unit_on_trial_does_not_serve_what_it_tries(fleet: Fleet, tmp_path: Path) -> None:
    rsu = Neighbour(tmp_path / "peer", fleet.identity("rsu-1", serves=True))
    part = tmp_path / "download.part"
    part.write_bytes(CONTENT)
    async with KeptArtifacts(rsu.folder, max_count=1, reserve_bytes=0) as shelf:
        await shelf.take(part, SHA256)
    async with rsu.serving():
        with pytest.raises(NotFoundError):
            await fetched(rsu.url, fleet.identity("obu-2"))


@pytest.mark.parametrize("method", ["Session", "FetchConfig", "FetchTrust", "GetAuthorities", "CheckPeer"])
async def test_nothing_else_is_served(fleet: Fleet, rsu: Neighbour, method: str) -> None:
    options = (("grpc.ssl_target_name_override", server_name("rsu-1")),)
    credentials = channel_credentials(fleet.identity("obu-2"))
    async with (
        rsu.serving(),
        grpc.aio.secure_channel(f"127.0.0.1:{rsu.server.port}", credentials, options=options) as channel,
    ):
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/wayside.v1.NodeService/{method}")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(b"", timeout=20)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_unit_that_saves_power_serves_nobody(fleet: Fleet, rsu: Neighbour) -> None:
    rsu.is_saving = True
    async with rsu.serving():
        with pytest.raises(UnavailableError, match="saves power"):
            await fetched(rsu.url, fleet.identity("obu-2"))


async def test_one_unit_has_one_transfer_and_few_have_one_at_a_time(fleet: Fleet, rsu: Neighbour) -> None:
    rsu.bounds = Bounds("127.0.0.1:0", max_count=2, max_bytes_per_s=2_000)  # it takes half an hour
    first, second = fleet.identity("obu-2"), fleet.identity("obu-3")

    async with rsu.serving(), asyncio.timeout(20), asyncio.TaskGroup() as group:
        held = [group.create_task(fetched(rsu.url, first))]
        await rsu.question.get()
        with pytest.raises(UnavailableError) as raised:
            await fetched(rsu.url, first)
        assert raised.value.reason == "PEER_BUSY"
        held.append(group.create_task(fetched(rsu.url, second)))
        await rsu.question.get()
        with pytest.raises(UnavailableError):
            await fetched(rsu.url, fleet.identity("obu-4"))
        for each in held:
            each.cancel()
    assert len(rsu.asked) == 2


async def test_a_neighbour_that_sends_more_than_was_ordered_is_refused(fleet: Fleet, rsu: Neighbour) -> None:
    async with rsu.serving():
        with pytest.raises(InvalidArgumentError, match="more than"):
            await fetched(rsu.url, fleet.identity("obu-2"), order=Order("releases/1.1.0", SHA256, 1_000))


@pytest.mark.parametrize(
    "url",
    [
        "wayside://rsu.example:7445/nodes/rsu-1",
        "wayside://10.0.0.1/nodes/rsu-1",
        "wayside://10.0.0.1:22/nodes/rsu-1",
        "wayside://0.0.0.0:7445/nodes/rsu-1",
        "wayside://10.0.0.1:7445/operators/admin",
        "wayside://10.0.0.1:7445/nodes/RSU",
        "wayside://10.0.0.1:7445/",
        "https://10.0.0.1:7445/nodes/rsu-1",
    ],
    ids=["name", "no port", "low port", "anywhere", "operator", "no label", "no node", "scheme"],
)
async def test_a_url_that_names_no_neighbour_is_not_dialled(fleet: Fleet, url: str) -> None:
    with pytest.raises(InvalidArgumentError):
        await fetched(url, fleet.identity("obu-2"))


async def test_a_neighbour_that_is_gone_is_unavailable(fleet: Fleet, rsu: Neighbour) -> None:
    async with rsu.serving():
        url = rsu.url
    with pytest.raises(WaysideError) as raised:
        await fetched(url, fleet.identity("obu-2"))
    assert isinstance(raised.value, UnavailableError)
    assert "neighbour rsu-1" in str(raised.value)
