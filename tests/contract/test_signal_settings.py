"""Who tells the lights of a crossing, by the settings: the guide's example, what contradicts itself, and its check."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.contract.test_air import made
from tests.contract.test_v2x_broadcast import RSU
from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_agent import registry
from wayside_agent.cli.check import findings
from wayside_agent.drivers.signal_gat1743 import Gat1743Signal
from wayside_agent.drivers.signal_udp import UdpSignal
from wayside_agent.settings import Settings
from wayside_agent.v2x_settings import SignalSettings, V2xSettings

GUIDE = (Path(__file__).parents[2] / "docs" / "v2x.md").read_text(encoding="utf-8")
AT = {"region": 4601, "node": 9}
OWN = {**AT, "controller": "127.0.0.1", "phase_ids": {"2": 21}}


def unit(**fields: Any) -> Settings:  # noqa: ANN401  # as TOML gives them
    signal = msgspec.convert(fields, SignalSettings, strict=False)
    return msgspec.structs.replace(RSU, v2x=V2xSettings(signal=signal))


def test_the_example_of_the_guide_is_a_controller_that_can_be_heard() -> None:
    section = GUIDE.partition("## A crossing that speaks")[2]
    asked = tomllib.loads(section.partition("```toml\n")[2].partition("```")[0])["v2x"]["signal"]
    assert isinstance(registry.signal_controller(unit(**asked)), UdpSignal)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (AT, "either a controller or a platform"),
        ({**OWN, "platform": "city"}, "either a controller or a platform"),
        ({**AT, "platform": "city", "driver": "gat1743"}, "either a controller or a platform"),
        ({**AT, "controller": "127.0.0.1"}, "phase_ids: say which phase"),
        ({**OWN, "phase_ids": {"2": 21, "3": 21}}, "each with an id of its own"),
        ({**OWN, "phase_ids": {str(phase): phase for phase in range(17)}}, "at most 16"),
        ({**OWN, "conflicts": [[2, 4]], "no_conflicts": [[4, 2]]}, r"\[2, 4\] is in conflicts, too"),
        ({**OWN, "silence_s": 6}, "silence_s"),
    ],
)
def test_what_contradicts_itself_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=sentence):
        unit(**fields)


def test_the_driver_gets_what_it_is_given_and_says_what_it_lacks() -> None:
    made_by = registry.signal_controller(unit(**OWN, driver="gat1743", bind_port=7000))
    assert isinstance(made_by, Gat1743Signal)
    with pytest.raises(InvalidArgumentError, match=r"field v2x\.signal\.options: .*bind_port"):
        registry.signal_controller(unit(**OWN, driver="gat1743"))
    with pytest.raises(NotFoundError, match=r"field v2x\.signal\.driver: no driver 'magic' .* gat1743, tscbm"):
        registry.signal_controller(unit(**OWN, driver="magic"))
    with pytest.raises(InvalidArgumentError, match="give an IP address"):
        registry.signal_controller(unit(**{**OWN, "controller": "the-box"}))


def test_the_air_of_a_unit_has_the_voice_of_its_crossing_and_a_check_of_who_feeds_it() -> None:
    air = made(unit(**OWN, options={"bind_port": 0}))
    assert "v2x-rsu" in air.services()
    assert air.signal_sample() is not None
    assert made(RSU).signal_sample() is None


async def test_the_check_of_a_unit_opens_its_signal_controller(tmp_path: Path) -> None:
    asked = msgspec.structs.replace(unit(**OWN, options={"bind_port": 0}), state_dir=str(tmp_path))
    assert "signal controller: opens" in [each.message for each in await findings(asked) if each.is_ok]
