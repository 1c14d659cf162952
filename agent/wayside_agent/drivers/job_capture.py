"""Records packets of a network interface, in pure Python, into one pcap file. Bounded in time, packets and bytes.

**Tested with:** the loopback interface of Debian 12, as root; read again by tcpdump 4.99.
**Source:** packet(7), socket(7) (SO_TIMESTAMPNS); if_arp.h (kinds of links). Needs CAP_NET_RAW and AF_PACKET.
"""

import asyncio
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from wayside_agent.core.job import RefusedError
from wayside_agent.core.job_work import PacketCapture
from wayside_agent.core.pcap import ETHERNET, RAW_IP, RECORD_HEAD_BYTES, head, ports, record
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND
from wayside_agent.drivers.files import disk_errors, spare_bytes
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError
from wayside_agent.ports.jobs import Assignment, Yield

FILE = "capture.pcap"
_EVERYTHING = 0x0003  # ETH_P_ALL; Python brings it into network order
_TIMESTAMP = 35  # SO_TIMESTAMPNS
_TIME = struct.Struct("@ll")
_LINK_TYPES = {1: ETHERNET, 772: ETHERNET, 65534: RAW_IP, 519: RAW_IP}  # ETHER, LOOPBACK, NONE (tun), RAWIP (modems)
_LOOK_S = 0.2
_LACKING = (
    "the agent lacks CAP_NET_RAW and AF_PACKET sockets; a drop-in of its systemd unit gives them: "
    "AmbientCapabilities=CAP_NET_RAW, CapabilityBoundingSet=CAP_NET_RAW, RestrictAddressFamilies=AF_PACKET"
)


class PacketCaptureWorker:
    """Records packets."""

    def __init__(self, interfaces: Sequence[str]) -> None:
        self._interfaces = interfaces

    async def work(self, assignment: Assignment[PacketCapture]) -> Yield:
        """See `ports.jobs.Worker`."""
        asked = assignment.work
        if asked.interface not in self._interfaces:
            raise RefusedError(f"{asked.interface[:80]!r} is not one of jobs.capture_interfaces in the unit's settings")
        link_type = await asyncio.to_thread(_link_type, asked.interface)
        stop = threading.Event()
        room_bytes = await asyncio.to_thread(spare_bytes, assignment.folder)
        max_bytes = min(assignment.max_bytes, room_bytes)
        capture = _Capture(asked, assignment.folder / FILE, max_bytes, link_type, stop)
        with _opened(asked.interface) as source:
            try:
                await asyncio.to_thread(capture.run, source)
            finally:
                stop.set()
        result = {
            "interface": asked.interface,
            "packet_count": capture.packet_count,
            "size_bytes": capture.size_bytes,
            "dropped_count": capture.dropped_count,
            "ended_by": capture.ended_by,
        }
        return Yield(f"{capture.packet_count} packets ({capture.ended_by})", result, (FILE,))


class _Capture:
    """One recording; runs in a thread."""

    def __init__(self, asked: PacketCapture, path: Path, max_bytes: int, link_type: int, stop: threading.Event) -> None:
        self._asked = asked
        self._path = path
        self._max_bytes = max_bytes
        self._link_type = link_type
        self._stop = stop
        self.packet_count = self.size_bytes = self.dropped_count = 0
        self.ended_by = "duration"

    def run(self, source: socket.socket) -> None:
        """Records until one of the bounds is reached, or somebody stops it."""
        asked, begin_s = self._asked, time.monotonic()
        buffer = bytearray(asked.snap_bytes)
        with disk_errors(self._path), self._path.open("wb") as file:
            self.size_bytes = file.write(head(snap_bytes=asked.snap_bytes, link_type=self._link_type))
            while not self._stop.is_set() and (left_s := begin_s + asked.duration_s - time.monotonic()) > 0:
                if not select.select([source], [], [], min(left_s, _LOOK_S))[0]:
                    continue
                size_bytes, ancillary, _, _ = source.recvmsg_into([buffer], 64, socket.MSG_TRUNC | socket.MSG_DONTWAIT)
                kept = bytes(buffer[: min(size_bytes, len(buffer))])
                if asked.port and asked.port not in ports(kept, link_type=self._link_type):
                    continue
                if self._is_full(len(kept)):
                    break
                self.size_bytes += file.write(record(_time_ns(ancillary), kept, size_bytes))
                self.packet_count += 1
        _, self.dropped_count = struct.unpack("=II", source.getsockopt(263, 6, 8))  # SOL_PACKET, PACKET_STATISTICS

    def _is_full(self, packet_bytes: int) -> bool:
        if self.packet_count >= self._asked.max_packets:
            self.ended_by = "max_packets"
        elif self.size_bytes + RECORD_HEAD_BYTES + packet_bytes > self._max_bytes:
            self.ended_by = "artifact_max_bytes"
        return self.ended_by != "duration"


def _link_type(interface: str) -> int:
    try:
        kind = int(Path("/sys/class/net", interface, "type").read_text())
    except (OSError, ValueError) as error:
        raise DeviceAbsentError(f"{interface}: there is no such network interface on the unit") from error
    if kind not in _LINK_TYPES:
        raise RefusedError(f"{interface}: packets of this kind of link ({kind}) cannot be recorded")
    return _LINK_TYPES[kind]


def _opened(interface: str) -> socket.socket:
    try:
        source = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError as error:
        raise RefusedError(_LACKING) from error
    except OSError as error:  # EAFNOSUPPORT: the unit's sandbox
        raise RefusedError(f"{_LACKING} ({error.strerror})") from error
    try:
        source.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
        source.bind((interface, _EVERYTHING))
    except OSError as error:
        source.close()
        raise DeviceFaultError(f"{interface}: cannot be listened to ({error.strerror})") from error
    return source


def _time_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMP) and len(content) >= _TIME.size:
            seconds, nanoseconds = _TIME.unpack_from(content)
            return int(seconds) * NANOSECONDS_PER_SECOND + int(nanoseconds)
    return time.time_ns()
