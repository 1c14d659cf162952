"""DBC files into decode plans: the compiler, its cache, and values equal to those of cantools."""

import random
import stat
import struct
from pathlib import Path

import cantools
import pytest

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_agent.core.decoder import DecodePlan, Decoder
from wayside_agent.core.frames import EXTENDED_FLAG, FD, FrameBatch
from wayside_agent.core.signals import Database
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.dbc_compiler import compile_files, compiled_plan, main
from wayside_agent.drivers.plan_cache import cached_database

DBCS = ("CSS-Electronics-SAE-J1939-DEMO", "canmod-gps", "j1939", "opendbc-ESR", "opendbc-mg", "vehicle")
PAYLOADS_PER_MESSAGE = 150

SMALL = """VERSION ""
BO_ 291 M: 8 Vector__XXX
 SG_ S : 0|8@1+ (0.5,-3) [0|100] "km/h" Vector__XXX
"""

# every kind the public files lack: floats, extended multiplexing, both byte orders in one message, FD length
KINDS = """VERSION ""
BO_ 291 Floats: 12 Vector__XXX
 SG_ F : 0|32@1- (2,1) [0|0] "" Vector__XXX
 SG_ D : 39|64@0- (1,0) [0|0] "" Vector__XXX
BO_ 2147484000 Multiplexed: 8 Vector__XXX
 SG_ S0 M : 0|4@1+ (1,0) [0|0] "" Vector__XXX
 SG_ S1 m0M : 4|4@1+ (1,0) [0|0] "" Vector__XXX
 SG_ S2 m3 : 15|12@0- (0.25,-8) [0|0] "" Vector__XXX
 SG_ S3 m1M : 8|8@1- (1,0) [0|0] "" Vector__XXX
 SG_ S4 m2 : 32|20@1- (-1,0) [0|0] "" Vector__XXX
BO_ 292 Mixed: 64 Vector__XXX
 SG_ L : 3|61@1- (0.001,0) [0|0] "" Vector__XXX
 SG_ B : 501|9@0+ (1,0) [0|0] "" Vector__XXX
 SG_ W : 71|64@0+ (1,0) [0|0] "" Vector__XXX
SIG_VALTYPE_ 291 F : 1;
SIG_VALTYPE_ 291 D : 2;
SG_MUL_VAL_ 2147484000 S1 S0 0-3, 7-7;
SG_MUL_VAL_ 2147484000 S2 S1 3-9;
SG_MUL_VAL_ 2147484000 S3 S0 4-6, 8-15;
SG_MUL_VAL_ 2147484000 S4 S1 0-2, 10-15;
"""


def written(folder: Path, text: str, name: str = "test.dbc") -> Path:
    path = folder / name
    path.write_text(text)
    return path


async def test_plan_of_a_dbc_is_what_the_file_says(tmp_path: Path) -> None:
    database = await compiled_plan([written(tmp_path, SMALL)], cache_dir=tmp_path / "plans")
    (message,) = database.messages
    (signal,) = message.signals
    assert (message.name, message.frame_id, message.is_extended, message.is_j1939) == ("M", 291, False, False)
    assert (signal.name, signal.scale, signal.offset, signal.maximum, signal.unit) == ("S", 0.5, -3, 100.0, "km/h")


async def test_cached_plan_needs_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, SMALL)
    first = await compiled_plan([path], cache_dir=tmp_path / "plans")
    monkeypatch.setattr("sys.executable", "/nonexistent")
    assert await compiled_plan([path], cache_dir=tmp_path / "plans") == first


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "others-may-write"])
async def test_cache_that_cannot_be_trusted_is_made_again(tmp_path: Path, damage: str) -> None:
    path, plans = written(tmp_path, SMALL), tmp_path / "plans"
    database = await compiled_plan([path], cache_dir=plans)
    (cache,) = plans.iterdir()
    content = cache.read_bytes()
    if damage == "others-may-write":
        cache.chmod(0o666)
    else:
        cache.write_bytes({"flip": content[:-1] + b"\xff", "cut": content[:50], "empty": b""}[damage])
    assert cached_database(cache) is None
    assert await compiled_plan([path], cache_dir=plans) == database
    assert cache.read_bytes() == content
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600


