"""Watches the system clock for leaps: it is held against a clock that cannot be set.

A leap of more than a second is told and signing rests: messages signed with a wrong time are thrown away by everybody
who hears them, or believed when they should not be. It ends when the clock has run steadily for a while and, if a
better source is there, agrees with it.

    watch = ClockWatch().after(clock_s, mono_s, off_s=0.02)     # once a second or so
    watch.signing_rests, watch.jump_s

Source: C25 of the requirements ("time jump > 1 s raises alarm and stops signing").
"""

from dataclasses import dataclass

STEP_MAX_S = 1.0
"""A step by more is a leap; a leap second is not."""
STEADY_S = 60.0
"""How long it must run steadily after a leap."""
AGREED_S = 1.0
"""How near a better source it must be."""
DRIFT_RATIO = 5e-4
"""How far clocks may run apart without a step: 500 ppm, what the kernel slews by at most."""


@dataclass(frozen=True, slots=True)
class ClockWatch:
    """What is known of the clock's steps."""

    clock_s: float | None = None
    mono_s: float = 0.0
    jump_s: float = 0.0
    """The newest leap [s], ahead positive; 0: none that matters any more."""
    jump_mono_s: float = 0.0
    jump_count: int = 0
    """Leaps since the start."""

    @property
    def signing_rests(self) -> bool:
        """The time is not to be trusted."""
        return self.jump_s != 0.0

    def after(self, clock_s: float, mono_s: float, *, off_s: float | None) -> "ClockWatch":
        """The watch after one more look.

        Args:
            clock_s: The system clock, seconds since 1970.
            mono_s: A steady clock that runs on in a suspended computer.
            off_s: System clock minus a better source [s]; `None`: there is none.
        """
        if self.clock_s is None:
            return ClockWatch(clock_s, mono_s, jump_count=self.jump_count)
        passed_s = mono_s - self.mono_s
        step_s = (clock_s - self.clock_s) - passed_s
        if abs(step_s) > STEP_MAX_S + DRIFT_RATIO * abs(passed_s):
            return ClockWatch(clock_s, mono_s, step_s, mono_s, self.jump_count + 1)
        is_steady = mono_s - self.jump_mono_s >= STEADY_S
        is_agreed = off_s is None or abs(off_s) <= AGREED_S
        jump_s = 0.0 if is_steady and is_agreed else self.jump_s
        return ClockWatch(clock_s, mono_s, jump_s, self.jump_mono_s, self.jump_count)
