"""What the programs load at every start: each command pays for it."""

import subprocess
import sys

import pytest

PROGRAM = "import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"


@pytest.mark.parametrize("library", ["alembic", "jsonschema", "numpy", "shapely", "sqlalchemy"])
def test_the_command_line_loads_no_library_that_only_the_manager_needs(library: str, loaded: set[str]) -> None:
    assert "typer" in loaded
    assert library not in loaded


def test_a_manager_loads_nothing_that_only_a_migration_needs() -> None:
    found = _loaded_with("wayside_manager.cli.manager")
    assert "sqlalchemy" in found
    assert not found & {"alembic", "mako", "pygments"}


def test_a_command_reads_no_other_nouns_than_its_own() -> None:
    program = """
import sys
from wayside_manager.cli.operator import app
try:
    app(["tenants", "list", "--context", "/nowhere"])
except SystemExit:
    print(*(name for name in sys.modules if name.startswith("wayside_manager.cli.")))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "wayside_manager.cli.tenants" in told
    assert not set(told) & {f"wayside_manager.cli.{noun}" for noun in ("audit", "jobs", "nodes", "releases")}


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return _loaded_with("wayside_manager.cli.operator")


def _loaded_with(module: str) -> set[str]:
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
