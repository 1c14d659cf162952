"""What `wayside` loads for every command: each pays for it."""

import subprocess
import sys

import pytest

PROGRAM = "import sys, wayside_manager.cli.operator; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


@pytest.mark.parametrize("library", ["alembic", "jsonschema", "numpy", "shapely", "sqlalchemy"])
def test_the_command_line_loads_no_library_that_only_the_manager_needs(library: str, loaded: set[str]) -> None:
    assert "typer" in loaded
    assert library not in loaded


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
