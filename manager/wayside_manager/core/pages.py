"""Pages of lists: a token says where the next page starts and which question it belongs to (AIP-158).

Usage: `token = page_token("nodes|site=g98", ("rsu-1",))`; `position(token, "nodes|site=g98") == ("rsu-1",)`.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Generic, TypeVar

from wayside.errors import InvalidArgumentError

T = TypeVar("T")
DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1_000
_TOKEN_MAX_CHARS = 1_000  # the longest sort key has some 150 characters


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list."""

    items: tuple[T, ...]
    next_page_token: str = ""
    """Empty: this was the last."""


def checked_page_size(page_size: int) -> int:
    """How many items to return: 0 means 100, more than 1,000 means 1,000.

    Raises: InvalidArgumentError: it is negative.
    """
    if page_size < 0:
        raise InvalidArgumentError(f"page_size: {page_size} is negative; use 0 to 1000", reason="PAGE_SIZE_INVALID")
    return min(page_size, MAX_PAGE_SIZE) or DEFAULT_PAGE_SIZE


def page_token(question: str, last: tuple[str | int, ...]) -> str:
    """A token that continues behind the sort key `last`, only for the same question."""
    text = json.dumps([_digest(question), *last], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def position(token: str, question: str, *, types: tuple[type, ...] = (str,)) -> tuple[str | int, ...] | None:
    """The sort key to continue behind; `None` at the start.

    Raises: InvalidArgumentError: the token is not one of ours, or of another question.
    """
    if not token:
        return None
    if len(token) > _TOKEN_MAX_CHARS:
        raise _invalid()
    try:
        digest, *last = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, TypeError):
        raise _invalid() from None
    if digest != _digest(question) or [type(part) for part in last] != list(types) or not all(map(_is_storable, last)):
        raise _invalid()
    return tuple(last)


def _is_storable(part: str | int) -> bool:
    """Whether a database can compare with it: a token may be forged."""
    if isinstance(part, int):
        return -(2**63) <= part < 2**63
    return not any("\ud800" <= letter <= "\udfff" for letter in part)


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:16]


def _invalid() -> InvalidArgumentError:
    return InvalidArgumentError(
        "page_token: it is not from the page before with the same filter; start again without a token",
        reason="PAGE_TOKEN_INVALID",
    )
