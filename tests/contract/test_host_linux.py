"""The unit's computer, on a made-up /proc and /sys, on an empty one, and on this machine."""

from pathlib import Path

import pytest

from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.host import LinuxHost
from wayside_agent.ports.devices import HostReading

TRACKING = "50505300,PPS,1,1605336902.3,{offset},0.0,0.0,-7.4,0.0,0.1,0.03,0.001,64.2,{leap}"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "ascii")


@pytest.fixture
def board(tmp_path: Path) -> LinuxHost.Options:
    """A board with eMMC and two thermal zones; nobody disciplines its clock."""
    write(tmp_path / "proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\n")
    write(tmp_path / "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 400 kB\n")
    write(tmp_path / "proc/uptime", "3600.25 100.00\n")
    write(tmp_path / "proc/self/statm", "20000 5000 1000 1 0 1 0\n")
    write(tmp_path / "sys/class/mmc_host/mmc0/mmc0:0001/life_time", "0x01 0x03\n")
    write(tmp_path / "sys/class/thermal/thermal_zone0/temp", "45500\n")
    write(tmp_path / "sys/class/thermal/thermal_zone1/temp", "61000\n")
    write(tmp_path / "sys/class/thermal/thermal_zone2/temp", "-274000\n")
    return LinuxHost.Options(
        state_dir=str(tmp_path),
        proc_dir=str(tmp_path / "proc"),
        sys_dir=str(tmp_path / "sys"),
        chronyc_command="",
    )


def chronyc(folder: Path, script: str) -> str:
    path = folder / "chronyc"
    path.write_text(f"#!/bin/sh\n{script}\n", "ascii")
    path.chmod(0o755)
    return str(path)


def changed(options: LinuxHost.Options, **fields: object) -> LinuxHost.Options:
    return type(options)(**{name: getattr(options, name) for name in options.__struct_fields__} | fields)


async def test_a_board_is_read_whole(board: LinuxHost.Options, tmp_path: Path) -> None:
    host = LinuxHost(board)
    first = await host.read()
    assert first.cpu_ratio is None
    write(tmp_path / "proc/stat", "cpu  150 0 100 750 100 0 0 0 0 0\n")
    reading = await host.read()
    assert reading.cpu_ratio == 0.5
    assert (reading.memory_used_bytes, reading.memory_total_bytes) == (600 * 1024, 1000 * 1024)
    assert reading.disk_wear_ratio == 0.3
    assert reading.temperature_celsius == 61.0
    assert reading.uptime_s == 3600.25
    assert reading.agent_memory_bytes
    assert reading.disk_total_bytes
    assert reading.disk_free_bytes
    assert reading.disk_free_bytes <= reading.disk_total_bytes


async def test_what_is_not_there_is_none_and_nothing_raises(tmp_path: Path) -> None:
    missing = str(tmp_path / "no")
    options = LinuxHost.Options(state_dir=missing, proc_dir=missing, sys_dir=missing, chronyc_command=missing)
    reading = await LinuxHost(options).read()
    assert reading == HostReading(clock_source=reading.clock_source, time_quality=reading.time_quality)


async def test_a_gnss_clock_is_known_by_chrony(board: LinuxHost.Options, tmp_path: Path) -> None:
    said = TRACKING.format(offset=0.00002, leap="Normal")
    command = chronyc(tmp_path, f"[ \"$*\" = '-c -n tracking' ] && echo {said}")
    reading = await LinuxHost(changed(board, chronyc_command=command)).read()
    assert (reading.time_quality, reading.clock_source) == (TimeQuality.GNSS, "chrony PPS")
    assert reading.clock_offset_s == 2e-05


async def test_a_clock_that_loses_its_reference_is_in_holdover(board: LinuxHost.Options, tmp_path: Path) -> None:
    host = LinuxHost(changed(board, chronyc_command=chronyc(tmp_path, f"cat {tmp_path}/said")))
    said = tmp_path / "said"
    write(said, TRACKING.format(offset=0, leap="Not synchronised"))
    assert (await host.read()).time_quality is TimeQuality.UNSYNCHRONIZED
    write(said, TRACKING.format(offset=0, leap="Normal"))
    assert (await host.read()).time_quality is TimeQuality.GNSS
    write(said, TRACKING.format(offset=0, leap="Not synchronised"))
    assert (await host.read()).time_quality is TimeQuality.HOLDOVER


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "exec sleep 60", "head -c 100000 /dev/zero"])
async def test_a_chrony_that_fails_is_no_chrony(board: LinuxHost.Options, tmp_path: Path, script: str) -> None:
    options = changed(board, chronyc_command=chronyc(tmp_path, script), chronyc_timeout_s=0.2)
    reading = await LinuxHost(options).read()
    assert reading.clock_source in {"", "kernel"}
    assert reading.clock_offset_s is None


async def test_this_machine_is_read() -> None:
    host = LinuxHost(LinuxHost.Options())
    await host.read()
    reading = await host.read()
    assert reading.memory_total_bytes
    assert reading.uptime_s
    assert reading.agent_memory_bytes
    assert 1_000_000 < reading.agent_memory_bytes < reading.memory_total_bytes


async def test_fans_and_batteries_are_read_where_there_are_any(board: LinuxHost.Options, tmp_path: Path) -> None:
    host = LinuxHost(board)
    reading = await host.read()
    assert (reading.fan_rpm, reading.on_battery, reading.battery_ratio) == (None, None, None)
    hwmon, supply = tmp_path / "sys/class/hwmon/hwmon0", tmp_path / "sys/class/power_supply"
    for name, text in {"fan1_input": "1500", "fan2_input": "900", "fan3_input": "0", "pwm1": "255"}.items():
        write(hwmon / name, f"{text}\n")
    for name, text in {"ac/type": "Mains", "ac/online": "0", "ups/type": "UPS", "ups/status": "Discharging"}.items():
        write(supply / name, f"{text}\n")
    write(supply / "ups/capacity", "64\n")
    reading = await host.read()
    assert (reading.fan_rpm, reading.on_battery, reading.battery_ratio) == (900.0, True, 0.64)


async def test_a_fan_that_stops_is_told_but_not_one_that_is_not_fitted_or_told_to_stand(
    board: LinuxHost.Options, tmp_path: Path
) -> None:
    host, hwmon = LinuxHost(board), tmp_path / "sys/class/hwmon/hwmon0"
    for name, text in {"fan1_input": "1500", "fan2_input": "0", "fan3_input": "800", "pwm3": "128"}.items():
        write(hwmon / name, text)
    assert (await host.read()).fan_rpm == 800.0
    write(hwmon / "fan3_input", "0")
    write(hwmon / "pwm3", "0")
    assert (await host.read()).fan_rpm == 1500.0
    write(hwmon / "fan1_input", "0")
    assert (await host.read()).fan_rpm == 0.0


async def test_nonsense_of_the_kernel_is_nothing(board: LinuxHost.Options, tmp_path: Path) -> None:
    write(tmp_path / "sys/class/hwmon/hwmon0/fan1_input", "999999999999999999999")
    write(tmp_path / "sys/class/power_supply/bat/type", "Battery")
    (tmp_path / "sys/class/power_supply/bat/capacity").write_bytes(b"\xff\xfe")
    (tmp_path / "sys/class/power_supply/bat/status").mkdir()
    reading = await LinuxHost(board).read()
    assert (reading.fan_rpm, reading.on_battery, reading.battery_ratio) == (None, None, None)
