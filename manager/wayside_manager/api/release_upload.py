"""Uploads of releases: what their first message may say, and the bytes after it.

Usage: `check_spec(spec, max_bytes=...)`, then `content(context)`; `drained(context)` before a refusal.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress

from wayside.errors import InvalidArgumentError, ResourceExhaustedError
from wayside.names import checked_version
from wayside.v1 import release_service_pb2
from wayside_manager.api.scopes import EOF, CallerLeftError, Context, received

CONTENT_MAX_BYTES = 1 << 20  # as release_service.proto says
NOTES_MAX_CHARS = 10_000
DRAIN_S = 10.0  # 100 MB at 100 Mbit/s

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def check_spec(spec: release_service_pb2.ReleaseSpec, *, max_bytes: int) -> None:
    """Returns if an artifact may be what the spec says.

    Raises: InvalidArgumentError: naming the field; ResourceExhaustedError: it is larger than `max_bytes`.
    """
    checked_version(spec.version, field="spec.version")
    if not _SHA256.match(spec.sha256):
        raise InvalidArgumentError("spec.sha256: give 64 lower-case hex digits")
    if spec.size_bytes < 1:
        raise InvalidArgumentError(f"spec.size_bytes: {spec.size_bytes} is not a size; give at least 1")
    if len(spec.notes) > NOTES_MAX_CHARS:
        raise InvalidArgumentError(f"spec.notes: give at most {NOTES_MAX_CHARS} characters")
    if spec.size_bytes > max_bytes:
        raise ResourceExhaustedError(
            f"spec.size_bytes: {spec.size_bytes} is more than this manager accepts, {max_bytes}; "
            "raise artifact_max_bytes in manager.toml or make the release smaller",
            reason="ARTIFACT_TOO_LARGE",
        )


async def drained(context: Context) -> None:
    """Lets a refused caller finish sending, for a while: one that still sends when the answer comes may not see it."""
    with suppress(TimeoutError, CallerLeftError):
        async with asyncio.timeout(DRAIN_S):
            while await received(context) is not EOF:
                pass


async def content(context: Context) -> AsyncIterator[bytes]:
    """The bytes of the artifact, as they come.

    Raises: InvalidArgumentError: another message, or too long a one.
    """
    while (request := await received(context)) is not EOF:
        if request.WhichOneof("message") != "content" or len(request.content) > CONTENT_MAX_BYTES:
            raise InvalidArgumentError(
                f"after the spec, an upload has messages of at most {CONTENT_MAX_BYTES} bytes", reason="UPLOAD_INVALID"
            )
        yield request.content
