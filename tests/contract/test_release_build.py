"""`wayside releases build`: the same bytes twice, nothing that a unit would refuse, and why."""

import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wayside.release_reading import checked
from wayside_manager.cli.operator import app

TREE = {
    "wayside_agent/__init__.py": "",
    "wayside_agent/__main__.py": "print('agent')\n",
    "wayside/__init__.py": "",
    "wayside/node_config.py": "def schema():\n    return {'type': 'object'}\n",
    "wayside/__pycache__/x.pyc": "no",
}
NOTICE = 'purpose = "p"\nchanges = "c"\nduration_s = 60\nunavailable = "u"\nsafety = "s"\n'
NOTICES = f"[notices.zh]\n{NOTICE}[notices.en]\n{NOTICE}"
RADIO = '[[components]]\nname = "radio"\nversion = "7"\ndriver = "firmware"\nfile = "radio.bin"\n'
GOOD = f'version = "1.2.0"\nhardware_ids = ["rsu-a"]\nrequires = ["agent>=1001000"]\n{RADIO}{NOTICES}'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, content in TREE.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "radio.bin").write_bytes(b"firmware")
    return tmp_path / "site"


def built(folder: Path, description: str, *agent: Path, name: str = "made.tar.gz") -> tuple[int, str]:
    (folder / "release.toml").write_text(description)
    named = [f"--agent={each}" for each in agent]
    done = CliRunner().invoke(
        app, ["releases", "build", str(folder / "release.toml"), *named, "--file", str(folder / name)]
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout + done.stderr


def test_a_folder_and_a_description_give_the_same_release_twice(site: Path, tmp_path: Path) -> None:
    code, said = built(tmp_path, GOOD, site)
    assert (code, "built 1.2.0, counter 1002000" in said) == (0, True), said
    assert built(tmp_path, GOOD, site, name="again.tar.gz")[0] == 0
    assert (tmp_path / "made.tar.gz").read_bytes() == (tmp_path / "again.tar.gz").read_bytes()
    with (tmp_path / "made.tar.gz").open("rb") as file:
        reading = checked(file)
        assert reading.schema
        names = [entry.name for entry, _ in reading.entries()]
    assert [each.name for each in reading.manifest.components] == ["agent", "radio"]
    assert reading.manifest.components[1].size_bytes == len(b"firmware")
    assert set(reading.manifest.notices) == {"zh", "en"}
    assert "payload/radio.bin" in names
    assert not any(name.endswith(".pyc") for name in names)


def test_a_wheel_replaces_files_of_the_folder_before_it(site: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr("wayside_agent/__main__.py", "print('newer')\n")
        wheel.writestr("a-1.data/purelib/extra.py", "X = 1\n")
        wheel.writestr("a-1.data/scripts/agent", "#!python\n")
        wheel.writestr("a-1.dist-info/RECORD", "")
    code, said = built(tmp_path, GOOD, site, tmp_path / "a.whl")
    assert code == 0, said
    with (tmp_path / "made.tar.gz").open("rb") as file:
        contents = {entry.name: content.read() for entry, content in checked(file).entries()}
    assert contents["site/wayside_agent/__main__.py"] == b"print('newer')\n"
    assert {name for name in contents if "extra" in name or "a-1" in name} == {"site/extra.py"}


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ('version = "1.2.0"', 'version = "latest!"', "field version"),
        ("hardware_ids", "hardware", "unknown field `hardware`"),
        ('["rsu-a"]', '["RSU A"]', "$.hardware_ids"),
        ('["agent>=1001000"]', '["agent > 1"]', "field requires"),
        ('"firmware"', '"slot"', "$.components[0].driver"),
        ('"radio.bin"', '"gone.bin"', "the file of radio"),
        ("[[components]]", '[[components]]\nrequires = ["clock"]', "radio requires clock"),
        ("[notices.zh]", "[notices.fr]", "notices.zh is missing"),
        ('safety = "s"', 'safety = ""', "notices.zh.safety is empty"),
        ("duration_s = 60", "duration_s = -1", "duration_s"),
        ("version", "version version", "release.toml"),
    ],
    ids=[
        "version",
        "unknown",
        "hardware",
        "requires",
        "driver",
        "payload",
        "order",
        "language",
        "safety",
        "duration",
        "toml",
    ],
)
def test_what_a_unit_would_refuse_is_not_written(site: Path, tmp_path: Path, wrong: str, right: str, said: str) -> None:
    code, answer = built(tmp_path, GOOD.replace(wrong, right, 1), site)
    assert (code in {2, 3}, said in answer.replace("\n", " ")) == (True, True), answer
    assert [path.name for path in tmp_path.glob("made*")] == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("wayside_agent/__main__.py", None, "wayside_agent/__main__.py is missing"),
        ("fast.so", "", "field python is missing"),
        ("wayside/node_config.py", "import gone\n", "field config_schema"),
        ("back\\slash.py", "", "is no plain name"),
    ],
    ids=["no agent", "compiled", "does not run", "odd name"],
)
def test_a_tree_that_no_unit_could_run_is_refused(
    site: Path, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    if content is None:
        (site / name).unlink()
    else:
        (site / name).write_text(content)
    code, answer = built(tmp_path, GOOD, site)
    assert (code, said in answer.replace("\n", " ")) == (2, True), answer


def test_what_is_no_wheel_is_named(site: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.whl").write_bytes(b"PK nothing")
    code, answer = built(tmp_path, GOOD, site, tmp_path / "bad.whl")
    assert (code, "bad.whl" in answer) == (2, True), answer
    assert built(tmp_path, GOOD, tmp_path / "nowhere")[0] == 3
