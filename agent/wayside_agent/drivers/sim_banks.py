"""Two banks and a boot record in one file, as a simulated device has them; power may fail within any write.

Layout: two boot records of 512 bytes, written in turns, each with a number and a CRC-32, so that a torn one leaves the
one before; then bank 0 and bank 1. A write that loses power leaves its first half and noise.

**Tested with:** power cuts at every write (`tests/contract/test_component_firmware.py`).
**Source:** our own.
"""

import struct
import zlib
from pathlib import Path

import msgspec

RECORD_BYTES = 512
_HEAD = struct.Struct("<IHI")
"""Number, length, CRC-32 of the number and the record."""


class PowerLostError(Exception):
    """The device went dark in the midst of a write."""


class Boot(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the boot loader knows."""

    bank: int = 0
    """That starts."""
    trial_starts: int = 0
    """Starts of the bank while it is on trial; 0: it is confirmed."""
    spare_is_whole: bool = False
    size_bytes: int = 0
    """Of the image that is written into the other bank."""
    sha256: str = ""
    written_bytes: int = 0

    @property
    def is_trial(self) -> bool:
        """Whether what starts was not confirmed yet."""
        return self.trial_starts > 0


class Banks:
    """The file. All of it blocks, briefly."""

    def __init__(self, path: Path, *, bank_bytes: int) -> None:
        self._path = path
        self.bank_bytes = bank_bytes
        self.write_count = 0
        """Writes since power came."""
        self.loses_power_at_write = 0
        """Power fails half way through this write, counted from 1; 0: never."""
        if not path.exists():
            path.write_bytes(bytes(2 * RECORD_BYTES + 2 * bank_bytes))

    def boot(self) -> Boot:
        """The newest whole record."""
        return self._newest()[1]

    def write_boot(self, boot: Boot) -> None:
        """Replaces the older record.

        Raises: PowerLostError.
        """
        number = self._newest()[0] + 1
        body = msgspec.json.encode(boot)
        head = _HEAD.pack(number, len(body), zlib.crc32(number.to_bytes(4, "little") + body))
        self._write_at(number % 2 * RECORD_BYTES, (head + body).ljust(RECORD_BYTES, b"\0"))

    def read(self, bank: int, count: int) -> bytes:
        """The first bytes of a bank."""
        with self._path.open("rb") as file:
            file.seek(self._begin(bank))
            return file.read(min(count, self.bank_bytes))

    def write(self, bank: int, offset: int, content: bytes) -> None:
        """Writes into a bank.

        Raises: PowerLostError.
        """
        self._write_at(self._begin(bank) + offset, content)

    def _begin(self, bank: int) -> int:
        return 2 * RECORD_BYTES + bank * self.bank_bytes

    def _newest(self) -> tuple[int, Boot]:
        with self._path.open("rb") as file:
            records = [self._record(file.read(RECORD_BYTES)) for _ in range(2)]
        return max(records, key=lambda record: record[0])

    def _record(self, content: bytes) -> tuple[int, Boot]:
        number, length, crc32 = _HEAD.unpack_from(content)
        body = content[_HEAD.size : _HEAD.size + length]
        if zlib.crc32(number.to_bytes(4, "little") + body) != crc32 or not body:
            return 0, Boot()
        return number, msgspec.json.decode(body, type=Boot)

    def _write_at(self, offset: int, content: bytes) -> None:
        self.write_count += 1
        is_torn = self.write_count == self.loses_power_at_write
        if is_torn:
            half = len(content) // 2
            content = content[:half] + b"\xff" * (len(content) - half)
        with self._path.open("r+b") as file:
            file.seek(offset)
            file.write(content)
        if is_torn:
            raise PowerLostError
