"""Questions before what cannot be taken back; scripts, which have no terminal, are never asked.

Usage: a parameter `yes: YesOption = False`, and `ask_first("Delete the site k12?", yes=yes)` before the call.
"""

import sys
from typing import Annotated

import typer

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def ask_first(question: str, *, yes: bool) -> None:
    """Returns if it was said beforehand, nobody is at the terminal, or the person there says yes.

    Raises: typer.Abort: the person says no.
    """
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True)
