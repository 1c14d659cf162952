"""The file of the configuration on a disk that hangs."""

import asyncio
import os
from pathlib import Path

import pytest

from wayside_agent.core.config_state import Config, ConfigState
from wayside_agent.drivers.config_file import ConfigFile
from wayside_agent.ports.errors import DeviceFaultError

STATE = ConfigState(committed=Config(7))


async def test_a_disk_that_hangs_is_a_fault_and_only_one_write_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "configuration.state"
    pipe = path.with_name(f".{path.name}.new")
    os.mkfifo(pipe)  # opening it for writing waits for a reader, as a disk that hangs would
    file = ConfigFile(path, save_timeout_s=0.05)
    for _ in range(3):
        with pytest.raises(DeviceFaultError, match=r"configuration\.state: the disk has not answered for 0\.05 s"):
            await file.save(STATE)
    reader = await asyncio.to_thread(os.open, pipe, os.O_RDONLY)
    try:
        pipe.unlink(missing_ok=True)  # the write that waited may have been here first
        while file.load() is None:  # the write before ends, badly, as a pipe has no fsync; the next one is a new one
            try:
                await file.save(STATE)
            except DeviceFaultError:
                await asyncio.sleep(0)
    finally:
        os.close(reader)
    assert file.load() == STATE
