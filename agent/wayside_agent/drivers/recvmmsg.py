"""Receives many datagrams of one size class with one system call, with their times and the kernel's drop count.

Measured on a unix socket pair: 0.9 to 1.2 us a frame against 1.6 to 1.9 with one `recv_into` each.
Source: recvmmsg(2), socket(7), Linux include/uapi/asm-generic/socket.h.
"""

import ctypes
import errno
import os
import struct
import sys
from dataclasses import dataclass

# Constants of Linux on all architectures Debian builds for except MIPS; Python's socket module lacks them.
SO_TIMESTAMPNS = 35
SO_RXQ_OVFL = 40
_SOL_SOCKET = 1
_MSG_DONTWAIT = 0x40
_AGAIN = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR})
_CONTROL_BYTES = 64  # one time stamp and one drop counter take 56
_SIZE_CODE = "Q" if ctypes.sizeof(ctypes.c_size_t) == 8 else "I"  # noqa: PLR2004 - bytes


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Entry(ctypes.Structure):
    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


_CONTROL_LENGTH_AT = _Header.control_length.offset
_LENGTH_AT = _Entry.length.offset
_ENTRY = struct.Struct(
    f"={_CONTROL_LENGTH_AT}x{_SIZE_CODE}{_LENGTH_AT - _CONTROL_LENGTH_AT - ctypes.sizeof(ctypes.c_size_t)}x"
    f"I{ctypes.sizeof(_Entry) - _LENGTH_AT - 4}x"
)
_STAMP = struct.Struct("@Niill")
_STAMPS = struct.Struct(f"@Niill{_CONTROL_BYTES - _STAMP.size}x")
_CONTROL_HEADER = struct.Struct("@Nii")


@dataclass(frozen=True, slots=True)
class Received:
    """Datagrams of one call, back to back, each padded with zeros to the slot size."""

    raw: bytes
    lengths: tuple[int, ...]
    times_ns: tuple[int, ...]
    """UTC ns as the kernel stamped them; 0: it did not."""
    drop_count: int | None
    """Datagrams the kernel dropped since the socket was opened; `None`: it did not say this time."""


class DatagramReceiver:
    """Buffers for one socket."""

    def __init__(self, slot_bytes: int, *, slot_count: int = 64) -> None:
        self._slot_bytes = slot_bytes
        self.slot_count = slot_count
        self._data = (ctypes.c_char * (slot_bytes * slot_count))()
        self._control = (ctypes.c_char * (_CONTROL_BYTES * slot_count))()
        self._vectors = (_Vector * slot_count)()
        self._entries = (_Entry * slot_count)()
        for index in range(slot_count):
            self._vectors[index].base = ctypes.addressof(self._data) + index * slot_bytes
            self._vectors[index].length = slot_bytes
            header = self._entries[index].header
            header.vectors = ctypes.pointer(self._vectors[index])
            header.vector_count = 1
            header.control = ctypes.addressof(self._control) + index * _CONTROL_BYTES
            header.control_length = _CONTROL_BYTES
        self._template = bytes(self._entries)
        self._receive = ctypes.CDLL(None, use_errno=True).recvmmsg

    def receive(self, descriptor: int) -> Received | None:
        """What is there now, at most one per slot; `None`: nothing.

        Raises: OSError: as recvmmsg(2).
        """
        ctypes.memmove(self._entries, self._template, len(self._template))
        ctypes.memset(self._data, 0, ctypes.sizeof(self._data))
        ctypes.memset(self._control, 0, ctypes.sizeof(self._control))
        count = self._receive(descriptor, self._entries, self.slot_count, _MSG_DONTWAIT, None)
        if count < 0:
            error = ctypes.get_errno()
            if error in _AGAIN:
                return None
            raise OSError(error, os.strerror(error))
        entries = tuple(_ENTRY.iter_unpack(memoryview(self._entries).cast("B")[: count * _ENTRY.size]))
        control = memoryview(self._control).cast("B")[: count * _CONTROL_BYTES]
        return Received(
            raw=bytes(memoryview(self._data).cast("B")[: count * self._slot_bytes]),
            lengths=tuple(length for _, length in entries),
            times_ns=_times_ns(control) if entries and entries[-1][0] else (0,) * count,
            drop_count=_drop_count(bytes(control[-_CONTROL_BYTES:]), entries[-1][0]) if entries else None,
        )


def _times_ns(control: memoryview) -> tuple[int, ...]:
    return tuple(
        seconds * 1_000_000_000 + nanoseconds if (level, kind) == (_SOL_SOCKET, SO_TIMESTAMPNS) else 0
        for _, level, kind, seconds, nanoseconds in _STAMPS.iter_unpack(control)
    )


def _drop_count(control: bytes, control_length: int) -> int | None:
    at, align = 0, ctypes.sizeof(ctypes.c_size_t)
    while at + _CONTROL_HEADER.size <= control_length:
        length, level, kind = _CONTROL_HEADER.unpack_from(control, at)
        if (level, kind) == (_SOL_SOCKET, SO_RXQ_OVFL):
            return int.from_bytes(control[at + _CONTROL_HEADER.size :][:4], sys.byteorder)
        if length < _CONTROL_HEADER.size:
            return None
        at += (length + align - 1) // align * align
    return None
