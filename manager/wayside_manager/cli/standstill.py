"""The kill switch: one order to every rollout under way, as `wayside rollouts abort --all` and `pause --all` give it.

Usage: `stop(one_or_all(rollout, is_all=is_all), ABORT, output=output, context=context)`. It needs no second person: to
stop only makes things safer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from wayside.v1 import rollout_pb2, rollout_service_pb2
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import Output, as_mapping, print_error, print_json, print_line, print_table
from wayside_manager.cli.rollout_view import COLUMNS, print_rollout, row
from wayside_manager.cli.running import chosen_output, listed, resource_id, resource_name, run

Order = Callable[[ManagerClient, str], Awaitable[rollout_pb2.Rollout]]


@dataclass(frozen=True, slots=True)
class Stopping:
    """A way to stop: what is asked, of rollouts in which states, and the word for it."""

    order: Order
    states: frozenset[int]
    word: str


@dataclass(frozen=True, slots=True)
class Given:
    """What an order to all has done."""

    ordered: tuple[rollout_pb2.Rollout, ...]
    refused: tuple[str, ...]
    """`rollouts/{rollout}` that go on, because the caller may not steer them."""


def one_or_all(rollout: str, *, is_all: bool) -> str:
    """The name of the one rollout that is meant; empty: all.

    Raises: InvalidArgumentError: both or neither are given.
    """
    if bool(rollout) == is_all:
        raise InvalidArgumentError("give a rollout, as listed, or --all")
    return resource_name(rollout, "rollouts") if rollout else ""


def stop(name: str, stopping: Stopping, *, output: Output | None, context: Path | None) -> None:
    """Stops the rollout with this name, or all, and prints what has become of it; ends with status 5 if others go on.

    Raises: WaysideError: what the manager answered; typer.Exit.
    """
    if name:
        print_rollout(run(lambda manager: stopping.order(manager, name), context), output)
    else:
        _print_given(run(_to_all(stopping), context), stopping.word, output)


async def _paused(manager: ManagerClient, name: str) -> rollout_pb2.Rollout:
    request = rollout_service_pb2.PauseRolloutRequest(name=name)
    return (await manager.call(manager.rollout.PauseRollout, request)).rollout


async def _aborted(manager: ManagerClient, name: str) -> rollout_pb2.Rollout:
    request = rollout_service_pb2.AbortRolloutRequest(name=name)
    return (await manager.call(manager.rollout.AbortRollout, request)).rollout


_RUNNING = frozenset[int]({rollout_pb2.Rollout.STATE_RUNNING})
PAUSE = Stopping(_paused, _RUNNING, "paused")
ABORT = Stopping(_aborted, _RUNNING | {rollout_pb2.Rollout.STATE_PAUSED}, "aborted")


def _to_all(stopping: Stopping) -> Callable[[ManagerClient], Awaitable[Given]]:
    """Work that stops every rollout the caller sees in one of the states.

    Raises: WaysideError: what the manager answered, but not that a rollout has ended meanwhile or is not the caller's.
    """

    async def given(manager: ManagerClient) -> Given:
        request = rollout_service_pb2.ListRolloutsRequest()
        seen = await listed(manager, manager.rollout.ListRollouts, request, lambda page: page.rollouts)
        ordered, refused = [], []
        for name in [rollout.name for rollout in seen if rollout.state in stopping.states]:
            try:
                ordered.append(await stopping.order(manager, name))
            except (FailedPreconditionError, NotFoundError):
                continue
            except PermissionDeniedError:
                refused.append(name)
        return Given(tuple(ordered), tuple(refused))

    return given


def _print_given(given: Given, word: str, output: Output | None) -> None:
    """Says how many were ordered; ends the program with status 5 if others go on.

    Raises: typer.Exit.
    """
    if chosen_output(output) is Output.JSON:
        print_json({"rollouts": list(map(as_mapping, given.ordered)), "refused": list(given.refused)})
    else:
        if given.ordered:
            print_table(COLUMNS, map(row, given.ordered))
        print_line(f"{word} {len(given.ordered)} {'rollout' if len(given.ordered) == 1 else 'rollouts'}")
    if given.refused:
        names = ", ".join(map(resource_id, given.refused))
        print_error(f"{len(given.refused)} go on, because you may not steer them: {names}")
        raise typer.Exit(5)
