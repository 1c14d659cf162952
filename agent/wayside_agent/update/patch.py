"""Applies a patch in detools' sequential format, uncompressed, in a few hundred kilobytes of memory.

    apply_patch(base, patch, out.write, size_bytes=131_205_120)

The reference in tests is detools itself; it is not on the unit because it brings 30 MB of compressors with it.
**Source:** detools 0.53, "sequential patch file format": header, then turns of diff, extra and adjustment.
"""

import os
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import IO, BinaryIO

from wayside.release_delta import refused

Write = Callable[[bytes], object]
"""Takes the next bytes of the new file."""

CHUNK_BYTES = 64 * 1024
MAX_NUMBER_BYTES = 9
"""Of a packed number: 62 bits."""
_SEQUENTIAL_UNCOMPRESSED = 0x00
_MORE, _NEGATIVE = 0x80, 0x40
_LOW = int.from_bytes(b"\x7f" * CHUNK_BYTES, "little")
_HIGH = int.from_bytes(b"\x80" * CHUNK_BYTES, "little")


def apply_patch(base: BinaryIO, patch: IO[bytes], write: Write, *, size_bytes: int) -> None:
    """Writes the new file; `size_bytes` is what it must have.

    Raises: InvalidArgumentError: the patch is damaged, or for another file. OSError.
    """
    _check_header(patch, size_bytes)
    left_bytes, base_offset = size_bytes, 0
    while left_bytes:  # ends: every turn takes at least three bytes of the patch
        diff_bytes = _length(patch, left_bytes)
        if diff_bytes:
            _add(base, base_offset, patch, diff_bytes, write)
        extra_bytes = _length(patch, left_bytes - diff_bytes)
        for size in _chunks(extra_bytes):
            write(_exactly(patch, size))
        left_bytes -= diff_bytes + extra_bytes
        base_offset += diff_bytes + _number(patch)
    if patch.read(1):
        raise refused("there is more of it than it needs")


def _check_header(patch: IO[bytes], size_bytes: int) -> None:
    if _exactly(patch, 1)[0] != _SEQUENTIAL_UNCOMPRESSED:
        raise refused("it is no sequential patch")
    stated_bytes = _number(patch)
    if stated_bytes != size_bytes:
        raise refused(f"it makes {stated_bytes} bytes, expected are {size_bytes}")
    if size_bytes and _number(patch) != 0:
        raise refused("it uses a data format that units do not read")


def _add(base: BinaryIO, offset: int, patch: IO[bytes], size_bytes: int, write: Write) -> None:
    """Writes a stretch of the old file with the patch's differences added."""
    if not 0 <= offset <= base.seek(0, os.SEEK_END) - size_bytes:
        raise refused("it reads beyond the old file")
    base.seek(offset)
    for size in _chunks(size_bytes):
        write(_sum(_exactly(patch, size), _exactly(base, size)))


def _sum(patch: bytes, base: bytes) -> bytes:
    """Byte-wise sum modulo 256; whole chunks at a time, as one number each."""
    if patch.count(0) == len(patch):
        return base
    first, second = int.from_bytes(patch, "little"), int.from_bytes(base, "little")
    total = ((first & _LOW) + (second & _LOW)) ^ ((first ^ second) & _HIGH)
    return total.to_bytes(len(patch), "little")


def _chunks(size_bytes: int) -> Iterator[int]:
    whole, rest = divmod(size_bytes, CHUNK_BYTES)
    yield from repeat(CHUNK_BYTES, whole)
    if rest:
        yield rest


def _length(patch: IO[bytes], most_bytes: int) -> int:
    length = _number(patch)
    if not 0 <= length <= most_bytes:
        raise refused(f"it has a part of {length} bytes where at most {most_bytes} fit")
    return length


def _number(patch: IO[bytes]) -> int:
    """A packed number: sign and 6 bits, then 7 bits each, least significant first."""
    byte = _exactly(patch, 1)[0]
    is_negative, value, offset = byte & _NEGATIVE, byte & 0x3F, 6
    for _ in range(MAX_NUMBER_BYTES):
        if not byte & _MORE:
            return -value if is_negative else value
        byte = _exactly(patch, 1)[0]
        value |= (byte & 0x7F) << offset
        offset += 7
    raise refused("it has a number that does not end")


def _exactly(file: IO[bytes], size_bytes: int) -> bytes:
    content = file.read(size_bytes)
    if len(content) != size_bytes:
        raise refused("it ends too early")
    return content
