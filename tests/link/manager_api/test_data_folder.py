"""The data folder of a manager: one process at a time, and sentences where it cannot be used."""

import asyncio
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.cli.manager import app
from wayside_manager.settings import DataFolder, Settings, held, write_whole

ANY_PORT = Settings(device_port=0, operator_port=0)


async def test_a_second_manager_on_a_folder_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, ANY_PORT)
    async with running(folder, ANY_PORT):
        with pytest.raises(FailedPreconditionError, match="is in use by another manager; stop it"):
            async with running(folder, ANY_PORT):
                pytest.fail("two managers on one folder")
        assert folder.endpoints.exists()
    async with running(folder, ANY_PORT):  # and it is free again
        assert folder.endpoints.exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidArgumentError, match=r"absent/lock cannot be opened"),
        held(DataFolder(tmp_path / "absent")),
    ):
        pytest.fail("held nothing")


def test_a_file_that_cannot_be_written_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match=r"/proc/wayside/key\.pem cannot be written: "):
        write_whole(Path("/proc/wayside/key.pem"), "secret", is_secret=True)


async def test_a_copy_of_a_data_folder_serves_by_itself(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, ANY_PORT)
    copied = Path(shutil.copytree(folder.path, tmp_path / "copy"))
    async with running(folder, ANY_PORT), running(DataFolder(copied), ANY_PORT) as second:
        assert second.device_address


def test_migrate_brings_a_shared_database_up_to_date(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "manager")
    asyncio.run(initialise(folder, ANY_PORT))
    shared = tmp_path / "shared.db"
    folder.settings.write_text(folder.settings.read_text() + f'database_url = "sqlite:///{shared}"\n')
    migrated = CliRunner().invoke(app, ["migrate", "--data", str(folder.path)])
    assert migrated.exit_code == 0, migrated.output
    assert shared.stat().st_size > 0
