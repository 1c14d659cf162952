"""The succession of authorities with real processes: units follow, whoever is off or killed meanwhile."""

import hashlib
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import SystemRandom

import pytest
from cryptography import x509

from tests.e2e.trust_stage import (
    DAY_S,
    HeldDoor,
    MakeUnit,
    authorities_sha256,
    centre_with,
    certificate,
    credential_id,
    until_connected,
    until_over,
    until_renewed,
)
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import BIN, StoryError, run, until

LIFE_S = 60.0
PAUSE = timedelta(seconds=LIFE_S / 6 - LIFE_S)
"""From the end of a certificate to when the manager gives the next one at the earliest."""
RENEWAL_S = 0.5
"""About as long as a renewal takes."""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A manager that renews certificates which are some seconds old."""
    with centre_with(tmp_path_factory.mktemp("centre"), node_certificate_days=LIFE_S / DAY_S) as made:
        yield made


def enrolled(units: list[FieldUnit]) -> None:
    with ThreadPoolExecutor(len(units)) as pool:
        for done in pool.map(FieldUnit.enroll, units):
            assert done.returncode == 0, done.stderr


def until_trusting(unit: FieldUnit) -> None:
    """Waits until the unit trusts all authorities of the manager."""
    trusted = hashlib.sha256((unit.centre.data / "ca.pem").read_bytes()).hexdigest()
    until(f"{unit.node_id} trusts the new authority", lambda: authorities_sha256(unit) == trusted, 20)


def killed_in_its_renewal(unit: FieldUnit) -> None:
    """Kills the agent at a random moment after it began to make a key for its next certificate."""
    successor = unit.folder / "state" / "identity" / "next"
    deadline_s = time.monotonic() + 20
    while not successor.exists():
        assert time.monotonic() < deadline_s, unit.agent.last_words()
        time.sleep(0.001)
    time.sleep(SystemRandom().random() * RENEWAL_S)
    unit.agent.kill(signal.SIGKILL)


def is_activated(centre: Centre, authority: str) -> bool:
    try:
        centre.wayside("authorities", "activate", authority)
    except StoryError:
        return False
    return True


def until_signed_by(unit: FieldUnit, authority: x509.Name) -> None:
    until(f"{unit.node_id} is renewed", lambda: certificate(unit).issuer == authority, 20)
    until_connected(unit)


def test_units_follow_a_new_authority_though_they_are_off_or_killed_meanwhile(unit: MakeUnit, centre: Centre) -> None:
    """Which moment of the renewal is chance; `test_agent_renewal_power_cut` tries every step of the disk."""
    running = [unit(f"rsu-runs-{number}", enrolled=False) for number in range(3)]
    resting = unit("rsu-rests", enrolled=False)
    enrolled([*running, resting])
    made_time = max(certificate(each).not_valid_after_utc for each in running) + PAUSE
    for each in running:
        each.agent.start()
    (old,) = centre.wayside("authorities", "list")["authorities"]

    new = centre.wayside("authorities", "create")["name"]
    for each in running:
        until_trusting(each)
    with pytest.raises(StoryError, match="1 nodes have not said yet that they trust it"):
        centre.wayside("authorities", "activate", new)
    resting.agent.start()
    until_trusting(resting)
    until_over(made_time)
    with ThreadPoolExecutor(len(running)) as pool:
        killed = [pool.submit(killed_in_its_renewal, each) for each in running]
        resting.agent.stop()
        until("the manager lets it sign", lambda: is_activated(centre, new), 10)
        for victim in killed:
            victim.result()
    signing = x509.load_pem_x509_certificates((centre.data / "ca.pem").read_bytes())[-1].subject
    for each in running:
        until_signed_by(each, signing)

    with pytest.raises(StoryError, match="certificates of it are in use"):
        run([str(BIN / "wayside"), "authorities", "retire", old["name"]], environment=centre.environment)
    resting.agent.start()
    until_signed_by(resting, signing)
    retire = ["authorities", "retire", old["name"], "--force"]  # the first operator's own certificate is of the old one
    run([str(BIN / "wayside"), *retire], environment=centre.environment)
    for each in (running[0], resting):
        until_trusting(each)
        each.agent.stop()
        each.agent.start()
        until_connected(each)
    assert [each["state"] for each in centre.wayside("authorities", "list")["authorities"]] == ["STATE_SIGNING"]


def test_a_manager_that_dies_before_the_new_certificate_is_proven(unit: MakeUnit, centre: Centre) -> None:
    rsu = unit("rsu-between", enrolled=False)
    with HeldDoor(centre.addresses[0]) as door:
        rsu.settings.write_text(rsu.settings.read_text().replace(centre.addresses[0], door.address))
        rsu.enroll()
        first, made_time = credential_id(rsu), certificate(rsu).not_valid_after_utc + PAUSE
        rsu.until_online()
        new = centre.wayside("authorities", "create")["name"]
        until_trusting(rsu)
        until_over(made_time)
        door.is_holding = True  # the session is open: the next connection is to prove the new certificate
        centre.wayside("authorities", "activate", new, "--force")
        assert door.held.wait(20)
        centre.watch.stop()
        centre.manager.stop(signal.SIGKILL)
        centre.start_manager()
        assert credential_id(rsu) == first
        door.let_go()
        until_renewed(rsu, first, 20)
        until_connected(rsu)
