"""FAULTY ON PURPOSE. The radio opens and never hears anything; all else works. Only a V2X health gate can see it."""

import asyncio
from importlib.metadata import entry_points
from typing import NoReturn

from wayside_agent.cli.main import main


async def _hear_nothing(_: object) -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError("the event is never set")


for entry in entry_points(group="wayside.radio"):
    entry.load().read = _hear_nothing
main()
