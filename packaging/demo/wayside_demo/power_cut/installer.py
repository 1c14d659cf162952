"""The helper's real code, in this process: only who signed what is taken for granted.

What it verifies and writes is `wayside_agent.update`, from the line of the request to the line of the answer.
"""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wayside.errors import ResourceExhaustedError
from wayside_agent.core.agreement import Agreement, Refusal, RefusedError
from wayside_agent.core.installing import Failed, Install, Refused, Request, Verify, answered, encoded
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.ports.installer import Progress
from wayside_agent.update.helper import answer
from wayside_agent.update.place import Agreed, Place, Seen
from wayside_demo.power_cut.manager import END_S, HelperKilledError, Surroundings, release


class SmallInstaller:
    """As `ports.installer.Installer`."""

    def __init__(self, place: Place, slots: SlotDir, around: Surroundings) -> None:
        self._place = place
        self._slots = slots
        self._around = around

    async def agree(self, target: ReleaseTarget) -> Agreement:
        """What both repositories would say.

        Raises: RefusedError: TIME, EXPIRED. UnavailableError. DeviceError, ResourceExhaustedError.
        """
        self._around.reach()
        with self._helper():
            agreed = self._agreed(target)
        return Agreement(
            target.release, agreed.version, agreed.sha256, agreed.size_bytes, agreed.tree_sha256, agreed.counter
        )

    async def verify(self, agreement: Agreement, artifact: Path) -> None:
        """As the port."""
        self._ask(Verify(now_s=self._around.utc_s(), sha256=agreement.sha256, artifact=str(artifact)))

    async def install(self, agreement: Agreement, artifact: Path, *, is_delta: bool, progress: Progress) -> str:
        """As the port."""
        progress(0.0)
        slot, is_there = await self._slots.reserve(agreement.sha256)
        if not is_there:
            now_s, sha256 = self._around.utc_s(), agreement.sha256
            self._ask(Install(now_s=now_s, sha256=sha256, artifact=str(artifact), is_delta=is_delta, slot=slot))
            await self._slots.fill(slot, sha256)
        return slot

    def _agreed(self, target: ReleaseTarget) -> Agreed:
        now_s = self._around.utc_s()
        if now_s is None:
            raise RefusedError(Refusal.TIME, "nobody knows what time it is")
        with self._place.alone():
            seen = self._place.seen.load() or Seen()
            now_s = max(now_s, seen.time_s)
            if now_s >= END_S:
                raise RefusedError(Refusal.EXPIRED, "what was signed has ended")
            known = release(target.version)
            agreed = Agreed(
                version=target.version,
                sha256=target.sha256,
                size_bytes=target.size_bytes,
                tree_sha256=known.manifest.tree_sha256,
                manifest_sha256=known.manifest_sha256,
                counter=known.manifest.counter,
                end_s=END_S,
            )
            self._place.agreed.save(agreed)
            self._place.seen.save(Seen(seen.counter, now_s))
        return agreed

    def _ask(self, request: Request) -> None:
        said = io.BytesIO()
        with self._helper():
            answer(self._place, io.BytesIO(encoded(request)), said)
        last = answered(said.getvalue().splitlines()[-1])
        if isinstance(last, Failed):
            raise ResourceExhaustedError(last.message) if last.is_disk_full else DeviceFaultError(last.message)
        if isinstance(last, Refused):
            raise RefusedError(Refusal(last.reason), last.message)

    @contextmanager
    def _helper(self) -> Iterator[None]:
        """What would be another process."""
        self._around.is_helper_at_work = True
        try:
            yield
        except HelperKilledError as error:
            raise DeviceFaultError("the helper was killed by signal 9") from error
        except OSError as error:
            raise DeviceFaultError(f"the helper ended without an answer ({error})") from error
        finally:
            self._around.is_helper_at_work = False
            logging.disable(logging.NOTSET)  # the helper silences its own process, which is ours here
