"""What a delta between two releases is: a `.tar.xz` that leads from one list of files to another.

    index = parsed(content)      # of `delta.json`, its first entry

Entries, in this order: `delta.json`, `release.json` of the new release, then for every file that is not kept, in the
order of the index, `patch/{number}` (detools' sequential format, uncompressed: the archive compresses) or
`whole/{number}`; the number is the file's place in the index.
Nothing of a delta is trusted: what it leads to must be the tree that people signed.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wayside.errors import InvalidArgumentError
from wayside.release_entries import MAX_ENTRY_COUNT
from wayside.release_manifest import Count, Sha256

FORMAT = 1
INDEX_NAME = "delta.json"
MAX_INDEX_BYTES = 8 * 1024 * 1024
DICTIONARY_BYTES = 8 * 1024 * 1024
"""Of the compression; a unit needs about as much memory to read it."""


class DeltaFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the new release."""

    name: Annotated[str, Meta(min_length=1, max_length=240)]
    size_bytes: Count
    sha256: Sha256
    how: Literal["keep", "patch", "whole"]
    base: Annotated[str, Meta(max_length=240)] = ""
    """File of the old release it is kept or patched from; empty: of the same name."""


class DeltaIndex(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every file of the new release, sorted by name."""

    format: Annotated[int, Meta(ge=FORMAT, le=FORMAT)]
    base_tree_sha256: Sha256
    tree_sha256: Sha256
    files: Annotated[tuple[DeltaFile, ...], Meta(min_length=1, max_length=MAX_ENTRY_COUNT)]


def parsed(content: bytes) -> DeltaIndex:
    """The index in these bytes.

    Raises: InvalidArgumentError: naming the field.
    """
    if len(content) > MAX_INDEX_BYTES:
        raise refused(f"{INDEX_NAME} has more than {MAX_INDEX_BYTES} bytes")
    try:
        return msgspec.json.decode(content, type=DeltaIndex)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise refused(f"{INDEX_NAME}: {str(error)[:200]}") from error


def refused(why: str) -> InvalidArgumentError:
    """The error for a delta that is damaged, hostile, or for something else."""
    return InvalidArgumentError(f"delta refused: {why}", reason="DELTA")
