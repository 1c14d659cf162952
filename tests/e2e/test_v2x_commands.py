"""`wayside-agent v2x`: messages for people, as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

AGENT = str(Path(sys.executable).with_name("wayside-agent"))
RECORDING = "v2x/china/spat_bsm_rsm_hex_and_decode.txt"


def run(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [AGENT, "v2x", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def test_real_messages_go_to_json_and_back_bit_for_bit(shared_data: Path) -> None:
    decoded = run("decode", "--profile", "r19", shared_data / RECORDING)
    documents = [json.loads(line) for line in decoded.stdout.splitlines()]
    assert [(each["kind"], each["profile"]) for each in documents] == [
        (kind, "r19") for kind in ("SPAT", "BSM", "BSM", "RSM")
    ]
    assert documents[1]["message"]["bsmFrame"]["pos"]["lat_deg"] == 39.9764645
    encoded = run("encode", "--profile", "r19", "-", given=decoded.stdout)
    assert encoded.stdout.split() == [each["payload"] for each in documents]
    again = run("decode", "--profile", "p20", "-", given=encoded.stdout)
    assert [json.loads(line)["message"] for line in again.stdout.splitlines()] == [
        each["message"] for each in documents
    ]
    assert (decoded.returncode, encoded.returncode, again.returncode) == (0, 0, 0)


def test_one_message_over_many_lines_is_one_message(tmp_path: Path, shared_data: Path) -> None:
    documents = run("decode", shared_data / RECORDING).stdout.splitlines()
    path = tmp_path / "rsm.json"
    path.write_text(json.dumps(json.loads(documents[3])["message"], indent=2))
    assert run("encode", path).stdout.strip() == json.loads(documents[3])["payload"]


def test_a_count_says_what_is_in_a_file(shared_data: Path) -> None:
    counted = run("stat", shared_data / RECORDING)
    assert counted.returncode == 0
    for line in ("  SPAT: 1", "  BSM: 2", "  RSM: 1", "size_bytes: 440", "bsm_senders: 2"):
        assert line in counted.stdout.splitlines()


@pytest.mark.parametrize(
    ("word", "content", "status", "sentence"),
    [
        ("decode", "7fff", 1, '"error": "7fff… is no message'),
        ("decode", "00", 1, '"error": "message: it ends before its last field"'),
        ("encode", "{", 2, "message 1: it is no JSON"),
        ("encode", '{"rsmFrame": {"speed": 1}}', 2, "MessageFrame.rsmFrame: 'speed' is none of"),
        ("encode", "[1]", 2, "give one of bsmFrame"),
    ],
    ids=["kind", "short", "json", "field", "list"],
)
def test_what_is_no_message_is_named(word: str, content: str, status: int, sentence: str) -> None:
    done = run(word, "-", given=content)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert sentence in done.stdout + done.stderr


PLATOON = "802a0010274c1919999998181819c9f4991999999818181980000000100000000c80001919999998181819a6"
CORRECTIONS = "8005000a022aff"


def test_messages_of_phase_2_are_named_counted_and_written_again() -> None:
    given = f"{PLATOON}\n{CORRECTIONS}\n"
    decoded = run("decode", "-", given=given)
    platoon, corrections = (json.loads(line)["message"]["msgFrameExt"] for line in decoded.stdout.splitlines())
    assert (platoon["name"], platoon["message"]["role"]) == ("CLPMM", "leader")
    assert corrections == {"messageId": 10, "name": "RTCM", "value": "2aff"}
    assert run("encode", "-", given=decoded.stdout).stdout == given
    counted = run("stat", "-", given=given).stdout.splitlines()
    assert {"  CLPMM: 1", "  RTCM: 1"} <= set(counted)


def test_what_of_phase_2_is_not_confirmed_is_taken_apart_for_who_asks_and_says_so() -> None:
    asked = run("decode", "--unconfirmed", "-", given=CORRECTIONS)
    said = json.loads(asked.stdout)["message"]["msgFrameExt"]
    assert (said["confirmed"], said["msgCnt"]) == (False, 42)


def test_a_revision_that_is_not_shipped_says_why() -> None:
    done = run("decode", "--profile", "2017", "-")
    assert done.returncode == 2
    assert "2017 (T/CSAE 53-2017) is not shipped because its bits are not known for certain" in done.stderr


def test_a_file_that_is_not_there_is_named() -> None:
    done = run("decode", "nowhere.hex")
    assert (done.returncode, done.stderr) == (
        2,
        "wayside-agent: nowhere.hex: cannot be read: No such file or directory\n",
    )
