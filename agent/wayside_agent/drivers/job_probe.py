"""Reaches for a host: echo requests, or each hop on the way, without privileges where the system allows it.

Ping takes an ICMP datagram socket, else the program `ping`; trace takes UDP and what the kernel tells of hops that sent
it back, which every user may.

**Tested with:** Linux 5.10 to 6.8, loopback; iputils 20221126.
**Source:** icmp(7) (net.ipv4.ping_group_range), ip(7) (IP_RECVERR, MSG_ERRQUEUE); traceroute's ports from 33434.
"""

import asyncio
import os
import re
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wayside.errors import UnavailableError
from wayside_agent.core.icmp import echo_reply, echo_request, refusing_hop
from wayside_agent.core.job import RefusedError
from wayside_agent.core.job_work import NetworkProbe
from wayside_agent.drivers.job_process import ran
from wayside_agent.ports.errors import DeviceAbsentError
from wayside_agent.ports.jobs import Assignment, Yield

ANY_HOST = "*"
_WAIT_S = 2.0
_BETWEEN_S = 0.2
_MAX_HOPS = 30
_FIRST_PORT = 33_434
_OUTPUT_BYTES = 64 * 1024
_RECVERR = {False: (socket.IPPROTO_IP, 11), True: (socket.IPPROTO_IPV6, 25)}  # IP_RECVERR, IPV6_RECVERR
_HOPS = {False: (socket.IPPROTO_IP, socket.IP_TTL), True: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)}
_RTT = re.compile(r"time[=<]([0-9.]+) ms")
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9.:%_-]{0,252}\Z")


@dataclass(frozen=True, slots=True)
class _Place:
    """A host as it was resolved."""

    address: str
    is_v6: bool

    @property
    def family(self) -> socket.AddressFamily:
        """For sockets."""
        return socket.AF_INET6 if self.is_v6 else socket.AF_INET


class NetworkProbeWorker:
    """Reaches for a host."""

    def __init__(self, manager_address: Callable[[], str], hosts: Sequence[str]) -> None:
        """Stores values; `hosts` are allowed beside the manager, `*`: all."""
        self._manager_address = manager_address
        self._hosts = hosts

    async def work(self, assignment: Assignment[NetworkProbe]) -> Yield:
        """See `ports.jobs.Worker`."""
        asked = assignment.work
        host = asked.host or self._manager_address().rpartition(":")[0].strip("[]")
        if asked.host and asked.host not in self._hosts and ANY_HOST not in self._hosts:
            raise RefusedError(f"{asked.host[:80]!r} is not one of jobs.probe_hosts in the unit's settings")
        if not _HOST.match(host):
            raise RefusedError(f"{host[:80]!r} is no host")
        place = await _resolved(host)
        result: dict[str, object] = {"host": host, "address": place.address}
        if asked.is_trace:
            hops = await asyncio.to_thread(_trace, place)
            is_there = bool(hops) and hops[-1]["address"] == place.address
            words = f"{len(hops)} hops" if is_there else f"not reached within {len(hops)} hops"
            return Yield(words, result | {"hops": hops}, is_success=is_there)
        rtts = await _pinged(place, asked.count)
        return _ping_yield(result | {"rtts_ms": rtts}, rtts)


def _ping_yield(result: dict[str, object], rtts: list[float | None]) -> Yield:
    good = [rtt for rtt in rtts if rtt is not None]
    result |= {"sent_count": len(rtts), "received_count": len(good), "loss_ratio": 1 - len(good) / len(rtts)}
    if not good:
        return Yield(f"no answer to {len(rtts)} packets", result, is_success=False)
    mean = sum(good) / len(good)
    result |= {"rtt_min_ms": min(good), "rtt_mean_ms": round(mean, 3), "rtt_max_ms": max(good)}
    return Yield(f"{len(good)} of {len(rtts)} answers, {mean:.1f} ms on average", result)


async def _resolved(host: str) -> _Place:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise UnavailableError(f"{host}: has no address ({error}); check the name and the unit's DNS") from error
    family, _, _, _, address = found[0]
    return _Place(str(address[0]), family == socket.AF_INET6)


