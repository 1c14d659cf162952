"""What `make sbom` writes is what the locks say, and the same every time."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
BUILD_TIMEOUT_S = 120.0
PARTS = ("agent", "manager")


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    """Skips where the tools are neither in uv's cache nor to be had."""
    command = ["uv", "run", "--quiet", "--isolated", "--no-project", "--with-requirements", "packaging/sbom/tools.txt"]
    tried = subprocess.run(
        [*command, "--", "python", "-c", "import cyclonedx"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"the tools of make sbom cannot be had here: {tried.stderr.strip()[-200:]}")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built(tmp_path_factory.mktemp("lists"))


def _built(folder: Path) -> Path:
    command = ["sh", "packaging/sbom/build.sh", str(folder)]
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, timeout=BUILD_TIMEOUT_S)
    return folder


def _locked(part: str) -> dict[str, set[str]]:
    """`name==version` and the hashes of each package of a lock; read in another way than the tool reads it."""
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / "requirements" / f"{part}.txt").read_text(), flags=re.MULTILINE)
    return {entry.split()[0]: set(re.findall(r"sha256:([0-9a-f]{64})", entry)) for entry in entries if entry}


@pytest.mark.parametrize("part", PARTS)
def test_every_locked_package_is_in_the_document_with_its_hashes_and_no_other(part: str, lists: Path) -> None:
    document = json.loads((lists / f"wayside-{part}.cdx.json").read_text())
    listed = {
        f"{component['name']}=={component['version']}": {digest["content"] for digest in component["hashes"]}
        for component in document["components"]
        if "purl" in component
    }
    assert listed == _locked(part)
    own = {component["name"] for component in document["components"] if "purl" not in component}
    assert own == {"wayside-proto"}
    assert document["metadata"]["component"]["name"] == f"wayside-{part}"


@pytest.mark.parametrize("part", PARTS)
def test_what_depends_on_what_reaches_every_required_package(part: str, lists: Path) -> None:
    document = json.loads((lists / f"wayside-{part}.cdx.json").read_text())
    edges = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    reached = {document["metadata"]["component"]["bom-ref"]}
    waiting = list(reached)
    while waiting:
        fresh = set(edges[waiting.pop()]) - reached
        reached |= fresh
        waiting += fresh
    required = {c["bom-ref"] for c in document["components"] if c.get("scope") != "excluded"}
    assert required <= reached


@pytest.mark.parametrize("part", PARTS)
def test_every_package_has_a_line_in_the_licence_list_and_those_shipped_state_a_licence(part: str, lists: Path) -> None:
    with (lists / f"wayside-{part}.licences.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = {f"{row['package']}=={row['version']}" for row in rows if not row["package"].startswith("wayside-")}
    assert names == set(_locked(part))
    unstated = [
        row["package"]
        for row in rows
        if row["licence"] in {"", "none stated"} and not row["stated in"].startswith("not in the package")
    ]
    assert unstated == []


@pytest.mark.parametrize("part", PARTS)
def test_it_is_said_that_there_is_no_ai_component(part: str, lists: Path) -> None:
    document = json.loads((lists / f"wayside-{part}.cdx.json").read_text())
    assert {"name": "wayside:ai-components", "value": "none"} in document["metadata"]["component"]["properties"]
    assert "AI components: none." in (lists / f"wayside-{part}.licences.md").read_text()


def test_the_lists_name_no_registry_and_no_path_of_the_machine(lists: Path) -> None:
    for path in lists.iterdir():
        text = path.read_text().replace("http://cyclonedx.org/schema/bom-1.6.schema.json", "")
        assert "://" not in text
        assert str(ROOT) not in text
        assert str(Path.home()) + "/" not in text


def test_a_second_run_writes_the_same_bytes(lists: Path, tmp_path: Path) -> None:
    second = _built(tmp_path)
    assert {path.name: path.read_bytes() for path in second.iterdir()} == {
        path.name: path.read_bytes() for path in lists.iterdir()
    }
