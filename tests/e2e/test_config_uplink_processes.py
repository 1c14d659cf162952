"""A live unit is told a configuration that breaks its way to the centre: it comes back by itself, and says why."""

from collections.abc import Iterator
from typing import Any

import pytest

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until

TRIAL_S = 12.0
SLACK_S = 5.0  # of the look at the clock, the way back and this machine
PLAN = f'trial_timeout = "{TRIAL_S:.0f}s"\n'


def good(centre: Centre, **telemetry: object) -> str:
    """What the unit runs, with other values for telemetry if need be."""
    values = {
        "broker_host": '"localhost"',
        "broker_port": centre.broker_port,
        "publish_period_s": 0.5,
        "sample_period_s": 0.5,
    } | telemetry
    lines = "".join(f"{name} = {value}\n" for name, value in values.items())
    return f"[config]\nreport_period_s = 1\n[config.telemetry]\n{lines}"


@pytest.fixture(scope="module")
def rsu(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldUnit]:
    """A live unit: its manager and its broker are reached, and its batches arrive."""
    made = FieldUnit("rsu-uplink", tmp_path_factory.mktemp("unit") / "rsu-uplink", centre)
    made.enroll()
    made.configure(good(centre))
    made.until_online()
    made.until_config("OUTCOME_APPLIED", 1, 60)
    until_works(made)
    yield made
    made.agent.stop()


def until_works(rsu: FieldUnit) -> None:
    """Waits until reports and telemetry go on."""
    before = health_of(rsu)
    until(
        "it reports, and publishes",
        lambda: batch_count(health_of(rsu)) > batch_count(before) and health_of(rsu).get("broker_connected", False),
        30,
    )


def health_of(rsu: FieldUnit) -> dict[str, Any]:
    health: dict[str, Any] = rsu.node().get("health", {})
    return health


def batch_count(health: dict[str, Any]) -> int:
    return int(health.get("telemetry_batch_count", 0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("manager", "manager: not reached since the change"),
        ("broker", "telemetry: not connected to localhost:1 since it was configured"),
        ("interface", "the network interface 'wwan9' is not there"),
    ],
    ids=["manager", "broker", "interface"],
)
def test_a_unit_that_is_told_a_wrong_way_comes_back_by_itself_and_works_on(
    rsu: FieldUnit, centre: Centre, name: str, expected: str
) -> None:
    wrong = {
        "manager": good(centre) + '[config.manager]\ndevice_address = "localhost:1"\n',
        "broker": good(centre, broker_port=1),
        "interface": good(centre, interface='"wwan9"'),
    }[name]
    before = rsu.node()
    committed = int(before["config"]["running_revision"])

    rollout = rsu.configure(wrong, plan=PLAN)["rollout"]
    until("the trial is under way", lambda: rsu.status()["config"]["trial"], 30)
    if name == "manager":
        until("it looks elsewhere", lambda: rsu.status()["manager_address"] == "localhost:1", 5)
        assert not rsu.status()["is_manager_reached"]
    until("the trial is over", lambda: not rsu.status()["config"]["trial"], TRIAL_S + SLACK_S)
    until("it is back", lambda: rsu.status()["is_manager_reached"], SLACK_S)

    word = rsu.until_word(rollout, "OUTCOME_REVERTED")
    assert expected in word["message"]
    assert int(word["running_revision"]) == committed
    assert centre.wayside("rollouts", "show", rollout)["state"] == "STATE_FAILED"
    assert expected in rsu.status()["config"]["refused"][0]["message"]
    (drift,) = centre.wayside("config", "drift", "--node", rsu.node_id)["drifts"]
    assert drift["cause"] == "CAUSE_REVERTED"
    assert expected in drift["message"]
    assert drift["values"]
    until_works(rsu)
    assert int(rsu.node()["lost_report_count"]) == 0
    assert rsu.status()["config"]["running_revision"] == committed

    rsu.configure(good(centre, sample_period_s=0.1 * committed), plan=PLAN)
    rsu.until_config("OUTCOME_APPLIED", committed + 2, 60)
    assert rsu.status()["config"]["running_revision"] > committed
