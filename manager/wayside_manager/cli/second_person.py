"""What to tell a person whose command waits for a second one: who must agree to what, and the command to repeat then.

Usage: `told(error, sys.argv[1:])`.
"""

import shlex
from collections.abc import Iterator, Sequence

from wayside.errors import WaysideError

OPTION = "--approval"


def told(error: WaysideError, arguments: Sequence[str]) -> str:
    """The sentence for an error; for one that asks for an approval, with the exact command to repeat."""
    approval = error.metadata.get("approval", "")
    if error.reason != "APPROVAL_REQUIRED" or not approval:
        return error.message
    command = shlex.join(["wayside", OPTION, approval, *_without_approval(arguments)])
    return f"{error.message.partition(';')[0]}; once somebody else has granted {approval}, repeat: {command}"


def _without_approval(arguments: Sequence[str]) -> Iterator[str]:
    rest = iter(arguments)
    for argument in rest:
        if argument == OPTION:
            next(rest, "")
        elif not argument.startswith(f"{OPTION}="):
            yield argument
