"""The table `[door]`: limits as the operator wants them, and addresses that have none."""

import resource
from pathlib import Path

import pytest

from tests.link.manager_api.door_place import ATTACKER, HOME, placed, refused
from wayside.errors import InvalidArgumentError
from wayside_manager.api.gate.limits import CallLimits, CallRates
from wayside_manager.cli.serve import raise_file_limit
from wayside_manager.core.attempts import Limits
from wayside_manager.core.policy import Caller
from wayside_manager.door_settings import DoorSettings
from wayside_manager.settings import read_settings


def test_the_defaults_are_those_of_the_door() -> None:
    assert DoorSettings().limits() == Limits()


def test_what_an_operator_writes_counts(tmp_path: Path) -> None:
    path = tmp_path / "manager.toml"
    path.write_text('[door]\nconnections_per_address = 7\nfailed_logins = 3\nunlimited_addresses = ["127.0.0.2/32"]\n')
    limits = read_settings(path).door.limits()
    assert (limits.connections, limits.unproven, limits.failures) == (7, 3, 3)
    assert list(map(str, limits.unlimited)) == ["127.0.0.2/32"]


@pytest.mark.parametrize("network", ["10.0.0.1/24", "office", "10.0.0.0/33", ""])
def test_what_is_no_network_is_named_with_its_field(tmp_path: Path, network: str) -> None:
    path = tmp_path / "manager.toml"
    path.write_text(f'[door]\nunlimited_addresses = ["{network}"]\n')
    with pytest.raises(InvalidArgumentError, match=r"manager\.toml: .*door.*unlimited_addresses: .*write networks"):
        read_settings(path)


async def test_an_unlimited_address_is_neither_refused_nor_held_to_a_count() -> None:
    settings = DoorSettings(connections_per_address=2, failed_logins=1, unlimited_addresses=(f"{ATTACKER}/32",))
    async with (
        placed(limits=settings.limits()) as place,
        place.inside(source=ATTACKER) as (_, peer),
        place.inside(source=ATTACKER),
        place.inside(source=ATTACKER),
    ):
        for _ in range(3):
            place.door.failed(peer)
        assert place.door.origin(peer) == ATTACKER
        assert not place.door.refused_count
        async with place.inside(source=HOME) as (_, other):
            place.door.failed(other)
        assert await refused(place, HOME)


def test_an_unlimited_address_tries_as_often_as_it_likes() -> None:
    networks = DoorSettings(unlimited_addresses=("10.0.0.0/8",)).limits().unlimited
    limits = CallLimits(CallRates(attempts_per_s=1, anyone_per_s=1, unlimited=networks), clock_s=lambda: 0.0)
    for _ in range(100):
        limits.check_attempt("10.1.2.3")
        limits.check_rate(Caller.ANYONE, "10.1.2.3")


def test_a_manager_may_open_as_many_files_as_the_host_allows() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard - 1), hard))
    try:
        raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
