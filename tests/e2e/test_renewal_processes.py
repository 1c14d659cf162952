"""Certificates that live for seconds, with real processes: units renew by themselves, with keys of every kind."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.agent_keys import token
from tests.e2e.trust_stage import (
    DAY_S,
    FAST,
    MakeUnit,
    centre_with,
    certificate,
    credential_id,
    entries,
    until_connected,
    until_over,
    until_renewed,
    until_reports,
)
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until
from wayside_demo.witness import TelemetryWitness

LIFE_S = 27.0
"""The manager asks for a renewal at 18 to 23 s."""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A manager whose certificates live for seconds."""
    with centre_with(tmp_path_factory.mktemp("centre"), node_certificate_days=LIFE_S / DAY_S) as made:
        yield made


@pytest.fixture
def witness(centre: Centre) -> Iterator[TelemetryWitness]:
    operator = centre.data / "operator"
    made = TelemetryWitness()
    made.start(
        centre.broker_port,
        ca_file=operator / "ca.pem",
        certificate_file=operator / "operator.pem",
        key_file=operator / "operator.key",
    )
    yield made
    made.close()


@pytest.fixture
def units(unit: MakeUnit, tmp_path: Path) -> Iterator[list[FieldUnit]]:
    """One with its key in a file and, where there is SoftHSM2, one with its key in a token."""
    with ExitStack() as stack:
        made = [unit("rsu-renews")]
        try:
            options = stack.enter_context(token(tmp_path / "token"))
        except (
            pytest.skip.Exception
        ):  # the file's key is worth a test without it; the contract tests say what is missing
            yield made
            return
        lines = "".join(f'{name} = "{value}"\n' for name, value in options.items())
        identity = f'[identity]\ndriver = "key-pkcs11"\n[identity.options]\n{lines}'
        yield [*made, unit("rsu-token", extra=f"{identity}[mqtt]\nuse_node_certificate = false\n")]


def test_units_renew_by_themselves_and_nothing_is_lost(
    units: list[FieldUnit], centre: Centre, witness: TelemetryWitness
) -> None:
    before = {each.node_id: (credential_id(each), certificate(each).not_valid_after_utc) for each in units}
    broker = f'broker_host = "localhost"\nbroker_port = {centre.broker_port}\n'
    telemetry = f"[config.telemetry]\n{broker}publish_period_s = 0.5\nsample_period_s = 0.5\n"
    for each, extra in zip(units, (telemetry, ""), strict=False):
        each.configure(FAST + extra)
        each.agent.start()
    for each in units:
        first, end = before[each.node_id]
        until_renewed(each, first, LIFE_S)
        until_over(end)
        until_connected(each)
        until_reports(each)
        assert int(each.node()["lost_report_count"]) == 0
        assert each.status()["certificate_expire_time"] > end.isoformat()
        (confirmed, *_) = entries(centre, "--action", "ConfirmCertificate", "--actor", f"nodes/{each.node_id}")
        assert f"credentials/{credential_id(each)}" in {change["resource"] for change in confirmed["changes"]}
    batch_count = witness.batch_count
    until("telemetry goes on", lambda: witness.batch_count > batch_count, 10)
    assert witness.missing_count == 0
    for with_token in units[1:]:
        assert not (with_token.folder / "state" / "identity" / "key.pem").exists()
