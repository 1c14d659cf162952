"""How long to wait before trying again: exponential, capped, with full jitter.

Full jitter spreads a fleet that lost the same peer at the same instant over the whole window.
Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
Usage: `await asyncio.sleep(delay_s(attempt, base_s=1.0, cap_s=60.0, rng=rng))`.
"""

from typing import Protocol

MAX_EXPONENT = 32  # beyond it every cap is reached; keeps the power small after weeks offline


class Rng(Protocol):
    """A source of chance, such as `random.Random`."""

    def random(self) -> float:
        """Uniform from 0 to below 1."""


def delay_s(attempt: int, *, base_s: float, cap_s: float, rng: Rng) -> float:
    """Seconds to wait, 0 to `min(cap_s, base_s * 2**attempt)`; `attempt` counts failures in a row from 0."""
    return min(cap_s, base_s * 2.0 ** min(max(attempt, 0), MAX_EXPONENT)) * rng.random()
