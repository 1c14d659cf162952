"""How long to wait before trying again: exponential, capped, with full jitter.

Full jitter spreads a fleet that lost the same peer at the same instant over the whole window.
Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
Usage: `await asyncio.sleep(delay_s(attempt, base_s=1.0, cap_s=60.0, rng=rng))`.
"""

from typing import Protocol

MAX_EXPONENT = 32  # beyond it every cap is reached; keeps the power small after weeks offline


MOST_TOLD_MS = 600_000  # a manager that names more is not believed: it spreads them over 450 s at most


class Rng(Protocol):
    """A source of chance, such as `random.Random`."""

    def random(self) -> float:
        """Uniform from 0 to below 1."""


def delay_s(attempt: int, *, base_s: float, cap_s: float, rng: Rng) -> float:
    """Seconds to wait, 0 to `min(cap_s, base_s * 2**attempt)`; `attempt` counts failures in a row from 0."""
    return min(cap_s, base_s * 2.0 ** min(max(attempt, 0), MAX_EXPONENT)) * rng.random()


def told_delay_s(milliseconds: str) -> float | None:
    """Seconds that the other side asks to wait, from its word; `None`: it is no number from 1 to `MOST_TOLD_MS`."""
    if not (milliseconds.isascii() and milliseconds.isdecimal()) or len(milliseconds) > len(str(MOST_TOLD_MS)):
        return None
    told_ms = int(milliseconds)
    return told_ms / 1000 if 0 < told_ms <= MOST_TOLD_MS else None
