"""`wayside-agent conformance run`: recordings of ours pass, every seeded fault is found, reports are equal."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.conformance_suites import FAULTS, MAKERS, PROFILE, Line, bsm, lines, road_map, write_suite
from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v2x.codec import decode
from wayside.v2x.phase2_readable import readable
from wayside_agent.cli.conformance import judged_suite
from wayside_agent.core.conformance.model import RuleName
from wayside_agent.core.conformance.report import canonical

CLEAN = {kind.lower(): lines(kind) for kind in MAKERS}
AGENT = str(Path(sys.executable).with_name("wayside-agent"))
HOSTILE = "<script>alert(1)</script>"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [AGENT, "conformance", "run", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def findings(report: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(each["rule"], each["record"], each["text"]) for one in report["recordings"] for each in one["findings"]]


def test_what_our_own_voices_say_passes_and_every_rule_has_looked(tmp_path: Path) -> None:
    recordings = CLEAN | {"crossing": sorted([*lines("MAP"), *lines("SPAT")], key=lambda line: line.time_ns)}
    report = judged_suite(write_suite(tmp_path, recordings, kinds='["BSM", "MAP", "SPAT", "RSI", "RSM"]'))
    assert (report["verdict"], findings(report)) == ("passed", [])
    looked = {name for one in report["recordings"] for name, row in one["rules"].items() if row["checked"]}
    assert looked == {*RuleName} - {RuleName.EXPECTED}


@pytest.mark.parametrize(("rule", "record", "words", "made"), FAULTS.values(), ids=FAULTS)
def test_a_seeded_fault_is_found(
    rule: RuleName, record: int, words: str, made: Callable[[], list[Line]], tmp_path: Path
) -> None:
    report = judged_suite(write_suite(tmp_path, {"fault": made()}))
    assert report["verdict"] == "failed"
    assert [place for name, place, text in findings(report) if name == rule and words in text] == [record]


def crossing(line: Line, node: int, count: int) -> Line:
    frame = line.message["spatFrame"]
    frame["msgCnt"] = count
    frame["intersections"][0]["intersectionId"]["id"] = node
    return line


@pytest.mark.parametrize("counts", [[5, 90, 6, 91, 7], [5, 6, 7, 8, 9]], ids=["by-crossing", "together"])
def test_crossings_are_counted_one_by_one_or_together(counts: list[int], tmp_path: Path) -> None:
    made = [crossing(line, place % 2 + 1, counts[place]) for place, line in enumerate(lines("SPAT"))]
    assert findings(judged_suite(write_suite(tmp_path, {"a": made}))) == []


def test_a_year_that_ends_between_sending_and_hearing_is_no_fault(tmp_path: Path) -> None:
    made = lines("SPAT")[:1]
    made[0].time_ns = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
    made[0].message["spatFrame"] |= {"moy_min": 365 * 1440 - 1, "timeStamp_s": 59.9}
    assert findings(judged_suite(write_suite(tmp_path, {"a": made}))) == []


def test_a_kind_that_is_not_expected_is_found(tmp_path: Path) -> None:
    report = judged_suite(write_suite(tmp_path, {"a": lines("BSM")}, kinds='["MAP"]'))
    assert findings(report)[0] == ("kind", 1, "BSM is none of MAP")


def test_too_few_messages_are_a_finding(tmp_path: Path) -> None:
    report = judged_suite(write_suite(tmp_path, {"empty": []}))
    assert findings(report) == [("record", 1, "0 messages are there, 1 are expected")]


def test_what_is_lost_over_the_air_is_no_finding_if_the_suite_says_so(tmp_path: Path) -> None:
    heard = [line for place, line in enumerate(lines("BSM")) if place not in {1, 2}]
    assert judged_suite(write_suite(tmp_path, {"a": heard}, may_miss="true"))["findings"] == 0
    assert judged_suite(write_suite(tmp_path, {"a": heard}))["findings"] == 2


def test_a_rule_that_is_skipped_says_why(tmp_path: Path) -> None:
    [made] = [fault[3]() for name, fault in FAULTS.items() if name == "clock"]
    report = judged_suite(write_suite(tmp_path, {"a": made}, skip='{ clock = "the recorder has no clock" }'))
    assert report["verdict"] == "passed"
    assert report["recordings"][0]["skipped"] == {"clock": "the recorder has no clock"}


def expecting(folder: Path, made: list[Line], documents: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    suite = write_suite(folder, {"a": made}, expected='"expected.jsonl"')
    (folder / "expected.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in documents), "utf-8")
    return findings(judged_suite(suite))


def test_vectors_say_what_is_expected_of_them(tmp_path: Path) -> None:
    made = lines("BSM")
    wanted: list[dict[str, Any]] = [{"message": line.message} for line in made]
    assert expecting(tmp_path, made, wanted) == []
    wanted[2] = {"message": {"bsmFrame": made[2].message["bsmFrame"] | {"speed_mps": 1.0}}}
    wanted[3] = {"error": "this one must be refused"}
    assert expecting(tmp_path, made, wanted) == [
        ("expected", 3, "bsmFrame.speed_mps is 16.66 instead of 1.0"),
        ("expected", 4, "it is read and should be refused"),
    ]
    assert expecting(tmp_path, made, wanted[:2])[0] == ("expected", 3, "only 2 records are expected")
    assert expecting(tmp_path, made[:1], wanted[:2]) == [("expected", 2, "1 records are there, 2 are expected")]


def test_a_vector_of_phase_2_is_as_decode_writes_it(tmp_path: Path) -> None:
    """A platoon as another maker's OBU sent it; and corrections, of which the count is not confirmed."""
    platoon = "802a0010274c1919999998181819c9f4991999999818181980000000100000000c80001919999998181819a6"
    first = lines("BSM")[0]
    made = [replace(first, application_id=4711, raw=bytes.fromhex(raw)) for raw in (platoon, "8005000a022aff")]
    wanted: list[dict[str, Any]] = [{"message": written(each.payload)} for each in made]
    found = [each for each in expecting(tmp_path, made, wanted) if each[0] == "expected"]
    assert found == []
    wanted[0]["message"]["msgFrameExt"]["message"]["msgCnt"] = 25
    found = [each for each in expecting(tmp_path, made, wanted) if each[0] == "expected"]
    assert found == [("expected", 1, "msgFrameExt.message.msgCnt is 24 instead of 25")]


