"""Vehicles and a signal controller, in a process of its own.

    python -m bench._v2x_traffic RADIO_PORT SIGNAL_PORT VEHICLES

Each vehicle of the simulator sends ten BSM a second, evenly spread, to the radio's port; the controller ten words a
second. It runs until its standard input ends, then prints how many BSM it sent and how far it was behind at most.
"""

import asyncio
import json
import socket
import struct
import sys
import threading
import time

from wayside_agent.core.tscbm import ID, PHASE_COUNT
from wayside_agent.drivers.sim_radio import SimRadio

RATE_HZ = 10.0
GREEN, RED = 0b0010_0010, 0b1000_1000  # phases 2 and 6, 4 and 8


def word(sequence: int) -> bytes:
    """What the controller says."""
    rows = b"".join(struct.pack(">B6H", phase, *[120] * 6) for phase in range(1, PHASE_COUNT + 1))
    masks = struct.pack(">11H", RED, 0, GREEN, *[0] * 8)
    return bytes([ID, PHASE_COUNT]) + rows + masks + struct.pack(">4B3sH", 0, 0, 0, sequence % 256, bytes(3), 0)


async def drive(port: int, vehicles: int, is_over: threading.Event) -> dict[str, float]:
    """Sends BSM until it is over."""
    target, sent, behind_s = ("127.0.0.1", port), 0, 0.0
    options = SimRadio.Options(vehicle_count=vehicles, rate_hz=RATE_HZ, radius_m=400.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        async with SimRadio(options) as radio:
            begin_s = time.monotonic()
            while not is_over.is_set():
                sock.sendto((await radio.read()).payload, target)
                sent += 1
                behind_s = max(behind_s, time.monotonic() - begin_s - sent / vehicles / RATE_HZ)
    return {"sent": sent, "behind_s": behind_s}


def control(port: int, is_over: threading.Event) -> None:
    """Says the controller's word until it is over."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sequence = 0
        while not is_over.wait(0.1):
            sequence += 1
            sock.sendto(word(sequence), ("127.0.0.1", port))


def _wait(is_over: threading.Event) -> None:
    sys.stdin.read()
    is_over.set()


def main() -> None:
    """Sends until standard input ends."""
    radio_port, signal_port, vehicles = map(int, sys.argv[1:])
    is_over = threading.Event()
    threading.Thread(target=_wait, args=(is_over,), daemon=True).start()
    controller = threading.Thread(target=control, args=(signal_port, is_over))
    controller.start()
    if vehicles:
        print(json.dumps(asyncio.run(drive(radio_port, vehicles, is_over))))
    else:
        is_over.wait()
        print(json.dumps({"sent": 0, "behind_s": 0.0}))
    controller.join()


if __name__ == "__main__":
    main()
