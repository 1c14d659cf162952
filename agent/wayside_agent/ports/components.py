"""Parts of a unit that a release may replace beside the agent: a root file system, a radio's firmware, a map."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

Progress = Callable[[float], None]
"""Takes how far it is, 0 to 1, never falling. Called on the event loop, cheap."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The bytes of a component, as people signed them; verified before a driver sees them."""

    path: Path
    """A plain file, durable, that nobody writes to any more."""
    version: str
    """As the release says."""


class Activation(StrEnum):
    """When what was activated runs."""

    AT_ONCE = "AT_ONCE"
    AT_BOOT = "AT_BOOT"  # the machine must be restarted, not only the agent


class ComponentDriver(Protocol):
    """One part. Every method may be called again after a power cut, and then ends as if it had been called once.

    All of them raise DeviceAbsentError (it is not there), DeviceTimeoutError (it is silent), DeviceFaultError (it is
    broken, or refuses), each with the remedy; a cancelled call leaves what a power cut at that instant leaves.
    """

    @property
    def kind(self) -> str:
        """What payloads it takes: the `driver` a release names, such as `firmware`."""

    @property
    def takes_effect(self) -> Activation:
        """When what is activated runs, as far as the settings say."""

    async def version(self) -> str:
        """Version that runs now; empty: none, or nobody knows. Changes nothing."""

    async def precheck(self, payload: Payload) -> None:
        """Finds out what can be found out before anything is written. Changes nothing.

        Raises: FailedPreconditionError: it can never be installed here: another hardware, a damaged image.
            ResourceExhaustedError: no room.
        """

    async def install(self, payload: Payload, progress: Progress) -> None:
        """Writes it where it does not run. Afterwards it is durable and checked by whoever will start it.

        A power cut at any instant leaves what ran before running, also after the next start of the machine.
        Raises: FailedPreconditionError: as `precheck`. ResourceExhaustedError: no room.
        """

    async def activate(self) -> Activation:
        """Makes what was installed run, on trial.

        A power cut at any instant leaves the old or the new one running, whole. Where the part has a boot loader of its
        own, a new one that is never confirmed is left again at the part's next start but one.
        Raises: FailedPreconditionError: nothing complete is installed.
        """

    async def confirm(self) -> None:
        """Ends the trial: what runs stays. Nothing on trial is no error.

        A power cut at any instant leaves it on trial or confirmed.
        """

    async def revert(self) -> Activation:
        """Makes what ran before the last `activate` run again, and gives up what was installed.

        Nothing installed or on trial is no error; what was confirmed stays. A power cut at any instant leaves the one
        or the other running, whole.
        """
