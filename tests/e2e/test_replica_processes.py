"""Two managers over one database, as processes: what is taken back at one ends what is open at the other."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.trust_stage import MakeUnit, until_connected, until_refused
from wayside_demo.centre import Centre
from wayside_demo.stage import BIN, PATIENCE, Program, run, until

PROMISE_S = 5.0


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """The first manager; its database is named, for others to share."""
    folder = tmp_path_factory.mktemp("centre")
    made = Centre(folder, folder)
    with (made.data / "manager.toml").open("a") as settings:
        settings.write(f'database_url = "sqlite:///{made.data / "manager.db"}"\n')
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def other(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a second manager over the same database."""
    folder = tmp_path_factory.mktemp("other")
    data = folder / "manager"
    shutil.copytree(centre.data, data, ignore=shutil.ignore_patterns("manager.db*", "lock", "run"))
    serve = ["serve", "--data", str(data), "--device-port", "0", "--operator-port", "0"]
    manager = Program("manager", [str(BIN / "wayside-manager"), *serve], folder)
    manager.start()
    try:
        until("the other manager listens", (data / "run" / "endpoints.json").exists, 30)
        yield data
    finally:
        manager.stop()


def test_what_is_taken_back_at_one_manager_is_cut_off_at_the_other(
    unit: MakeUnit, centre: Centre, other: Path, tmp_path: Path
) -> None:
    endpoints = json.loads((other / "run" / "endpoints.json").read_text())
    centre.wayside("users", "create", "vera", "--binding", "viewer@root")
    issued = centre.wayside("users", "token", "vera")
    (tmp_path / "token").write_text(issued["token"])
    context = tmp_path / "context.toml"
    lines = (f'address = "{endpoints["operator_address"]}"', f'ca_file = "{centre.data / "ca.pem"}"')
    context.write_text("\n".join((*lines, 'token_file = "token"\n')))
    watch = subprocess.Popen(
        [str(BIN / "wayside"), "nodes", "watch", "--output", "json"],
        env=os.environ | {"WAYSIDE_CONTEXT": str(context)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    rsu = unit("rsu-there")
    rsu.settings.write_text(rsu.settings.read_text().replace(centre.addresses[0], endpoints["device_address"]))
    rsu.agent.start()
    until_connected(rsu)
    assert watch.stdout is not None
    assert "rsu-there" in watch.stdout.readline()

    (credential,) = centre.wayside("users", "credentials", "vera")["credentials"]
    run([str(BIN / "wayside"), "users", "revoke", credential["name"]], environment=centre.environment)
    _, said = watch.communicate(timeout=PROMISE_S * PATIENCE)
    assert watch.returncode != 0
    assert "taken back" in said

    centre.wayside("nodes", "revoke", "rsu-there", "--yes")
    until_refused(rsu, "rsu-there", PROMISE_S)
