"""Revisions of the message set. The field speaks several: every message is read and written under one of them."""

from enum import StrEnum


class Profile(StrEnum):
    """What a radio speaks."""

    R19 = "r19"
    """The revision of 2019 (interoperability tests "four layers", and RSUs of that time)."""
    P20 = "p20"
    """YD/T 3709-2020 ("new four layers")."""
