"""Receivers that count weeks in ten bits begin anew every 1,024 weeks and then tell dates 19.6 years in the past.

A receiver whose firmware knows only one of those epochs goes wrong at its end (6 April 2019 for many), whatever the
satellites say. What is certainly over (`floor`) shows it, and by how many epochs.
Usage: `rolled_over(told, floor)`: `None`, or the date it must mean.
Source: IS-GPS-200, 20.3.3.3.1.1 (week number modulo 1024).
"""

from datetime import datetime, timedelta

EPOCH = timedelta(weeks=1024)
EPOCHS_MAX = 3
"""More than 58 years back is no roll-over but nonsense."""
TOLERANCE = timedelta(days=1)
"""A receiver may be so far behind what is certainly over without having rolled over: clocks and logs differ."""


def rolled_over(told: datetime, floor: datetime) -> datetime | None:
    """The first date not before `floor` that a receiver with a short week counter could mean; `None`: it needs none.

    Also `None` when more than three epochs are missing. Both times aware.
    """
    if told >= floor - TOLERANCE:
        return None
    for count in range(1, EPOCHS_MAX + 1):
        meant = told + count * EPOCH
        if meant >= floor - TOLERANCE:
            return meant
    return None