def written(payload: bytes) -> dict[str, Any]:
    return readable(decode(payload, PROFILE), PROFILE, unconfirmed=True)


def test_a_vector_that_is_refused_as_expected_passes(tmp_path: Path) -> None:
    broken = Line(bsm(0).time_ns, 111, {}, bsm(0).payload[:-3])
    assert expecting(tmp_path, [broken, bsm(1)], [{"error": ""}, {"message": bsm(1).message}]) == []


def test_reports_are_the_same_bytes_wherever_the_suite_is(tmp_path: Path) -> None:
    one, other = (write_suite(tmp_path / name, CLEAN | {"fault": FAULTS["speed"][3]()}) for name in ("one", "two"))
    reports = []
    for suite, zone in ((one, "Asia/Shanghai"), (other, "America/New_York")):
        done = subprocess.run(
            [AGENT, "conformance", "run", suite, "--output", suite / "out"],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "TZ": zone, "LC_ALL": "C", "PYTHONHASHSEED": str(len(zone))},
        )
        assert (done.returncode, done.stderr) == (1, "")
        reports.append([(suite / "out" / name).read_bytes() for name in OUTPUTS])
    assert reports[0] == reports[1]
    assert reports[0][0] == canonical(judged_suite(one))


OUTPUTS = ("report.json", "report.en.html", "report.zh.html")


