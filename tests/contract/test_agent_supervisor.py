"""What the supervisor hears, and what it cannot hold up."""

import socket
from pathlib import Path

import pytest

from wayside.sd_notify import notify, watchdog_period_s


def test_a_supervisor_hears_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(address))
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        assert notify("READY=1")
        assert supervisor.recv(100) == b"READY=1"


def test_a_supervisor_that_is_stuck_does_not_hold_up_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(address))
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        assert not all(notify("WATCHDOG=1") for _ in range(10_000))


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "/" + "x" * 200, "@nobody"])
def test_nobody_who_listens_is_no_error(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not notify("READY=1")


@pytest.mark.parametrize(("period_us", "expected_s"), [("10000000", 5.0), ("", None), ("-1", None), ("\u00b2", None)])
def test_the_watchdog_is_fed_at_half_its_period(
    monkeypatch: pytest.MonkeyPatch, period_us: str, expected_s: float | None
) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", period_us)
    assert watchdog_period_s() == expected_s
