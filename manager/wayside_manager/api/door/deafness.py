"""Lets a listening socket not hear of some sources: the kernel drops their packets, which costs this process nothing.

Source: Linux, Documentation/networking/filter.rst. Anyone may attach a filter to a socket of his own.
Usage: `ignore(listener, ["10.0.0.5"])`; `hear_everybody(listener)`.
"""

import contextlib
import ctypes
import socket
import struct
from collections.abc import Sequence

from wayside_manager.core.packet_filter import INSTRUCTION_BYTES, dropping

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27  # not in Python's socket module


def ignore(listener: socket.socket, sources: Sequence[str]) -> None:
    """Drops new connections of the sources, and of no others, from now on.

    Raises: OSError: this kernel does not.
    """
    program = dropping(sources)
    held = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: how many instructions, and where they are; the kernel copies them
    where = struct.pack("@HP", len(program) // INSTRUCTION_BYTES, ctypes.addressof(held))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, where)


def hear_everybody(connection: socket.socket) -> None:
    """Takes the filter away, if there is one; a connection inherits that of its listener."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
