"""What an update asks of the unit's owner, applications and people: hooks, the lock, and the door of the command."""

import asyncio
import fcntl
import getpass
import sys
from pathlib import Path

import pytest

from wayside.errors import FailedPreconditionError, UnavailableError
from wayside_agent.core.update import Phase, ReleaseTarget, Update
from wayside_agent.drivers import update_lock
from wayside_agent.drivers.update_hooks import HookCommands
from wayside_agent.ports.hooks import Word
from wayside_agent.services.update_door import SOCKET_NAME, UpdateDoor, said

STAGED = Update(target=ReleaseTarget("releases/1.1.0", "1.1.0", "b" * 64, 1, "rollouts/r1"), phase=Phase.STAGED)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (python(""), Word.GO_ON),
        (python("raise SystemExit(75)"), Word.WAIT),
        (python("raise SystemExit(3)"), Word.REFUSE),
        (("/nowhere/at-all",), Word.REFUSE),
        (python("import os; raise SystemExit(os.environ['WAYSIDE_VERSION'] != '1.1.0')"), Word.GO_ON),
        (python("import os; raise SystemExit('HOME' in os.environ)"), Word.GO_ON),
    ],
    ids=["agrees", "waits", "refuses", "is not there", "is told the version", "sees nothing of the agent"],
)
async def test_the_exit_code_of_a_hook_is_its_answer(command: tuple[str, ...], word: Word) -> None:
    answer = await HookCommands({"staged": command}, timeout_s=30.0).ask(STAGED)
    assert answer.word is word, answer.message
    assert bool(answer.message) is (word is not Word.GO_ON)


async def test_a_hook_that_hangs_is_stopped_and_refuses() -> None:
    hang = python("import threading; threading.Event().wait()")
    answer = await HookCommands({"staged": hang}, timeout_s=0.2).ask(STAGED)
    assert answer.word is Word.REFUSE
    assert "did not end within 0.2 s" in answer.message


async def test_a_phase_without_a_hook_goes_on() -> None:
    assert (await HookCommands({"committed": ("/nowhere",)}, timeout_s=1.0).ask(STAGED)).word is Word.GO_ON


def test_the_lock_is_held_for_as_long_as_an_application_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "update.lock"
    assert update_lock.held(str(path)) == ""
    path.write_text("a map is being written\nmore\n")
    assert update_lock.held(str(path)) == ""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert update_lock.held(str(path)) == "a map is being written"
    assert update_lock.held(str(path)) == ""
    assert update_lock.held("") == ""


async def test_a_person_answers_by_name_through_the_door(tmp_path: Path) -> None:
    heard: list[tuple[bool, str]] = []

    async def answer(is_given: bool, who: str) -> str:
        heard.append((is_given, who))
        if not is_given:
            raise FailedPreconditionError("update: there is none to agree to")
        return f"agreed by {who}"

    async with asyncio.TaskGroup() as group:
        running = group.create_task(UpdateDoor(tmp_path, answer).run())
        async with asyncio.timeout(20):
            while not (tmp_path / SOCKET_NAME).exists():  # noqa: ASYNC110  # a file cannot be awaited
                await asyncio.sleep(0)
            assert await asyncio.to_thread(said, tmp_path, "confirm") == f"agreed by {getpass.getuser()}"
            with pytest.raises(FailedPreconditionError, match="there is none"):
                await asyncio.to_thread(said, tmp_path, "refuse")
            with pytest.raises(FailedPreconditionError, match="confirm or refuse"):
                await asyncio.to_thread(said, tmp_path, "perhaps")
        assert (tmp_path / SOCKET_NAME).stat().st_mode & 0o777 == 0o600
        running.cancel()
    assert heard == [(True, getpass.getuser()), (False, getpass.getuser())]


def test_an_agent_that_does_not_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        said(tmp_path, "confirm")
