"""Whether the kernel's clock is synchronised, from adjtimex(2): for units without chrony.

Source: Linux include/uapi/linux/timex.h; adjtimex(2).
"""

import ctypes

_TIME_ERROR = 5
_STA_UNSYNC = 0x0040


class _Timex(ctypes.Structure):
    """The start of `struct timex`; the kernel writes more than we read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def is_synchronized() -> bool | None:
    """Whether some program disciplines the clock; `None` if the kernel does not say."""
    timex = _Timex()  # modes 0: read only
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    return state != _TIME_ERROR and not timex.status & _STA_UNSYNC
