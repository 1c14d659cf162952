"""The highest value of late, in two numbers.

recent = RecentMax().after(0.2, mono_s=10.0)
recent.value(30.0)          # 0.2, for one to two windows
"""

from dataclasses import dataclass

WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class RecentMax:
    """The highest value of the window under way and of the one before."""

    window: int = 0
    now: float | None = None
    before: float | None = None

    def after(self, value: float, mono_s: float) -> "RecentMax":
        """The same after one more value; `mono_s` is a steady clock [s]."""
        shifted = self._shifted(mono_s)
        return RecentMax(shifted.window, value if shifted.now is None else max(shifted.now, value), shifted.before)

    def value(self, mono_s: float) -> float | None:
        """The highest; `None`: there was none of late."""
        shifted = self._shifted(mono_s)
        return max((each for each in (shifted.now, shifted.before) if each is not None), default=None)

    def _shifted(self, mono_s: float) -> "RecentMax":
        window = int(mono_s // WINDOW_S)
        if window == self.window:
            return self
        return RecentMax(window, None, self.now if window == self.window + 1 else None)
