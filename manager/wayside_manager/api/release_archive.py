"""Looks at an uploaded artifact as a unit would: all of it, before it is published.

Usage: `check = ArchiveCheck("1.2.0")`, `check(file)`, then `check.manifest` and `check.config_schema`.
"""

from collections.abc import Iterator
from typing import BinaryIO

from wayside.errors import InvalidArgumentError
from wayside.release_manifest import NAME, Manifest
from wayside.release_reading import ReleaseReading, checked
from wayside_manager.core.published_schema import checked_schema


def stated_manifest(file: BinaryIO) -> Manifest:
    """What an archive says of itself; the rest of it is not read.

    Raises: InvalidArgumentError: it does not begin like a release.
    """
    reading = ReleaseReading(file)
    next(reading.entries(), None)
    return reading.manifest


class ArchiveCheck:
    """Looks at one archive, and keeps what a release is asked for later."""

    manifest: Manifest
    manifest_bytes: bytes

    def __init__(self, version: str) -> None:
        self._version = version
        self.config_schema = ""
        """JSON text. Empty: the archive has none, or was not looked at."""

    def __call__(self, file: BinaryIO) -> None:
        """Returns when the archive is a release of the version.

        Raises: InvalidArgumentError: it is none, or of another version, or its schema is no good.
        """
        try:
            reading = checked(file, self._problems)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(str(error), reason="NOT_A_RELEASE") from error
        self.manifest, self.manifest_bytes = reading.manifest, reading.manifest_bytes
        self.config_schema = checked_schema(reading.schema) if reading.schema else ""

    def _problems(self, manifest: Manifest) -> Iterator[str]:
        if manifest.version != self._version:
            yield (
                f"field version: the archive's {NAME} says {manifest.version[:80]!r}, the call {self._version!r}; "
                "publish it as what it is"
            )
