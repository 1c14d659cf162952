"""Units that must be out, with real processes: revoked, retired, copied; and the alarm a copy raises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.trust_stage import FAST, MakeUnit, copied, entries, until_connected, until_refused, until_reports
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit

PROMISE_S = 5.0


def is_out(unit: FieldUnit) -> bool:
    return unit.status().get("is_manager_reached") is False


def test_a_revoked_unit_is_out_within_seconds_stays_out_and_needs_a_token_and_a_new_key(
    unit: MakeUnit, centre: Centre
) -> None:
    rsu = unit("rsu-stolen")
    rsu.configure(FAST)
    rsu.until_online()
    centre.wayside("nodes", "revoke", "rsu-stolen", "--yes")
    until_refused(rsu, "were taken back", PROMISE_S)
    rsu.agent.stop()
    rsu.agent.start()
    until_refused(rsu, "rsu-stolen")
    assert is_out(rsu)

    token = centre.wayside("nodes", "token", "--node", "rsu-stolen")["token"]
    same_key = rsu.enroll(token)
    assert same_key.returncode == 1
    assert "make a new key" in same_key.stderr
    again = rsu.command(
        *("enroll", "--new-key", "--token-file", str(rsu.folder / "token")),
        *("--ca-file", str(centre.data / "operator" / "ca.pem")),
    )
    assert again.returncode == 0, again.stderr
    rsu.agent.stop()
    rsu.agent.start()
    until_connected(rsu)
    until_reports(rsu)


def test_a_retired_unit_stays_out_even_with_a_token(unit: MakeUnit, centre: Centre) -> None:
    rsu = unit("rsu-gone")
    rsu.until_online()
    token = centre.wayside("nodes", "token", "--node", "rsu-gone")["token"]
    centre.wayside("nodes", "retire", "rsu-gone", "--yes")
    until_refused(rsu, "is retired", PROMISE_S)
    refused = rsu.enroll(token)
    assert refused.returncode == 1
    assert "retired" in refused.stderr
    assert refused.stderr.count("\n") == 1
    free = rsu.enroll()
    assert free.returncode == 1
    assert "retired" in free.stderr


@pytest.fixture
def copy() -> Iterator[list[FieldUnit]]:
    """Copies that end with the test."""
    made: list[FieldUnit] = []
    yield made
    for each in made:
        each.agent.stop()


def test_a_copied_unit_raises_an_alarm_and_both_are_out(
    unit: MakeUnit, centre: Centre, copy: list[FieldUnit], tmp_path: Path
) -> None:
    rsu = unit("rsu-copied")
    rsu.until_online()
    twin = copied(rsu, tmp_path / "twin")
    copy.append(twin)
    twin.agent.start()
    until_refused(rsu, "rsu-copied")
    until_refused(twin, "rsu-copied")
    (alarm,) = entries(centre, "--outcome", "alarm", "--resource", "nodes/rsu-copied")
    assert (alarm["reason"], alarm["actor"]) == ("NODE_CLONED", "manager")
    assert is_out(rsu)
    assert is_out(twin)


def test_the_policy_may_keep_the_older_of_two_copies(
    unit: MakeUnit, centre: Centre, copy: list[FieldUnit], tmp_path: Path
) -> None:
    centre.wayside("policy", "set", "--clone-response", "keep-older")
    rsu = unit("rsu-kept")
    rsu.configure(FAST)
    rsu.until_online()
    twin = copied(rsu, tmp_path / "twin")
    copy.append(twin)
    twin.agent.start()
    until_refused(twin, "another unit shows the certificate")
    until_reports(rsu)
    assert is_out(twin)
    assert int(rsu.node()["lost_report_count"]) == 0
    assert len(entries(centre, "--outcome", "alarm", "--resource", "nodes/rsu-kept")) == 1
