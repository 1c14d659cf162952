"""The helper's real code in this process, behind the daemon's real end of it.

What is fetched, staged, verified and written is the product's, from the line of the request to the line of the answer;
only that the helper is another process is not so.
"""

import io
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path

from wayside_agent.core.installing import Answer, answered
from wayside_agent.drivers.installer_process import Helper, InstallerProcess
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.update.helper import answer
from wayside_agent.update.place import Place
from wayside_demo.power_cut.manager import HelperKilledError, Surroundings
from wayside_demo.power_cut.signing import NODE_ID

ROOTS = "roots"
"""Folder of the pinned roots."""


class NearInstaller(InstallerProcess):
    """A helper that can be killed, and shares our disk."""

    def __init__(self, root: Path, slots: SlotDir, around: Surroundings) -> None:
        super().__init__(Helper(root, root / ROOTS), around, slots, node=f"nodes/{NODE_ID}", now_s=around.utc_s)
        self._place = Place(root, trust_dir=root / ROOTS)
        self._around = around

    async def _answers(self, line: bytes) -> AsyncGenerator[Answer, None]:
        said = io.BytesIO()
        with self._at_work():
            answer(self._place, io.BytesIO(line), said)
        for each in said.getvalue().splitlines():
            yield answered(each)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        self._around.is_helper_at_work = True
        try:
            yield
        except HelperKilledError as error:
            raise DeviceFaultError("the helper was killed by signal 9") from error
        finally:
            self._around.is_helper_at_work = False
            logging.disable(logging.NOTSET)  # the helper silences its own process, which is ours here
