"""Which file of an old release became a file of the new one, though its name changed.

Libraries carry versions and hashes in their names (`libarrow.so.1600`, `libavcodec-402e4b05.so.59`), kernels in their
folders: most of a release would be sent whole if only equal names were patched from each other.
Usage: `base_for = SimilarNames(old_files_that_are_gone)`, `base_for.best("site/lib/libarrow.so.1700", 45_000_000)`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from wayside.release_tree import TreeFile

_CHANGING = re.compile(r"[0-9a-f.]*\d[0-9a-f.]*")
"""Numbers and hexadecimal hashes, with the dots between them."""


class SimilarNames:
    """Files by what is left of their names without versions and hashes."""

    def __init__(self, files: Iterable[TreeFile]) -> None:
        self._by_path: defaultdict[str, list[TreeFile]] = defaultdict(list)
        self._by_name: defaultdict[str, list[TreeFile]] = defaultdict(list)
        for file in files:
            self._by_path[_plain(file.name)].append(file)
            self._by_name[_plain(_last(file.name))].append(file)

    def best(self, name: str, size_bytes: int) -> TreeFile | None:
        """The file likeliest to be an older one of this: in a folder of the same kind first, of the nearest size."""
        alike = self._by_path.get(_plain(name)) or self._by_name.get(_plain(_last(name))) or []
        return min(alike, key=lambda file: (abs(file.size_bytes - size_bytes), file.name), default=None)


def _plain(name: str) -> str:
    return _CHANGING.sub("#", name)


def _last(name: str) -> str:
    return name.rpartition("/")[2]
