"""docs/v2x-warnings.md tells the warnings of the code, and settings and words know the same ones."""

import json
import re
from pathlib import Path
from typing import get_args

import msgspec

from tests.unit.warning_world import Road
from wayside_agent.core.warnings.document import encoded, warning_document
from wayside_agent.core.warnings.judge import RULES
from wayside_agent.core.warnings.model import TEXTS, Action, Finding, Heard, Kind, Severity
from wayside_agent.v2x_settings import V2xSettings, WarningName

GUIDE = (Path(__file__).parents[2] / "docs" / "v2x-warnings.md").read_text(encoding="utf-8")


def test_the_guide_has_a_row_for_each_warning() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:advice|warning|critical)", GUIDE, re.MULTILINE)
    assert sorted(rows) == sorted(Kind)
    assert set(get_args(WarningName)) == set(RULES) == set(TEXTS) == set(Kind)


def test_the_settings_of_the_guide_are_settings() -> None:
    asked = GUIDE.split("```toml")[1].split("```")[0]
    v2x = msgspec.toml.decode(asked)["v2x"]
    assert msgspec.convert(v2x, V2xSettings).warnings is not None


def test_the_document_of_the_guide_is_what_a_display_gets() -> None:
    told = json.loads(GUIDE.split("```json")[1].split("```")[0])
    heard = Heard(100.0, told["source_time_ns"])
    finding = Finding(Kind.RED_LIGHT, Severity.WARNING, heard, distance_m=71.6, time_s=4.77)
    assert json.loads(encoded(warning_document(Action.BEGIN, finding, now_s=100.0421))) == told


def test_every_field_a_display_can_get_is_in_the_guide() -> None:
    finding = Finding(
        Kind.HAZARD,
        Severity.CRITICAL,
        Road().heard,
        distance_m=1.0,
        time_s=1.0,
        advice_mps=(1.0, 2.0),
        limit_mps=1.0,
        code=904,
        description="x",
    )
    document = warning_document(Action.END, finding, now_s=100.0)
    named = set(re.findall(r"`([a-z_]+)`", GUIDE)) | {"kind"}
    assert set(document) <= named
    assert document["text_code"] == "hazard.904"
