"""New telemetry ahead of a day's backlog, over a real spool and a line whose time is counted in bytes."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Self

import pytest

from wayside.errors import UnavailableError
from wayside_agent.link.spool import FileSpool
from wayside_agent.services.lanes import AHEAD_COUNT, Lanes

DAY_COUNT = 8_640  # a batch every 10 s
PERIOD_S = 10.0
LIVE_MAX_S = 2.0


def batch(number: int) -> bytes:
    size_bytes = Random(number).randrange(200, 1500)  # noqa: S311  # the same whichever test runs first; no secrets
    return b"%d " % number + bytes(size_bytes)


def unsynced(_descriptor: int) -> None:
    """A disk that is quick: what a power cut leaves is not what is tried here."""


@dataclass
class Line:
    """A broker behind a line of some rate and delay, whose clock moves with what goes over it.

    While it moves, the unit makes a batch every ten seconds. It breaks after so many batches, if it is told to.
    """

    spool: FileSpool
    lanes: Lanes = field(init=False)
    bytes_per_s: float = 8_000.0
    delay_s: float = 0.05
    live_count: int = 60
    breaks_after: int = 0
    now_s: float = 0.0
    made: dict[int, float] = field(default_factory=dict)
    arrived: list[tuple[int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lanes = Lanes(self.spool, mono_s=lambda: self.now_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def until_lost(self) -> None:
        await asyncio.Event().wait()

    async def publish(self, _topic: str, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            await self._pass(len(payload) / self.bytes_per_s)
            self.arrived.append((int(payload.split(b" ")[0]), self.now_s + self.delay_s / 2))
            if len(self.arrived) == self.breaks_after:
                raise UnavailableError("the line broke")
        await self._pass(self.delay_s)

    async def _pass(self, seconds: float) -> None:
        self.now_s += seconds
        while len(self.made) < self.live_count and self.now_s >= (len(self.made) + 1) * PERIOD_S:
            sequence = await self.spool.append_built(batch)
            self.made[sequence] = (len(self.made) + 1) * PERIOD_S
            self.lanes.appended(sequence)

    @property
    def sequences(self) -> list[int]:
        return [sequence for sequence, _ in self.arrived]

    @property
    def delays_s(self) -> list[float]:
        """How late each new batch was with the broker for the first time, from when it was made."""
        first: dict[int, float] = {}
        for sequence, time_s in self.arrived:
            first.setdefault(sequence, time_s)
        return [first[sequence] - made_s for sequence, made_s in self.made.items()]


@contextlib.asynccontextmanager
async def a_day_behind(folder: Path, count: int = DAY_COUNT, **caps: int) -> AsyncIterator[FileSpool]:
    async with FileSpool(folder, sync=unsynced, **caps) as spool:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(spool.append_built(batch))
        yield spool


async def drained(line: Line, *, taken: list[int] | None = None) -> None:
    """Drains until nothing waits and nothing more is made, or the line breaks."""
    counts = taken if taken is not None else []
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        task = group.create_task(line.lanes.drain(line, "t", counts.append))
        while line.spool.state().record_count:  # noqa: ASYNC110  # a spool has no event for others
            await asyncio.sleep(0.01)
        task.cancel()
    assert len(line.made) == line.live_count


@pytest.mark.parametrize(
    ("bytes_per_s", "delay_s"),
    [(8_000.0, 0.05), (8_000.0, 0.6), (100_000.0, 0.05), (10_000_000.0, 0.3)],
    ids=["64 kbit/s", "64 kbit/s over a satellite", "a mobile network", "fast and far away"],
)
async def test_no_new_batch_waits_two_seconds_behind_a_day(tmp_path: Path, bytes_per_s: float, delay_s: float) -> None:
    async with a_day_behind(tmp_path / "s") as spool:
        line = Line(spool, bytes_per_s=bytes_per_s, delay_s=delay_s, live_count=3 if bytes_per_s > 50_000 else 60)
        taken: list[int] = []
        await drained(line, taken=taken)
        assert max(line.delays_s) <= LIVE_MAX_S
        assert sorted(line.sequences) == list(range(1, DAY_COUNT + line.live_count + 1))  # each once, none lost
        assert sum(taken) == DAY_COUNT + line.live_count
        assert spool.state().evicted_count == 0
    # what was there before the agent started goes before nothing that is new
    old = [sequence for sequence in line.sequences if sequence <= DAY_COUNT]
    new = [sequence for sequence in line.sequences if sequence > DAY_COUNT]
    assert old == sorted(old)
    assert new == sorted(new)
    assert line.sequences.index(DAY_COUNT + 1) < DAY_COUNT  # it did overtake


async def test_a_line_that_breaks_sends_nothing_twice_but_what_was_under_way(tmp_path: Path) -> None:
    async with a_day_behind(tmp_path / "s") as spool:
        line = Line(spool)
        for breaks_after in (700, 2_500, 2_510, 6_000):
            line.breaks_after = breaks_after
            with pytest.raises(ExceptionGroup):
                await drained(line)
        await drained(line)
        times = Counter(line.sequences)
        assert sorted(times) == list(range(1, DAY_COUNT + line.live_count + 1))
        assert max(line.delays_s) <= LIVE_MAX_S
        assert spool.state().record_count == 0
    assert not [sequence for sequence in line.made if times[sequence] > 2]
    assert sum(times.values()) - len(times) <= 4 * 64  # a part per break at most


async def test_a_restart_on_the_way_loses_nothing(tmp_path: Path) -> None:
    async with a_day_behind(tmp_path / "s") as spool:
        before = Line(spool, breaks_after=5_000)
        with pytest.raises(ExceptionGroup):
            await drained(before)
        made = len(before.made)
    async with FileSpool(tmp_path / "s", sync=unsynced) as spool:
        after = Line(spool, live_count=5)
        await drained(after)
    everything = [*before.sequences, *after.sequences]
    assert set(everything) == set(range(1, DAY_COUNT + made + 5 + 1))
    old = [sequence for sequence in after.sequences if sequence <= DAY_COUNT + made - AHEAD_COUNT]
    assert old == sorted(old)


async def test_more_than_fits_costs_the_oldest_which_are_counted(tmp_path: Path) -> None:
    cap_bytes = 2_000_000
    async with a_day_behind(tmp_path / "s", max_bytes=cap_bytes) as spool:
        held_bytes = sum(path.stat().st_size for path in (tmp_path / "s").iterdir())
        assert held_bytes <= cap_bytes + 64 * 1024
        evicted_count = spool.state().evicted_count
        assert evicted_count > DAY_COUNT // 2
        line = Line(spool, live_count=10)
        await drained(line)
        lost_count = spool.state().evicted_count  # while it drained new ones took the place of the oldest, if need be
    assert lost_count >= evicted_count
    assert sorted(line.sequences) == list(range(lost_count + 1, DAY_COUNT + line.live_count + 1))
    assert max(line.delays_s) <= LIVE_MAX_S


async def test_a_line_too_slow_for_what_is_new_shows_the_newest_and_keeps_the_rest_in_order(tmp_path: Path) -> None:
    async with a_day_behind(tmp_path / "s", 200) as spool:
        line = Line(spool, bytes_per_s=60.0, live_count=40)
        await drained(line)
    assert sorted(line.sequences) == list(range(1, 241))
    highest, rest = 0, []
    for sequence, time_s in line.arrived:
        if sequence < highest:
            rest.append(sequence)
            continue
        highest = sequence
        made = [each for each, made_s in line.made.items() if made_s <= time_s]
        assert not made or sequence <= 200 or sequence >= made[-1] - 3 * AHEAD_COUNT  # in order it would be 200 behind
    assert rest == sorted(rest)
    assert len(rest) > 150
