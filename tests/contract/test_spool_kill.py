"""kill -9 at any moment: every record whose `append` returned is there afterwards."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from wayside_agent.link.spool import FileSpool

RUN_COUNT = 100
WRITER = """
import asyncio, os, sys
from pathlib import Path
from wayside_agent.link.spool import FileSpool

def say(what, sequence):
    os.write(1, b"%s %d\\n" % (what, sequence))

async def write(spool):
    while True:
        sequence = await spool.append_built(lambda sequence: b"%d " % sequence + bytes(sequence % 300))
        say(b"accepted", sequence)
        if sequence % 50 == 0:
            say(b"giving-up", sequence - 40)
            await spool.acknowledge(sequence - 40)
            say(b"gave-up", sequence - 40)

async def main():
    async with FileSpool(Path(sys.argv[1]), segment_bytes=4096, max_bytes=100_000_000) as spool:
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(write(spool))

asyncio.run(main())
"""


def killed_run(directory: Path, line_count: int) -> list[tuple[str, int]]:
    """Starts a writer, kills it after it said some lines, and returns everything it said."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(line_count)]
        writer.kill()
        lines += writer.stdout.readlines()
    return [(what, int(sequence)) for what, sequence in map(str.split, lines)]


async def held_payloads(directory: Path) -> dict[int, bytes]:
    async with FileSpool(directory) as spool:
        held: dict[int, bytes] = {}
        while len(held) < spool.state().record_count:
            for record in await spool.read(max(held, default=0), max_count=1000):
                held[record.sequence] = record.payload
        assert spool.state().evicted_count == 0
        return held


async def test_nothing_accepted_is_lost_in_a_hundred_kills(tmp_path: Path) -> None:
    rng = random.Random(2)  # noqa: S311  # repeatable moments, no secrets
    said: dict[str, set[int]] = {"accepted": set(), "giving-up": {0}, "gave-up": {0}}
    for _ in range(RUN_COUNT):
        printed = await asyncio.to_thread(killed_run, tmp_path, rng.randrange(1, 120))
        fresh = {sequence for what, sequence in printed if what == "accepted"}
        assert not fresh & said["accepted"], "a sequence was given out twice"
        for what, sequence in printed:
            said[what].add(sequence)
        held = await held_payloads(tmp_path)
        assert not {sequence for sequence in said["accepted"] if sequence > max(said["giving-up"])} - held.keys()
        assert min(held) > max(said["gave-up"])
        assert all(payload.split(b" ")[0] == b"%d" % sequence for sequence, payload in held.items())
    assert len(said["accepted"]) > RUN_COUNT
