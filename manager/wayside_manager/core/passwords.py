"""What may be a password: long enough, and not the first thing anybody tries. No rules about kinds of characters.

Usage: `checked_password("correct horse battery", operator_id="ann")` returns the text to hash.
"""

import unicodedata
from itertools import pairwise

from wayside.errors import InvalidArgumentError

MIN_CHARS = 12  # this and the next: as access_service.proto says
MAX_CHARS = 256
_DISTINCT_MIN_COUNT = 5
_BESIDE_NAME_MIN_CHARS = 8
_STEPS = (-1, 0, 1)


def normal_password(password: str) -> str:
    """The same text however a keyboard composes its characters (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", password)


def checked_password(password: str, *, operator_id: str) -> str:
    """The normal form of a new password.

    Raises: InvalidArgumentError: too short, too long, or easily guessed: one's own name and little more, a repetition,
    or a row such as 123456789012.
    """
    if len(password) > MAX_CHARS or not MIN_CHARS <= len(normal := normal_password(password)) <= MAX_CHARS:
        raise InvalidArgumentError(
            f"password: give {MIN_CHARS} to {MAX_CHARS} characters, such as four words", reason="PASSWORD_LENGTH"
        )
    if _is_guessable(normal.casefold(), operator_id):
        raise InvalidArgumentError(
            "password: it is mostly your name, a repetition or a row; choose something nobody would try first",
            reason="PASSWORD_GUESSABLE",
        )
    return normal


def _is_guessable(password: str, operator_id: str) -> bool:
    steps = [ord(after) - ord(before) for before, after in pairwise(password)]
    return (
        len(password.replace(operator_id, "")) < _BESIDE_NAME_MIN_CHARS
        or len(set(password)) < _DISTINCT_MIN_COUNT
        or (password + password).find(password, 1) < len(password)  # the same again and again
        or sum(step in _STEPS for step in steps) * 4 >= len(steps) * 3
    )
