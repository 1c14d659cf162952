"""The nouns of `wayside`, each read when it is asked for: to read all of them takes longer than most commands."""

from collections.abc import Mapping
from importlib import import_module

from typer import Context
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

NOUNS = {
    "nodes": "nodes",
    "config": "config.app",
    "releases": "releases",
    "rollouts": "rollouts",
    "health": "health",
    "alarms": "alarms",
    "events": "events",
    "sinks": "sinks",
    "jobs": "jobs",
    "broadcasts": "broadcasts",
    "sites": "sites",
    "corridors": "corridors",
    "groups": "groups",
    "geofences": "geofences",
    "licences": "licences",
    "users": "users",
    "tenants": "tenants",
    "approvals": "approvals",
    "policy": "policy",
    "audit": "audit",
    "authorities": "authorities",
}
"""The modules below `wayside_manager.cli` whose `app` has the verbs."""


class Nouns(TyperGroup):
    """The commands of a program, and after them the nouns.

    Usage: `typer.Typer(cls=Nouns, …)`.
    """

    def __init__(self, *, commands: Mapping[str, TyperCommand], **attributes: object) -> None:
        super().__init__(commands={**commands, **{noun: TyperCommand(noun) for noun in NOUNS}}, **attributes)  # type: ignore[arg-type]  # passed through as they came
        self._unread = set(NOUNS)

    def get_command(self, ctx: Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]  # a command is one of both
        """The command or noun of this name."""
        if cmd_name in self._unread:
            noun = get_group(import_module(f"wayside_manager.cli.{NOUNS[cmd_name]}").app)
            noun.name = cmd_name
            self.commands[cmd_name] = noun
            self._unread.discard(cmd_name)
        return super().get_command(ctx, cmd_name)  # type: ignore[return-value]
