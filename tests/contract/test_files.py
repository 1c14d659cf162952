"""Small durable files: whole or not at all, checked when read."""

import logging
import resource
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from wayside.errors import ResourceExhaustedError
from wayside_agent.drivers.files import StateFile, make_private_directory, write_atomic
from wayside_agent.ports.errors import DeviceFaultError


class Desired(msgspec.Struct, frozen=True):
    revision: int
    release: str = ""
    config: bytes = b""


DESIRED = Desired(7, "1.2.0", b"\x00\xff")
WRITER = """
import os, sys
from pathlib import Path
from wayside_agent.drivers.files import StateFile
state = StateFile(Path(sys.argv[1]), dict[str, int])
revision = (state.load() or {"revision": 0})["revision"]
while True:
    revision += 1
    state.save({"revision": revision})
    os.write(1, b"%d\\n" % revision)
"""


def test_a_document_comes_back(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "desired", Desired)
    assert state.load() is None
    state.save(DESIRED)
    assert StateFile(tmp_path / "desired", Desired).load() == DESIRED
    state.save(Desired(8))
    assert state.load() == Desired(8)
    state.remove()
    assert state.load() is None
    state.remove()


def test_files_and_directories_are_private(tmp_path: Path) -> None:
    make_private_directory(tmp_path / "a" / "b")
    make_private_directory(tmp_path / "a" / "b")
    StateFile(tmp_path / "a" / "b" / "desired", Desired).save(DESIRED)
    write_atomic(tmp_path / "a" / "readable", b"x", mode=0o644)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b" / "desired").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a" / "readable").stat().st_mode & 0o777 == 0o644


def test_a_document_damaged_at_any_byte_is_moved_aside_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "desired"
    state = StateFile(path, Desired)
    state.save(DESIRED)
    whole = path.read_bytes()
    for index in range(len(whole)):
        caplog.clear()
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 0x55]) + whole[index + 1 :])
        assert state.load() is None
        (said,) = caplog.records
        assert said.levelno == logging.WARNING
        assert f"moved to desired.corrupt-{index + 1}, continuing with defaults" in said.message
    assert len(list(tmp_path.glob("desired.corrupt-*"))) == len(whole)


def test_a_document_cut_at_any_byte_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "desired"
    state = StateFile(path, Desired)
    state.save(DESIRED)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert state.load() is None
        assert not path.exists()


def test_a_document_of_another_version_or_kind_is_moved_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    StateFile(tmp_path / "desired", Desired, version=1).save(DESIRED)
    assert StateFile(tmp_path / "desired", Desired, version=2).load() is None
    StateFile(tmp_path / "desired", dict[str, int]).save({"revision": 1})
    assert StateFile(tmp_path / "desired", list[str]).load() is None
    assert "it has version 1, this agent reads version 2" in caplog.text
    assert "Expected `array`" in caplog.text


def test_a_write_on_a_full_disk_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(ResourceExhaustedError, match=r"file: disk full while writing 1000 bytes; free space"):
            write_atomic(path, bytes(1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_is_not_there_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(DeviceFaultError, match="No such file or directory"):
        write_atomic(tmp_path / "no" / "file", b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DeviceFaultError, match="cannot make the directory"):
        make_private_directory(tmp_path / "file" / "directory")
    with pytest.raises(DeviceFaultError, match="cannot be read"):
        StateFile(tmp_path / "file" / "state", Desired).load()


def test_kill_at_any_moment_leaves_the_last_document_or_the_next(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved = 0
    for line_count in range(1, 13):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "state")], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(line_count)]
            writer.kill()
            lines += writer.stdout.readlines()
        last = int(lines[-1])
        assert last == saved + len(lines)
        found = StateFile(tmp_path / "state", dict[str, int]).load()
        assert found in ({"revision": last}, {"revision": last + 1})
        saved = found["revision"]
    assert caplog.records == []
    assert {path.name for path in tmp_path.iterdir()} <= {"state", ".state.new"}
