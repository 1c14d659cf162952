"""Tells systemd how a daemon is doing (sd_notify(3)): a datagram to the socket in NOTIFY_SOCKET, nothing without one.

Usage: `notify("READY=1")`; `period_s = watchdog_period_s()` and then `notify("WATCHDOG=1")` at least that often.
"""

import os
import socket

MICROSECONDS_PER_SECOND = 1_000_000


def notify(state: str) -> bool:
    """Sends a state such as `READY=1`, `WATCHDOG=1`, `STOPPING=1`, `STATUS=...`; False: nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), socket.MSG_DONTWAIT, address)  # a stuck supervisor must not stop us
        except OSError:
            return False
    return True


def watchdog_period_s() -> float | None:
    """How often to send `WATCHDOG=1` [s], half of WatchdogSec as systemd advises; `None`: no watchdog set for us."""
    period_us = os.environ.get("WATCHDOG_USEC", "")
    owner = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not period_us.isdecimal() or owner != str(os.getpid()):
        return None
    return int(period_us) / MICROSECONDS_PER_SECOND / 2
