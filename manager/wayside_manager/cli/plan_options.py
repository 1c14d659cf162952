"""How a rollout goes about it, as options of the commands that start one.

@option_set("plan", PlanOptions)
def create(..., *, plan: PlanOptions) -> None:
    request = CreateRolloutRequest(plan=plan.message())
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from wayside.errors import InvalidArgumentError
from wayside.v1 import release_pb2, rollout_pb2
from wayside_manager.cli import plan_texts
from wayside_manager.cli.plan_file import read_plan

_PANEL = "Plan of the rollout (each goes before the plan file)"

_POLICIES = {
    "any": release_pb2.FETCH_POLICY_UNSPECIFIED,
    "never-full": release_pb2.FETCH_POLICY_NEVER_FULL,
    "full-unmetered": release_pb2.FETCH_POLICY_FULL_UNMETERED,
}


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Options of a plan. None of them: everybody at once, as far as the corridors allow; one failure stops it."""

    plan: Annotated[Path | None, typer.Option("--plan", help="Plan file: .toml or .json.", rich_help_panel=_PANEL)] = (
        None
    )
    wave: Annotated[list[str] | None, typer.Option("--wave", help=plan_texts.WAVE_HELP, rich_help_panel=_PANEL)] = None
    observe: Annotated[
        str, typer.Option(help="How long to watch after each wave, such as 10m.", rich_help_panel=_PANEL)
    ] = ""
    max_in_flight: Annotated[
        int | None, typer.Option(min=1, help="Nodes at most between old and new at a time.", rich_help_panel=_PANEL)
    ] = None
    max_failures: Annotated[
        int | None, typer.Option(min=1, help="Failed nodes at which it stops.", rich_help_panel=_PANEL)
    ] = None
    max_failure_percent: Annotated[
        float | None,
        typer.Option(help="And this much of the nodes told must have failed.", rich_help_panel=_PANEL),
    ] = None
    window: Annotated[
        list[str] | None, typer.Option("--window", help=plan_texts.WINDOW_HELP, rich_help_panel=_PANEL)
    ] = None
    time_zone: Annotated[
        str, typer.Option(help="IANA time zone of nodes whose site names none.", rich_help_panel=_PANEL)
    ] = ""
    node_timeout: Annotated[
        str, typer.Option(help="How long one node may take, such as 1h.", rich_help_panel=_PANEL)
    ] = ""
    deadline: Annotated[str, typer.Option(help="How long all of it may take, such as 14d.", rich_help_panel=_PANEL)] = (
        ""
    )
    max_corridor_percent: Annotated[
        float | None, typer.Option(help="Share of a corridor's sites at most in flight.", rich_help_panel=_PANEL)
    ] = None
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Nodes that come to match later join.", rich_help_panel=_PANEL)
    ] = False
    trial_timeout: Annotated[
        str, typer.Option(help="How long a trial of a configuration may last.", rich_help_panel=_PANEL)
    ] = ""
    confirm: Annotated[
        bool,
        typer.Option("--needs-confirmation", help="A person must confirm each trial.", rich_help_panel=_PANEL),
    ] = False
    consent: Annotated[
        bool,
        typer.Option("--needs-consent", help="A person at the unit must agree to a release.", rich_help_panel=_PANEL),
    ] = False
    interrupt: Annotated[
        bool,
        typer.Option(
            "--may-interrupt-broadcast",
            help="Install also on roadside units that broadcast a safety event.",
            rich_help_panel=_PANEL,
        ),
    ] = False
    fetch: Annotated[
        str,
        typer.Option(
            help="What nodes may fetch: any, never-full (a delta only), full-unmetered.", rich_help_panel=_PANEL
        ),
    ] = ""
    reverse: Annotated[
        bool,
        typer.Option(
            "--reverse-failed-wave",
            help="If it stops for failures, nodes of that wave go back to the release they had.",
            rich_help_panel=_PANEL,
        ),
    ] = False

    begin: Annotated[
        str,
        typer.Option(
            help="When it begins, such as 2026-12-01T02:00 (by your clock) or with +08:00; nobody is told before.",
            rich_help_panel=_PANEL,
        ),
    ] = ""
    retries: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=5,
            help="How often a node that could not take a release for what passes is told once more.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    retry_base: Annotated[
        str,
        typer.Option(help="Pause before the first such try; each next is twice as long.", rich_help_panel=_PANEL),
    ] = ""
    retry_gate: Annotated[
        bool,
        typer.Option(
            "--retry-gate",
            help="Try again also where a release did not pass the health gate, or did not start.",
            rich_help_panel=_PANEL,
        ),
    ] = False

    def message(self) -> rollout_pb2.RolloutPlan:
        """The plan: that of the file, and over it what the options say.

        Raises: NotFoundError: no such file; InvalidArgumentError: naming the option, or the file and the field.
        """
        made = read_plan(self.plan) if self.plan else rollout_pb2.RolloutPlan()
        if self.wave:
            del made.waves[:]
            made.waves.extend(plan_texts.wave(text) for text in self.wave)
        if self.window:
            del made.windows[:]
            made.windows.extend(plan_texts.window(text) for text in self.window)
        if self.observe:
            self._observe(made)
        numbers = {
            "max_in_flight_count": self.max_in_flight,
            "max_failure_count": self.max_failures,
            "max_failure_percent": self.max_failure_percent,
            "max_corridor_percent": self.max_corridor_percent,
            "time_zone": self.time_zone or None,
            "is_dynamic": self.dynamic or None,
            "needs_confirmation": self.confirm or None,
            "needs_consent": self.consent or None,
            "may_interrupt_broadcast": self.interrupt or None,
            "fetch_policy": _policy(self.fetch),
            "reverses_failed_wave": self.reverse or None,
            "retry_count": self.retries,
            "retries_refused_by_gate": self.retry_gate or None,
        }
        for name, number in numbers.items():
            if number is not None:
                setattr(made, name, number)
        self._time(made)
        return made

    def _time(self, made: rollout_pb2.RolloutPlan) -> None:
        for name in ("node_timeout", "deadline", "trial_timeout", "retry_base"):
            text = getattr(self, name)
            if text:
                getattr(made, name).CopyFrom(plan_texts.span(text, field=f"--{name.replace('_', '-')}"))
        if self.begin:
            made.begin_time.CopyFrom(plan_texts.moment(self.begin, field="--begin"))

    def _observe(self, made: rollout_pb2.RolloutPlan) -> None:
        if not made.waves:
            raise InvalidArgumentError("--observe: there are no waves to watch after; give --wave, too")
        for each in made.waves:
            each.observation.CopyFrom(plan_texts.span(self.observe, field="--observe"))


def _policy(word: str) -> int | None:
    """The number of a policy; `None`: the option was not given."""
    if word and word not in _POLICIES:
        raise InvalidArgumentError(f"--fetch: {word!r} is none of {', '.join(_POLICIES)}")
    return _POLICIES.get(word)
