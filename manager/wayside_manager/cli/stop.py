"""`wayside stop`: the kill switch. Everything under way is stopped at once, everywhere the caller may reach."""

from typing import Annotated

import typer

from wayside.v1 import job_service_pb2
from wayside_manager.cli.asking import YesOption, ask_first
from wayside_manager.cli.output import Output, print_json, print_line
from wayside_manager.cli.running import ContextOption, OutputOption, chosen_output, reported, run


@reported
def stop(
    reason: Annotated[str, typer.Option("--reason", help="Why; everybody sees it.")],
    *,
    yes: YesOption = False,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Aborts every rollout and cancels every job you may reach, at once. Needs no second person."""
    ask_first("Abort every rollout and cancel every job?", yes=yes)
    request = job_service_pb2.StopEverythingRequest(reason=reason)
    answer = run(lambda manager: manager.call(manager.job.StopEverything, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_line(
            f"stopped {len(answer.rollouts)} rollouts and {answer.job_count} jobs; "
            f"{answer.told_node_count} nodes were told at once, the others when they connect"
        )
