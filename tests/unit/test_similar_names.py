"""Which old file a renamed one is patched from."""

import pytest

from wayside.release_tree import TreeFile
from wayside_manager.core.similar_names import SimilarNames

OLD = SimilarNames(
    TreeFile(name, size_bytes, "0" * 64)
    for name, size_bytes in (
        ("site/lib/libarrow.so.1600", 45_000),
        ("site/other/libarrow.so.1600", 44_000),
        ("site/libs/libavcodec-402e4b05.so.59.37.100", 13_000),
        ("payload/lib/modules/6.1.0-55-cloud-amd64/kernel/fs/ext4.ko", 900),
        ("payload/lib/modules/6.1.0-55-cloud-amd64/kernel/net/ext4.ko", 800),
        ("site/a-1.dist-info/RECORD", 70),
        ("site/b-1.dist-info/RECORD", 50),
    )
)


@pytest.mark.parametrize(
    ("name", "size_bytes", "base"),
    [
        ("site/lib/libarrow.so.1700", 44_000, "site/lib/libarrow.so.1600"),
        ("site/libs/libavcodec-aad9fb2d.so.59.37.100", 14_000, "site/libs/libavcodec-402e4b05.so.59.37.100"),
        (
            "payload/lib/modules/6.1.0-56-cloud-amd64/kernel/fs/ext4.ko",
            800,
            "payload/lib/modules/6.1.0-55-cloud-amd64/kernel/fs/ext4.ko",
        ),
        ("site/moved/libarrow.so.1700", 44_100, "site/other/libarrow.so.1600"),
        ("site/c-2.dist-info/RECORD", 55, "site/b-1.dist-info/RECORD"),
        ("site/quite/another.py", 55, ""),
    ],
    ids=["version", "hash", "folder", "moved", "nearest", "none"],
)
def test_a_renamed_file_finds_what_it_was(name: str, size_bytes: int, base: str) -> None:
    found = OLD.best(name, size_bytes)
    assert (found.name if found else "") == base
