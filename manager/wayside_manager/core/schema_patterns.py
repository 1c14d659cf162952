"""Regular expressions in published schemas: which ones come to an end soon, whatever they are matched with.

Python's matcher goes back and forth and holds up the whole process meanwhile, so a pattern is refused when repetition
is repeated without bound, as in `(a+)+`, or there is very much of it. What passes is matched with short texts only.
Usage: `fault_of(r"^[a-z]{1,32}$")` is empty, or says why not.
"""

import re
from collections.abc import Iterable
from re import _constants, _parser  # type: ignore[attr-defined]  # the only place that knows how Python reads a pattern
from typing import Any

LENGTH_MAX = 500
"""Characters of a pattern."""
TEXT_LENGTH_MAX = 4_096
"""Characters of a text that is matched; a longer one has not the form."""
_REPEATS_MAX = 16
"""Parts of one pattern that may be there a varying number of times; what the agent itself uses has eleven."""
_MANY = 64
_REPEATS = frozenset({_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT})


def fault_of(pattern: str) -> str:
    """Why a pattern is not taken. Empty: it is."""
    if len(pattern) > LENGTH_MAX:
        return f"it has more than {LENGTH_MAX} characters"
    try:
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as exc:
        return f"it is none: {exc}"
    repeats = list(_repeats(parsed, is_repeated=False))
    if any(repeats):
        return "it repeats what is itself repeated or a choice"
    if len(repeats) > _REPEATS_MAX:
        return f"more than {_REPEATS_MAX} of its parts vary in number"
    return ""


def _repeats(part: Any, *, is_repeated: bool) -> Iterable[bool]:  # noqa: ANN401  # as Python's parser makes it
    """Per repetition and choice in a parsed pattern, whether it lies in one that is repeated many times."""
    for code, argument in part:
        is_many = is_repeated
        if code in _REPEATS:
            low, high, _ = argument
            if low != high:
                yield is_repeated
                is_many = is_repeated or high > _MANY
        elif code is _constants.BRANCH and is_repeated:
            yield True
        for inner in _inner(argument):
            yield from _repeats(inner, is_repeated=is_many)


def _inner(argument: Any) -> Iterable[Any]:  # noqa: ANN401  # as above
    """The parts inside one part."""
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for each in argument:
            yield from _inner(each)