def test_another_suite_has_another_digest(tmp_path: Path) -> None:
    one = judged_suite(write_suite(tmp_path / "one", {"a": lines("BSM")}))
    other = judged_suite(write_suite(tmp_path / "two", {"a": lines("BSM")[:-1]}))
    assert one["suite"]["sha256"] != other["suite"]["sha256"]
    assert one["versions"] == other["versions"]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_report_is_signed_by_the_key_that_was_given(kind: str, tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    done = run(write_suite(tmp_path / "suite", CLEAN), "--output", tmp_path / "out", "--key", path)
    assert (done.returncode, done.stdout.splitlines()[0][:27]) == (0, "passed: made by a test 1, p")
    content, signature = ((tmp_path / "out" / name).read_bytes() for name in ("report.json", "report.json.sig"))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        key.public_key().verify(signature, content)
    else:
        key.public_key().verify(signature, content, ec.ECDSA(SHA256()))


def test_what_a_message_holds_is_no_markup_in_the_page(tmp_path: Path) -> None:
    made = road_map(0)
    suite = write_suite(
        tmp_path / "suite", {"a": [made]}, expected='"expected.jsonl"', skip=f'{{ clock = "{HOSTILE}" }}'
    )
    wanted = json.loads(json.dumps(made.message))
    wanted["mapFrame"]["nodes"][0]["name"] = HOSTILE
    (suite / "expected.jsonl").write_text(json.dumps({"message": wanted}), "utf-8")
    assert run(suite, "--output", tmp_path / "out").returncode == 1
    for name in OUTPUTS[1:]:
        text = (tmp_path / "out" / name).read_text("utf-8")
        assert HOSTILE not in text
        assert text.count("&lt;script&gt;") == 2
        assert "http" not in text.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name = 1", "suite.toml: Expected `str`, got `int` - at `$.name`"),
        ("[", "suite.toml: "),
        ('name = "a"\nversion = "1"\nprofile = "p20"\nrecordings = []', "at `$.recordings`"),
        ('name = "a"\nversion = "1"\nprofile = "p20"\n[[recordings]]\nfile = "../a"', "at `$.recordings[0].file`"),
        ('name = "a"\nversion = "1"\nprofile = "p20"\n[[recordings]]\nfile = "a"\nspeed = 1', "unknown field `speed`"),
        ('name = "a"\nversion = "1"\nprofile = "p20"\n' + '[[recordings]]\nfile = "a"\n' * 2, "a is there twice"),
        (
            'name = "a"\nversion = "1"\nprofile = "p20"\n[[recordings]]\nfile = "suite.toml"\nsha256 = "'
            + "0" * 64
            + '"',
            "suite.toml: it is not the file the suite was made for (sha256)",
        ),
    ],
    ids=["type", "toml", "none", "path", "field", "twice", "digest"],
)
def test_a_suite_that_cannot_be_used_is_refused_with_its_field(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "suite.toml").write_text(text, "utf-8")
    with pytest.raises(InvalidArgumentError) as caught:
        judged_suite(tmp_path)
    assert sentence in str(caught.value)


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, {"a": []})
    (suite / "a.jsonl").unlink()
    with pytest.raises(NotFoundError, match=r"a\.jsonl: cannot be read: No such file"):
        judged_suite(suite)


def test_a_key_that_is_none_is_named_before_anything_is_written(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "suite", {"a": lines("BSM")})
    done = run(suite, "--output", tmp_path / "out", "--key", suite / "a.jsonl")
    assert (done.returncode, "no private key in PEM" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    assert not (tmp_path / "out").exists()


def test_a_recording_of_a_real_unit_is_found_out(tmp_path: Path, shared_data: Path) -> None:
    """Its SPAT is 2.9 s ahead of its frame, and one vehicle has no id."""
    content = (shared_data / "v2x/china/spat_bsm_rsm_hex_and_decode.txt").read_bytes()
    (tmp_path / "rsu.txt").write_bytes(content)
    text = 'name = "RSU"\nversion = "2020"\nprofile = "r19"\n[[recordings]]\nfile = "rsu.txt"\n'
    (tmp_path / "suite.toml").write_text(text, "utf-8")
    found = findings(judged_suite(tmp_path))
    assert ("clock", 1, "timeStamp is 2905 ms ahead of its reception; 500 ms before or behind are allowed") in found
    assert ("known", 3, "id is not known") in found
