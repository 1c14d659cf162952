"""What /proc, /sys and chrony say, and what their nonsense gives: nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core import host_text
from wayside_agent.core.host_text import ClockState, CpuTimes
from wayside_agent.core.stamps import TimeQuality

TRACKING = "{ref},{name},{stratum},1605336902.333,{offset},0.000001,0.00001,-7.4,0.0,0.1,0.03,0.001,64.2,{leap}\n"


def tracking(*, ref: str = "C0A80001", name: str = "192.168.0.1", stratum: int = 3, leap: str = "Normal") -> str:
    return TRACKING.format(ref=ref, name=name, stratum=stratum, leap=leap, offset="0.000012")


def test_load_is_the_busy_share_between_two_readings() -> None:
    first = host_text.cpu_times("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3 4\n")
    assert first == CpuTimes(busy=200, total=1000)
    assert CpuTimes(busy=250, total=1100).ratio_since(first) == 0.5
    assert CpuTimes(busy=250, total=1100).ratio_since(None) is None
    assert CpuTimes(busy=200, total=1000).ratio_since(first) is None


def test_used_memory_is_what_the_kernel_cannot_give_back() -> None:
    assert host_text.memory_bytes("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 400 kB\n") == (614_400, 1_024_000)
    assert host_text.memory_bytes("MemTotal: 1000 kB\n") is None


@pytest.mark.parametrize(
    ("text", "ratio"),
    [("0x01 0x01\n", 0.1), ("0x02 0x0a\n", 1.0), ("0x0b 0x01", 1.0), ("0x00 0x00", None), ("", None), ("x", None)],
)
def test_wear_is_a_tenth_per_step_and_the_worse_of_two(text: str, ratio: float | None) -> None:
    assert host_text.wear_ratio(text) == ratio


@pytest.mark.parametrize(("text", "degrees"), [("45500\n", 45.5), ("-20000", -20.0), ("-274000", None), ("", None)])
def test_an_impossible_temperature_is_none(text: str, degrees: float | None) -> None:
    assert host_text.celsius(text) == degrees


@pytest.mark.parametrize(
    ("text", "quality"),
    [
        (tracking(), TimeQuality.NETWORK),
        (tracking(ref="50505300", name="PPS", stratum=1), TimeQuality.GNSS),
        (tracking(ref="50484330", name="PHC0", stratum=1), TimeQuality.NETWORK),
        (tracking(ref="7F7F0101", name="127.127.1.1", stratum=10), TimeQuality.HOLDOVER),
        (tracking(leap="Not synchronised"), TimeQuality.UNSYNCHRONIZED),
        (tracking(ref="00000000", name="", stratum=0), TimeQuality.UNSYNCHRONIZED),
    ],
)
def test_the_quality_of_the_clock_is_that_of_its_reference(text: str, quality: TimeQuality) -> None:
    state = host_text.chrony_state(text)
    assert state is not None
    assert state.quality is quality


def test_the_offset_of_a_followed_clock_is_given() -> None:
    assert host_text.chrony_state(tracking()) == ClockState(TimeQuality.NETWORK, "chrony 192.168.0.1", 0.000012)


NO_OFFSETS = [tracking().replace("0.000012", offset) for offset in ("x", "nan", "inf", "-inf")]


@pytest.mark.parametrize(
    "text",
    ["", "506 Cannot talk to daemon\n", *NO_OFFSETS],
    ids=["nothing", "no-daemon", "no-number", "nan", "inf", "minus-inf"],
)
def test_what_chrony_does_not_say_is_not_known(text: str) -> None:
    assert host_text.chrony_state(text) is None


@pytest.mark.parametrize("text", ["nan 1.0", "inf 1.0", "", "x"])
def test_an_uptime_is_a_number(text: str) -> None:
    assert host_text.uptime_s(text) is None


@given(st.text(max_size=80))
def test_nonsense_never_raises(text: str) -> None:
    assert host_text.cpu_times(text) is None or text.startswith("cpu")
    host_text.memory_bytes(text)
    host_text.resident_pages(text)
    host_text.uptime_s(text)
    host_text.wear_ratio(text)
    host_text.celsius(text)
    host_text.chrony_state(text)