async def _pinged(place: _Place, count: int) -> list[float | None]:
    """Round-trip times [ms]; `None`: no answer."""
    try:
        source = _echo_socket(place)
    except OSError as error:
        return await _pinged_by_program(place, count, error)
    with source:
        return [await asyncio.to_thread(_round_trip_ms, source, place, number) for number in range(1, count + 1)]


def _echo_socket(place: _Place) -> socket.socket:
    protocol = socket.IPPROTO_ICMPV6 if place.is_v6 else socket.IPPROTO_ICMP
    source = socket.socket(place.family, socket.SOCK_DGRAM, protocol)
    try:
        source.connect((place.address, 0))
    except OSError:
        source.close()
        raise
    return source


def _round_trip_ms(source: socket.socket, place: _Place, number: int) -> float | None:
    tag = os.urandom(16)
    if number > 1:
        time.sleep(_BETWEEN_S)
    begin_s = time.monotonic()
    try:
        source.send(echo_request(tag, sequence=number, is_v6=place.is_v6))
        while (left_s := begin_s + _WAIT_S - time.monotonic()) > 0 and select.select([source], [], [], left_s)[0]:
            if echo_reply(source.recv(2048), is_v6=place.is_v6) == (number, tag):
                return round((time.monotonic() - begin_s) * 1000, 3)
    except OSError:  # such as: no route, refused by a hop
        return None
    return None


async def _pinged_by_program(place: _Place, count: int, denied: OSError) -> list[float | None]:
    command = ("ping", "-n", "-c", str(count), "-i", str(_BETWEEN_S), "-W", str(_WAIT_S), place.address)
    try:
        ended = await ran(command, max_bytes=_OUTPUT_BYTES)
    except DeviceAbsentError as error:
        raise RefusedError(
            f"this unit lets no agent ping ({denied.strerror}), and has no program ping; set the kernel's "
            "net.ipv4.ping_group_range to the agent's group"
        ) from error
    rtts = [float(found) for found in _RTT.findall(ended.text)][:count]
    if not rtts and ended.status not in {0, 1}:  # 1: nobody answered
        raise RefusedError(
            f"this unit lets no agent ping ({denied.strerror}; ping: {ended.text.strip()[-100:]}); set the kernel's "
            "net.ipv4.ping_group_range to the agent's group"
        )
    return [*rtts, *([None] * (count - len(rtts)))]


def _trace(place: _Place) -> list[dict[str, object]]:
    """Each hop in order: its address, empty if it said nothing, and the round-trip time [ms]. Blocks."""
    hops: list[dict[str, object]] = []
    for limit in range(1, _MAX_HOPS + 1):
        address, rtt_ms, is_last = _hop(place, limit)
        hops.append({"hop": limit, "address": address, "rtt_ms": rtt_ms})
        if is_last or address == place.address:
            break
    return hops


def _hop(place: _Place, limit: int) -> tuple[str, float | None, bool]:
    with socket.socket(place.family, socket.SOCK_DGRAM) as source:
        source.setsockopt(*_HOPS[place.is_v6], limit)
        source.setsockopt(*_RECVERR[place.is_v6], 1)
        begin_s = time.monotonic()
        try:
            source.connect((place.address, _FIRST_PORT + limit - 1))
            source.send(b"\0" * 16)
        except OSError as error:
            raise UnavailableError(f"{place.address}: there is no way there ({error.strerror})") from error
        poll = select.poll()
        poll.register(source, select.POLLERR)  # an error in the queue shows as such
        while (left_s := begin_s + _WAIT_S / 2 - time.monotonic()) > 0:
            if poll.poll(left_s * 1000) and (found := _refused(source, place)):
                return found[0], round((time.monotonic() - begin_s) * 1000, 3), found[1]
    return "", None, False


def _refused(source: socket.socket, place: _Place) -> tuple[str, bool] | None:
    try:
        _, ancillary, _, _ = source.recvmsg(512, 512, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    wanted = _RECVERR[place.is_v6]
    contents = [content for level, kind, content in ancillary if (level, kind) == wanted]
    return refusing_hop(contents[0], is_v6=place.is_v6) if contents else None
