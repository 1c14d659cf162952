"""Whether an MF4 file is whole: every block it links to lies inside it. Blocking: for a thread.

asammdf leaves files open when it stumbles over one that was cut off; this finds out first. The data block of an
unfinished file (loggers that are switched off write such ones) has no length: there nothing tells a cut from the end,
and what is there is played.

Tested with: recordings of CANedge loggers (unfinished) and of python-can (whole), cut at many places.
Source: ASAM MDF 4.1, 4.2 (block header: id, reserved, length, link count, links; identification block of 64 byte).
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct("<4s4xQQ")
_IDENTIFICATION_BYTES = 64
_WHOLE = b"MDF     "
_UNFINISHED = b"UnFinMF "  # its last data block says length 24, a header without data; asammdf repairs it
_MAX_LINKS = 100_000
_MAX_BLOCKS = 1_000_000


def mf4_damage(path: Path) -> str | None:
    """What is wrong with the file, or `None`.

    Raises: OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        identification = file.read(_IDENTIFICATION_BYTES)
        if identification[:8] not in {_WHOLE, _UNFINISHED} or identification[8:9] != b"4":
            return "it does not begin as an MDF 4 file"
        return _blocks_damage(file, size_bytes)


def _blocks_damage(file: BinaryIO, size_bytes: int) -> str | None:
    waiting = [_IDENTIFICATION_BYTES]
    seen = {0, *waiting}
    while waiting:
        at = waiting.pop()
        file.seek(at)
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return f"it ends at byte {size_bytes}, but a block begins at byte {at}"
        name, length, link_count = _HEADER.unpack(header)
        if not name.startswith(b"##") or link_count > _MAX_LINKS or len(seen) > _MAX_BLOCKS:
            return f"there is no block at byte {at}"
        if at + length > size_bytes:
            return f"it ends at byte {size_bytes}, but a block reaches to byte {at + length}"
        links = file.read(8 * link_count)
        for (link,) in struct.iter_unpack("<q", links[: len(links) // 8 * 8]):
            if link not in seen:
                if link < 0:
                    return f"the block at byte {at} links to nowhere"
                seen.add(link)
                waiting.append(link)
    return None
