"""The kill switch: one order to every rollout under way, as `wayside rollouts abort --all` and `pause --all` give it.

Usage: `given = run(stand_still(order, LIVE), context)`; then `print_given(given, "aborted", output)`. It needs no
second person: to stop only makes things safer.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

import typer

from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from wayside.v1 import rollout_pb2, rollout_service_pb2
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import Output, as_mapping, print_error, print_json, print_line, print_table
from wayside_manager.cli.rollout_view import COLUMNS, row
from wayside_manager.cli.running import chosen_output, listed, resource_id, resource_name

RUNNING = frozenset({rollout_pb2.Rollout.STATE_RUNNING})
LIVE = RUNNING | {rollout_pb2.Rollout.STATE_PAUSED}
Order = Callable[[ManagerClient, str], Awaitable[rollout_pb2.Rollout]]


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


def stand_still(order: Order, states: Collection[int]) -> Callable[[ManagerClient], Awaitable[Given]]:
    """Work that gives the order to every rollout the caller sees in one of the states.

    Raises: WaysideError: what the manager answered, but not that a rollout has ended meanwhile or is not the caller's.
    """

    async def given(manager: ManagerClient) -> Given:
        request = rollout_service_pb2.ListRolloutsRequest()
        seen = await listed(manager, manager.rollout.ListRollouts, request, lambda page: page.rollouts)
        ordered, refused = [], []
        for name in [rollout.name for rollout in seen if rollout.state in states]:
            try:
                ordered.append(await order(manager, name))
            except (FailedPreconditionError, NotFoundError):
                continue
            except PermissionDeniedError:
                refused.append(name)
        return Given(tuple(ordered), tuple(refused))

    return given


def print_given(given: Given, word: str, output: Output | None) -> None:
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
