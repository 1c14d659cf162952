"""The daemon's end of the helper: stages what the manager sent, asks, and waits for the answer.

The helper is `python -m wayside_agent.update`, started for one question with nothing in its environment, or an instance
that systemd starts as another user behind a socket. It ends when the daemon does, and when it takes too long.

**Tested with:** helpers that answer, crash, hang, babble and die; a socket of systemd's kind.
**Source:** `core.installing`.
"""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wayside.errors import FailedPreconditionError, InvalidArgumentError, ResourceExhaustedError
from wayside_agent.core.agreement import Agreement, Refusal, RefusedError
from wayside_agent.core.contents import Contents, contents
from wayside_agent.core.installing import (
    MAX_LINE_BYTES,
    Agree,
    Agreed,
    Answer,
    Done,
    Failed,
    Install,
    Progress,
    Refused,
    Request,
    Verify,
    answered,
    encoded,
)
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.drivers import roots
from wayside_agent.drivers.files import disk_errors
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.ports.errors import DeviceFaultError, DeviceTimeoutError
from wayside_agent.ports.installer import Metadata, TrustSource
from wayside_agent.ports.installer import Progress as Report

MODULE = "wayside_agent.update"
AGREE_TIMEOUT_S, VERIFY_TIMEOUT_S, INSTALL_TIMEOUT_S = 120.0, 900.0, 3_600.0
MAX_STAGED_BYTES = 6 * 1024 * 1024
MAX_STAGED_FILES = 600
MAX_ANSWERS = 1_000
FOLDER_MODE, FILE_MODE = 0o750, 0o640
"""A helper of another user is of the agent's group."""
PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LANG", "LC_ALL")

_NAME = re.compile(r"([0-9]{1,16}\.)?[a-z0-9][a-z0-9_-]{0,63}\.json\Z")


@dataclass(frozen=True, slots=True)
class Helper:
    """What the helper is told, and how it is reached."""

    state_dir: Path
    trust_dir: Path
    hardware_id: str = ""
    socket: str = ""
    """Empty: it is started as a process of our own."""


class InstallerProcess:
    """Asks the helper; see `ports.installer.Installer`."""

    def __init__(
        self, helper: Helper, source: TrustSource, slots: SlotDir, *, node: str, now_s: Callable[[], float | None]
    ) -> None:
        """Stores values.

        Args:
            helper: How it is reached.
            source: Where metadata comes from.
            slots: Which slot is spare.
            node: `nodes/{node}`.
            now_s: UTC [s since 1970], `None`: nobody knows.
        """
        self._helper = helper
        self._source = source
        self._slots = slots
        self._node = node
        self._now_s = now_s
        self.metadata_end_s: float | None = None
        """When the metadata of the newest agreement ends, UTC [s since 1970]; `None`: there is none."""

    async def agree(self, target: ReleaseTarget) -> Agreement:
        """Fetches what both repositories say and has it compared.

        Raises: RefusedError: with the reason. UnavailableError, DeadlineExceededError: ask again. DeviceError.
        """
        image_version, director_version = await asyncio.to_thread(roots.versions, self._helper.trust_dir)
        try:
            sent = await self._source.metadata(image_root_version=image_version, director_root_version=director_version)
        except FailedPreconditionError as error:
            raise RefusedError(Refusal.NO_ROOT, f"the manager has no signed releases: {error}") from error
        staged = self._helper.state_dir / "staged"
        await asyncio.to_thread(_stage, staged, sent)
        request = Agree(
            node=self._node,
            now_s=self._now_s(),
            version=target.version,
            sha256=target.sha256,
            size_bytes=target.size_bytes,
            staged=str(staged),
        )
        answer = await self._asked(request, AGREE_TIMEOUT_S)
        if not isinstance(answer, Agreed):
            raise _nonsense(answer)
        self.metadata_end_s = answer.end_s
        return Agreement(
            release=target.release,
            version=answer.version,
            sha256=answer.sha256,
            size_bytes=answer.size_bytes,
            tree_sha256=answer.tree_sha256,
            counter=answer.counter,
        )

    async def verify(self, agreement: Agreement, artifact: Path, *, is_delta: bool) -> Contents:
        """Holds an artifact against what was agreed; what is in it.

        Raises: RefusedError: HASH, SIZE, ARTIFACT_INVALID, WRONG_HARDWARE, DELTA, EXPIRED. DeviceError.
        """
        await self._lend(artifact)
        request = Verify(now_s=self._now_s(), sha256=agreement.sha256, artifact=str(artifact), is_delta=is_delta)
        answer = await self._asked(request, VERIFY_TIMEOUT_S)
        if not isinstance(answer, Done):
            raise _nonsense(answer)
        return contents(answer.components, answer.notices)

    async def install(self, agreement: Agreement, artifact: Path, *, is_delta: bool, progress: Report) -> str:
        """Writes the release into the spare slot, which may be chosen when this returns; that slot.

        Raises: RefusedError: the slot is then unbootable. FailedPreconditionError: none is spare.
            ResourceExhaustedError, DeviceError.
        """
        slot, is_there = await self._slots.reserve(agreement.sha256)
        if is_there:
            return slot
        await self._lend(artifact)
        request = Install(
            now_s=self._now_s(), sha256=agreement.sha256, artifact=str(artifact), is_delta=is_delta, slot=slot
        )
        await self._asked(request, INSTALL_TIMEOUT_S, progress)
        await self._slots.fill(slot, agreement.sha256)
        self.metadata_end_s = None
        return slot

    async def _lend(self, artifact: Path) -> None:
        """Lets a helper of another user, who is of the agent's group, read the artifact."""
        if self._helper.socket:
            with disk_errors(artifact):
                await asyncio.to_thread(artifact.parent.chmod, FOLDER_MODE)
                await asyncio.to_thread(artifact.chmod, FILE_MODE)

    async def _asked(self, request: Request, timeout_s: float, progress: Report = lambda _: None) -> Answer:
        """The last answer.

        Raises: RefusedError. ResourceExhaustedError. DeviceError: also if the helper crashes, hangs or babbles.
        """
        try:
            async with asyncio.timeout(timeout_s), contextlib.aclosing(self._answers(encoded(request))) as answers:
                async for answer in answers:
                    if isinstance(answer, Progress):
                        progress(answer.ratio)
                        continue
                    return _checked(answer)
        except TimeoutError as error:
            raise DeviceTimeoutError(
                f"the helper did not end within {timeout_s:g} s and was stopped; the disk may be failing"
            ) from error
        raise DeviceFaultError("the helper ended without an answer; look into its log")

    def _answers(self, line: bytes) -> AsyncGenerator[Answer, None]:
        return self._from_socket(line) if self._helper.socket else self._from_process(line)

    async def _from_process(self, line: bytes) -> AsyncGenerator[Answer, None]:
        helper = self._helper
        options = ["--state-dir", str(helper.state_dir), "--trust-dir", str(helper.trust_dir)]
        options += ["--hardware-id", helper.hardware_id, "--parent", str(os.getpid())]
        with os.fdopen(os.memfd_create("helper-errors"), "w+b") as errors:
            process = await asyncio.create_subprocess_exec(
                *_interpreter(),
                "-m",
                MODULE,
                *options,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                limit=MAX_LINE_BYTES,
                start_new_session=True,
            )
            assert process.stdin is not None  # noqa: S101  # asked for above
            assert process.stdout is not None  # noqa: S101  # asked for above
            try:
                with contextlib.suppress(ConnectionError):  # it died: what it said is below
                    process.stdin.write(line)
                    process.stdin.write_eof()
                async for answer in _lines(process.stdout):
                    yield answer
                raise _crashed(await process.wait(), errors)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    async def _from_socket(self, line: bytes) -> AsyncGenerator[Answer, None]:
        path = self._helper.socket
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=MAX_LINE_BYTES)
        except OSError as error:
            raise DeviceFaultError(
                f"{path}: the helper cannot be reached ({error.strerror}); start wayside-install.socket"
            ) from error
        try:
            writer.write(line)
            writer.write_eof()
            async for answer in _lines(reader):
                yield answer
        finally:
            writer.close()


