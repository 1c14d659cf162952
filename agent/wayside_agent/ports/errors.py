"""How devices fail. Every driver and link raises only these, or `wayside.errors`.

DeviceError
+-- DeviceAbsentError     it is not there: no such interface, file, port
+-- DeviceTimeoutError    it is there and silent
+-- DeviceFaultError      it is there and broken, or speaks nonsense
+-- SourceEndedError      a recording has been played to its end
"""

import errno
from typing import ClassVar

from wayside.errors import WaysideError


class DeviceError(WaysideError):
    """A device cannot do its work; the message names it and the remedy."""

    default_reason: ClassVar[str] = "DEVICE"


class DeviceAbsentError(DeviceError):
    """It is not there."""

    default_reason = "DEVICE_ABSENT"


class DeviceTimeoutError(DeviceError):
    """It is there and silent."""

    default_reason = "DEVICE_TIMEOUT"


class DeviceFaultError(DeviceError):
    """It is there and broken."""

    default_reason = "DEVICE_FAULT"


class SourceEndedError(DeviceError):
    """A recording has been played to its end. Normal, not a fault."""

    default_reason = "SOURCE_ENDED"


class RestartRequestedError(Exception):
    """The process must end and be started again by its supervisor; state is durable. `app.py` makes it an exit code."""


DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when there is no room: disk, quota, file size limit."""
