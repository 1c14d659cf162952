"""Switching the services of a unit to a configuration: what is refused changes nothing, what runs can be seen."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from wayside.errors import InvalidArgumentError
from wayside.node_config import NodeConfig, decoded, schema
from wayside.v1 import node_pb2
from wayside_agent.cli.schema import remote_schema
from wayside_agent.configuration import Configuration
from wayside_agent.core.bus_load import BitRates
from wayside_agent.core.config_state import Config, ConfigState, Decision, Phase, Refused, Trial
from wayside_agent.core.gate import Vitals
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.config_file import BootClock
from wayside_agent.drivers.identity import IdentityFiles
from wayside_agent.drivers.key_file import KeyFile
from wayside_agent.drivers.sim_can import SimCan
from wayside_agent.link.mqtt import MqttPublisher
from wayside_agent.link.spool import FileSpool
from wayside_agent.services.config_picture import picture
from wayside_agent.services.reporting import Reporting
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.telemetry import Telemetry
from wayside_agent.settings import ManagerSettings, NodeSettings, Settings
from wayside_agent.trust import broker


class Unit:
    """The services that a configuration switches."""

    def __init__(self, folder: Path, spool: FileSpool) -> None:
        self.secrets, self.addresses = folder / "secrets", list[str]()
        self.judged_by: list[NodeConfig] = []
        self.secrets.mkdir()
        self.settings = Settings(
            node=NodeSettings(id="rsu-1", esn="1", kind="rsu"),
            manager=ManagerSettings(device_address="m:1", enrollment_address="m:2"),
            secrets_dir=str(self.secrets),
        )
        self.files = IdentityFiles(folder / "identity", KeyFile(KeyFile.Options()))
        self.sensing = Sensing(
            buses={"body": SimCan(SimCan.Options())},
            gnss=None,
            radio=None,
            feeds=(),
            now_ns=lambda: 1,
            mono_s=lambda: 0.0,
            time_quality=lambda: TimeQuality.NETWORK,
            rng=Random(1),  # noqa: S311  # repeatable, no secrets
        )
        self.telemetry = Telemetry(
            node="nodes/rsu-1",
            spool=spool,
            readings=lambda: (),
            connect=lambda config: MqttPublisher(broker(config, self.settings, self.files), client_id="rsu-1"),
            rng=Random(1),  # noqa: S311  # as above
        )
        reporting = Reporting(
            spool,
            health=node_pb2.HealthReport,
            now_ns=lambda: 1,
            time_quality=lambda: node_pb2.TIME_QUALITY_NETWORK,
            agent_version="1.0",
            rng=Random(1),  # noqa: S311  # as above
        )
        self.configuration = Configuration(
            self.sensing,
            self.telemetry,
            reporting,
            use_manager=self.addresses.append,
            judge_by=self.judged_by.append,
            database_dir=folder,
            cache_dir=folder / "plans",
            secrets_dir=self.secrets,
        )


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[Unit]:
    async with FileSpool(tmp_path / "spool") as spool:
        yield Unit(tmp_path, spool)


async def test_every_service_switches_at_once_and_not_before(unit: Unit) -> None:
    config = decoded(
        b'{"manager":{"device_address":"other:7443"},"report_period_s":5,"telemetry":{"broker_host":"mqtt"}}'
    )
    switch = await unit.configuration.prepared(config)
    assert (unit.configuration.running, unit.addresses) == (NodeConfig(), [])
    assert unit.telemetry.broker() is None
    switch()
    assert (unit.configuration.running, unit.addresses) == (config, ["other:7443"])
    (await unit.configuration.prepared(NodeConfig()))()
    switch()
    assert unit.judged_by == [config, NodeConfig(), config]
    assert unit.addresses == ["other:7443", "", "other:7443"]


async def test_what_is_known_of_a_bus_is_known_to_sensing_and_forgotten_with_the_configuration(unit: Unit) -> None:
    body = unit.sensing.buses["body"]
    content = b'{"can":{"buses":{"body":{"bit_rate_bps":500000,"expected_ids":{"0C9":1,"18FF1001":0.5}}}}}'
    (await unit.configuration.prepared(decoded(content)))()
    assert (body.rates, body.silent_ids(0.6), body.silent_ids(1.1)) == (
        BitRates(500_000), (0x18FF1001,), (0x0C9, 0x18FF1001),
    )  # fmt: skip
    (await unit.configuration.prepared(NodeConfig()))()
    assert (body.rates, body.silent_ids(9.9)) == (None, ())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"telemetry":{"username":"u","password_secret":"broker"}}', "no secret 'broker' .*settings secrets_dir"),
        (b'{"can":{"buses":{"body":{"database_name":"a.dbc"}}}}', "no file 'a.dbc' .*settings database_dir"),
        (b'{"can":{"buses":{"body":{"database_name":"' + b"a" * 255 + b'"}}}}', "no file 'aaa"),
        (b'{"can":{"buses":{"gear":{}}}}', "no CAN bus 'gear'; its settings name: body"),
    ],
    ids=["secret", "database", "long", "bus"],
)
async def test_what_the_unit_does_not_have_is_refused_by_name(unit: Unit, content: bytes, expected: str) -> None:
    with pytest.raises(InvalidArgumentError, match=expected) as caught:
        await unit.configuration.prepared(decoded(content))
    assert caught.value.reason == "CONFIG_INVALID"


async def test_a_secret_that_is_there_is_taken_and_only_its_place_is_known(unit: Unit) -> None:
    await asyncio.to_thread((unit.secrets / "broker").write_text, "s3cret")
    config = decoded(b'{"telemetry":{"broker_host":"mqtt","interface":"lo","username":"u","password_secret":"broker"}}')
    await unit.configuration.prepared(config)
    for plaintext in (True, False):
        made = broker(
            decoded(
                b'{"telemetry":{"broker_host":"mqtt","broker_plaintext":%s,"interface":"lo","username":"u",'
                b'"password_secret":"broker"}}' % str(plaintext).lower().encode()
            ).telemetry,
            unit.settings,
            unit.files,
        )
        assert (made.interface, made.username, made.password_file) == ("lo", "u", unit.secrets / "broker")
        assert (made.tls is None) is plaintext
        assert "s3cret" not in repr(made)


def test_the_schema_of_what_is_set_from_afar_can_be_printed() -> None:
    assert remote_schema() == schema()


def test_the_picture_of_a_unit_names_what_runs_the_trial_and_its_time_left_and_what_was_refused() -> None:
    on_trial = Config(3, b'{"report_period_s":9}', "ab", "rollout-2")
    now = BootClock().now()
    state = ConfigState(
        phase=Phase.PROVISIONAL,
        committed=Config(2),
        trial=Trial(on_trial, Vitals(), timeout_s=60.0, decision=Decision.HOLD, counted_at=now, spent_s=12.34),
        refused=(Refused((1, "cd", "rollout-1"), Phase.REVERTED, "manager: not reached"),),
    )
    assert picture(state, on_trial) == {
        "running_revision": 3,
        "running_sha256": "ab",
        "proven_revision": 2,
        "trial": "rollout-2",
        "trial_revision": 3,
        "trial_remaining_seconds": 47.7,
        "trial_decision": "HOLD",
        "refused": [
            {"revision": 1, "trial": "rollout-1", "phase": "REVERTED", "message": "manager: not reached"},
        ],
    }
    at_rest = picture(ConfigState(), Config())
    assert (at_rest["trial"], at_rest["trial_remaining_seconds"], at_rest["refused"]) == ("", 0.0, [])
