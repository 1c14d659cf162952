"""Settings: every mistake is one sentence with file, line and field."""

from pathlib import Path

import pytest

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_agent import settings

GOOD = """\
state_dir = "state"

[node]
id = "rsu-1"
esn = "ESN-1"
kind = "rsu"

[manager]
device_address = "manager.example:7443"
enrollment_address = "manager.example:7444"

[[can]]
name = "body"
driver = "simulator"

[[can]]
name = "drive"
driver = "simulator"
"""


def _written(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text)
    return path


def test_relative_paths_count_from_the_file(tmp_path: Path) -> None:
    unit = settings.read(_written(tmp_path, GOOD))
    assert unit.state_dir == str(tmp_path / "state")
    assert unit.runtime_dir == unit.state_dir


def test_a_model_and_a_place_of_secrets_may_be_told(tmp_path: Path) -> None:
    unit = settings.read(_written(tmp_path, GOOD))
    assert (unit.node.model, unit.secrets_dir) == ("", "/etc/wayside/secrets")
    text = 'secrets_dir = "secrets"\n' + GOOD.replace('kind = "rsu"', 'kind = "rsu"\nmodel = "路侧单元 RSU-5100"')
    unit = settings.read(_written(tmp_path, text))
    assert (unit.node.model, unit.secrets_dir) == ("路侧单元 RSU-5100", str(tmp_path / "secrets"))


def test_the_launcher_reads_settings_of_a_newer_release(tmp_path: Path) -> None:
    newer = _written(tmp_path, GOOD.replace('kind = "rsu"', 'kind = "drone"') + "\n[hologram]\nphase = 3\n")
    assert settings.state_dir(newer) == tmp_path / "state"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.toml: no such settings file"):
        settings.read(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('kind = "rsu"', 'kind = "tram"', r"agent\.toml: line 6: field node\.kind: .*tram"),
        ('esn = "ESN-1"', "esn = 12", r"line 5: field node\.esn: Expected str, got int"),
        ('id = "rsu-1"', 'id = "RSU 1"', r"field node\.id: 'RSU 1' is not 1 to 63 lower-case"),
        ('id = "rsu-1"\n', "", r"field node\.id: .*missing required field id"),
        ('driver = "simulator"\n', 'driver = "simulator"\nspeed = 3\n', r"line 15: field can\[0\]\.speed: .*unknown"),
        ('name = "drive"', 'name = "Drive Train"', r"line 17: field can\[1\]\.name: "),
        ('kind = "rsu"', 'kind = "rsu"\nmodel = " x"', r"field node\.model: ' x' is not one short"),
        ('kind = "rsu"', 'kind = "rsu"\nmodel = "x\\ny"', r"field node\.model: .* is not one short"),
        ('kind = "rsu"', 'kind = "rsu"\nmodel = "x\u200by"', r"field node\.model: .* is not one short"),
        ('kind = "rsu"', f'kind = "rsu"\nmodel = "{"x" * 65}"', r"line 7: field node\.model: "),
        ("manager.example:7443", "manager.example", r"line 9: field manager\.device_address: "),
        ('state_dir = "state"', 'state_dir = "state', r"not valid TOML: .*line 1"),
        ("[node]", "colour = 3\n[node]", r"line 2: field state_dirr?|line \d+: field colour: .*unknown"),
    ],
)
def test_a_mistake_is_placed(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    path = _written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(InvalidArgumentError, match=expected) as caught:
        settings.read(path)
    assert "agent.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
