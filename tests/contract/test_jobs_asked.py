"""Jobs that others than the manager ask for: the same policy, once by their names, and the manager hears of them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.contract.job_unit import State, Unit, awake, target
from wayside.errors import InvalidArgumentError, ResourceExhaustedError
from wayside_agent.core.job import RefusedError
from wayside_agent.ports.jobs import Assignment, Yield
from wayside_agent.services.jobs import MAX_ASKED_COUNT

NAME = "jobs/platform-city-0123456789abcdef"


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


async def test_it_is_done_and_the_manager_is_told(unit: Unit) -> None:
    async with awake(unit):
        unit.jobs.ask(target(NAME))
        await unit.outcome(NAME)
    assert [report.job for report in unit.reports if report.state == State.STATE_SUCCEEDED] == [NAME]
    assert unit.begun == [NAME]


async def test_a_word_of_the_manager_does_not_end_it(unit: Unit) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(_assignment: Assignment[Any]) -> Yield:
        begun.set()
        await go.wait()
        return Yield("done")

    unit.does = slow
    async with awake(unit):
        unit.jobs.ask(target(NAME))
        await begun.wait()
        unit.wants()
        for _ in range(20):
            await asyncio.sleep(0)
        go.set()
        await unit.outcome(NAME)
    assert unit.reports[-1].state == State.STATE_SUCCEEDED


async def test_asked_again_after_a_restart_it_is_not_begun_again(unit: Unit) -> None:
    async with awake(unit):
        unit.jobs.ask(target(NAME))
        await unit.outcome(NAME)
    unit.restart(boot_id="boot-2")
    async with awake(unit):
        unit.jobs.ask(target(NAME))
        await unit.outcome(NAME, count=2)
    assert unit.begun == [NAME]


async def test_the_manager_hears_of_a_restart_that_nobody_asks_about_again(unit: Unit) -> None:
    async def restart(_assignment: Assignment[Any]) -> Yield:
        begun.set()
        await asyncio.Event().wait()
        return Yield()

    begun, unit.does = asyncio.Event(), restart
    async with awake(unit):
        unit.jobs.ask(target(NAME, reboot={}))
        await begun.wait()
    unit.restart(boot_id="boot-2")
    async with awake(unit):
        said = await unit.outcome(NAME)
        unit.wants()
    assert (said.state, said.message) == (State.STATE_SUCCEEDED, "the computer was started again")
    assert unit.begun == [NAME]


async def test_what_the_settings_refuse_the_manager_hears_too(unit: Unit) -> None:
    async def refuse(_assignment: Assignment[Any]) -> Yield:
        raise RefusedError("the unit's settings switch this off")

    unit.does = refuse
    async with awake(unit):
        unit.jobs.ask(target(NAME))
        await unit.outcome(NAME)
    assert unit.reports[-1].state == State.STATE_REFUSED


async def test_there_is_room_for_a_few_only(unit: Unit) -> None:
    for number in range(MAX_ASKED_COUNT):
        unit.jobs.ask(target(f"jobs/platform-city-{number}"))
    unit.jobs.ask(target("jobs/platform-city-0"))
    with pytest.raises(ResourceExhaustedError, match="ask later"):
        unit.jobs.ask(target(NAME))
    for name in ("jobs/platform-../x", "jobs/j1"):
        with pytest.raises(InvalidArgumentError, match="is no name of a job that a platform asks for"):
            unit.jobs.ask(target(name))