async def _lines(reader: asyncio.StreamReader) -> AsyncGenerator[Answer, None]:
    """What the helper says, bounded."""
    for _ in range(MAX_ANSWERS):
        try:
            line = await reader.readline()
        except (ValueError, ConnectionError) as error:
            raise DeviceFaultError(f"the helper's answer cannot be read ({error}); restart the agent") from error
        if not line:
            return
        try:
            yield answered(line)
        except InvalidArgumentError as error:
            raise DeviceFaultError(f"the helper says what is no answer ({error}); restart the agent") from error
    raise DeviceFaultError(f"the helper gives more than {MAX_ANSWERS} answers; restart the agent")


def _checked(answer: Answer) -> Answer:
    if isinstance(answer, Failed):
        if answer.is_disk_full:
            raise ResourceExhaustedError(answer.message, reason="DISK_FULL")
        raise DeviceFaultError(answer.message)
    if not isinstance(answer, Refused):
        return answer
    try:
        refusal = Refusal(answer.reason)
    except ValueError:
        raise _nonsense(answer) from None
    raise RefusedError(refusal, answer.message)


def _nonsense(answer: Answer) -> DeviceFaultError:
    return DeviceFaultError(f"the helper answers another question ({answer}); restart the agent"[:300])


def _crashed(status: int, errors: BinaryIO) -> DeviceFaultError:
    errors.seek(0)
    lines = errors.read(MAX_LINE_BYTES).decode(errors="replace").strip().splitlines()
    ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return DeviceFaultError(f"the helper {ended} without an answer: {lines[-1] if lines else 'no word'}"[:1_000])


def _interpreter() -> list[str]:
    """This Python, seeing the same packages: a release sees its own only."""
    flags = {"-s": sys.flags.no_user_site, "-S": sys.flags.no_site, "-P": sys.flags.safe_path}
    return [sys.executable, *(flag for flag, is_set in flags.items() if is_set)]


def _stage(folder: Path, sent: Metadata) -> None:
    """Writes what was sent, where the helper may read it, in the place of what was there.

    Raises: RefusedError: MALFORMED: too much, or an odd name. DeviceFaultError, ResourceExhaustedError.
    """
    files = [(repository, name, content) for repository in sent for name, content in sent[repository].items()]
    if len(files) > MAX_STAGED_FILES or sum(len(content) for _, _, content in files) > MAX_STAGED_BYTES:
        raise RefusedError(
            Refusal.MALFORMED,
            f"the manager sent {len(files)} files of metadata, too many or too large",
        )
    with disk_errors(folder):
        for repository in roots.REPOSITORIES:
            path = folder / repository
            path.mkdir(parents=True, exist_ok=True)
            folder.chmod(FOLDER_MODE)  # whatever the mask of new files is
            path.chmod(FOLDER_MODE)
            for old in path.iterdir():
                old.unlink()
        for repository, name, content in files:
            if repository not in roots.REPOSITORIES or not _NAME.match(name):
                raise RefusedError(Refusal.MALFORMED, f"the manager sent metadata with the odd name {name[:80]!r}")
            path = folder / repository / name
            path.write_bytes(content)
            path.chmod(FILE_MODE)
