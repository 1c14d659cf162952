"""What is opened and closed. `app.py` opens; constructors only store values. No method of any port blocks the loop."""

from types import TracebackType
from typing import Protocol, Self


class Opened(Protocol):
    """An async context manager; opening raises DeviceError."""

    async def __aenter__(self) -> Self:
        """Opens it."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it; never raises for a device that is gone."""
