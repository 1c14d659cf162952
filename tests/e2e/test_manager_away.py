"""The manager is not there at start, goes, and comes back: the unit does its duty, and nothing is lost."""

import signal
from collections.abc import Callable

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until

FAST = "[config]\nreport_period_s = 1\n"


def test_a_unit_runs_without_its_manager_and_hands_over_what_it_owes(
    centre: Centre, unit: Callable[..., FieldUnit]
) -> None:
    rsu = unit("rsu-alone")
    rsu.configure(FAST)
    rsu.until_online()
    rsu.until_config("OUTCOME_APPLIED", 1)
    rsu.agent.stop()
    centre.watch.stop()
    centre.manager.stop(signal.SIGKILL)

    rsu.agent.start()  # the manager is not reachable at start
    until("it senses", lambda: bool(rsu.status().get("readings")), 20)
    until("reports wait", lambda: _waiting(rsu) >= 5, 30)
    assert not rsu.status()["is_manager_reached"]
    rsu.agent.kill(signal.SIGKILL)  # and loses power meanwhile
    until("reports still wait", lambda: _waiting(rsu) >= 6, 30)

    centre.start_manager()
    until("nothing is owed", lambda: rsu.status().get("is_manager_reached") is True and _waiting(rsu) <= 1, 60)
    until("the operator sees it", lambda: rsu.node().get("presence") == "PRESENCE_ONLINE", 20)
    assert int(rsu.node()["lost_report_count"]) == 0


def _waiting(rsu: FieldUnit) -> int:
    spools = rsu.status().get("health", {}).get("spools", [])
    return sum(int(spool.get("record_count", 0)) for spool in spools if spool["name"] == "reports")