async def test_changed_dbc_is_compiled_anew(tmp_path: Path) -> None:
    path, plans = written(tmp_path, SMALL), tmp_path / "plans"
    await compiled_plan([path], cache_dir=plans)
    database = await compiled_plan([written(tmp_path, SMALL.replace("(0.5,", "(0.25,"))], cache_dir=plans)
    assert path.exists()
    assert database.messages[0].signals[0].scale == 0.25


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (SMALL.replace("SG_ S", "SG_ ("), r"bad\.dbc: line 3, column \d+: does not parse"),
        (SMALL.replace("0|8@", "600|8@"), r"bad\.dbc: message M, signal S: it lies outside"),
        (SMALL.replace("0|8@", "0|0@"), r"bad\.dbc: "),
        ("garbage", r"bad\.dbc: line 1, column 1: does not parse"),
        ("", r"bad\.dbc: line 1, column 1: does not parse"),
        ('VERSION ""\n', r"bad\.dbc: holds no message"),
    ],
)
async def test_dbc_that_does_not_parse_is_told_with_file_line_and_cause(tmp_path: Path, text: str, where: str) -> None:
    path = written(tmp_path, text, "bad.dbc")
    with pytest.raises(InvalidArgumentError, match=where) as caught:
        await compiled_plan([path], cache_dir=tmp_path / "plans")
    assert "\n" not in caught.value.message


async def test_missing_dbc_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no\.dbc: cannot be read"):
        await compiled_plan([tmp_path / "no.dbc"], cache_dir=tmp_path)


async def test_compiler_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="did not compile within"):
        await compiled_plan([written(tmp_path, SMALL)], cache_dir=tmp_path / "plans", timeout_s=0.001)


def test_compiler_reports_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", str(tmp_path / "x.plan"), str(written(tmp_path, "garbage"))]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["--output", str(tmp_path / "x.plan"), str(written(tmp_path, SMALL))]) == 0
    assert cached_database(tmp_path / "x.plan") is not None


async def test_cache_keeps_the_newest_plans_only(tmp_path: Path) -> None:
    for index in range(40):
        compile_files([written(tmp_path, SMALL)], tmp_path / "plans" / f"{index}.plan")
    assert len(list((tmp_path / "plans").iterdir())) == 32


def compared(path: Path, tmp_path: Path) -> int:
    """Values that equal those of cantools, over random payloads."""
    reference = cantools.database.load_file(path, strict=False)
    assert isinstance(reference, cantools.database.can.Database)
    database: Database = compile_files([path], tmp_path / "x.plan")
    decoder = Decoder(DecodePlan(database, is_judged=False), bus="b")
    rng = random.Random(20261122)  # noqa: S311 - payloads, not secrets
    count = 0
    for message in reference.messages:
        can_id = message.frame_id | (EXTENDED_FLAG if message.is_extended_frame else 0)
        for _ in range(PAYLOADS_PER_MESSAGE):
            payload = rng.randbytes(message.length)
            decoder.decode(FrameBatch(FD.pack(can_id, len(payload), 0, payload), (1,), FD.size))
            values = {each.name.split(".")[-1]: each.value for each in decoder.news(TimeQuality.GNSS).readings}
            try:
                expected = message.decode(payload, decode_choices=False)
            except cantools.database.DecodeError:
                continue  # an undefined multiplexer value: cantools gives the whole frame up
            assert repr(values_in(expected, values)) == repr(expected)
            count += len(expected)
    return count


def values_in(order: object, values: dict[str, float]) -> object:
    assert isinstance(order, dict)
    assert values.keys() == order.keys()
    return {name: values[name] for name in order}


def test_values_equal_those_of_cantools_on_every_public_dbc(shared_data: Path, tmp_path: Path) -> None:
    counts = {name: compared(shared_data / "can" / "dbc" / f"{name}.dbc", tmp_path) for name in DBCS}
    assert all(counts.values())
    assert sum(counts.values()) >= 100_000


def test_values_equal_those_of_cantools_for_every_kind_of_signal(tmp_path: Path) -> None:
    assert compared(written(tmp_path, KINDS), tmp_path) > 1000


async def test_public_j1939_files_are_recognised(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "can/dbc"
    database = await compiled_plan([folder / "j1939.dbc", folder / "canmod-gps.dbc"], cache_dir=tmp_path)
    assert [message.is_j1939 for message in database.messages] == [True] * 2 + [False] * 9


def test_struct_of_the_test_is_the_struct_of_the_kernel() -> None:
    assert struct.calcsize(FD.format) == 72
