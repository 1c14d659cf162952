"""Two other codecs with our modules, and whether they say of bytes what ours says.

oracle = Pycrate(Profile.P20)
verdict(data, oracle)      # "both read the same", "only pycrate refuses: …"
"""

import importlib.util
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Protocol

import asn1tools
from pycrate_asn1c.asnproc import GLOBAL, PycrateGenerator, compile_text, generate_modules

from tests.v2x_values import ASN1, PHASE2, Values, files, phase2_types_of
from uper_compiler.model import Bits, Reference, Type
from wayside.v2x import phase2
from wayside.v2x.codec import DecodeError, Profile, decode, encode
from wayside.v2x.generated.messages import MessageFrameExt

FRAME = Reference("MessageFrame")
OPEN_TYPE = "Phase2Messages.asn"
STANDARDS_FRAME = """
StandardsFrame DEFINITIONS AUTOMATIC TAGS ::= BEGIN
IMPORTS PHASE2-MESSAGE, Phase2Message FROM Phase2Messages;
OpenMessageFrameExt ::= SEQUENCE {
    messageId PHASE2-MESSAGE.&id({Phase2Message}),
    value PHASE2-MESSAGE.&Type({Phase2Message}{@messageId}),
    ...
}
END
"""
"""The extension frame as T/CSAE 157 has it, with an open type; ours has bytes there, and reads them by themselves."""
SAME, BOTH_REFUSE, DIFFERENT = "both read the same", "both refuse", "both read, but not the same"
LATER = "both read a name or alternative of a later standard"
ONLY_OURS = "only ours refuses: "
ANY = ("asn1tools", "pycrate")
EXPLAINED = {
    (SAME, ANY): "equal",
    (BOTH_REFUSE, ANY): "equal",
    (LATER, ANY): "equal; our modules have no name by which to compare the value",
    (f"{ONLY_OURS}message: N bytes follow its end", ANY): "the oracles do not look behind the end",
    (f"{ONLY_OURS}message: the bits after its end are not zero", ANY): "nor at the bits that fill the last byte",
    (f"{ONLY_OURS}extension: its number is too large", ANY): "64 and more additions: no standard has them",
    (f"{ONLY_OURS}extension: it comes in fragments, and no message is that long", ANY): "16 KiB and more in one field",
    (f"{ONLY_OURS}a value is outside its range", ("asn1tools",)): "asn1tools does not hold ranges; pycrate does",
    ("only asn1tools refuses: NotImplementedError: BIT STRING extension is not yet implemented.", ("asn1tools",)): (
        "it says so itself; pycrate reads them as ours does"
    ),
    (
        f"{ONLY_OURS}its bits are not known, nor where it ends",
        ANY,
    ): "the modules say NULL; ours knows that they do not know",
    (f"{ONLY_OURS}message: it ends before its last field", ("asn1tools",)): (
        "asn1tools passes over an addition that is longer than the message; pycrate refuses it"
    ),
}
"""What may differ between ours and an oracle, and why. Whatever is not here is a defect."""


class Oracle(Protocol):
    """Another codec under one profile; with a messageId, for the type of phase 2."""

    name: str
    profile: Profile
    number: int | None

    def encode(self, frame: Any) -> bytes: ...  # noqa: ANN401
    def decode(self, data: bytes) -> Any: ...  # noqa: ANN401
    def foreign(self, frame: Any) -> Any: ...  # noqa: ANN401


class Asn1tools:
    """The same modules in asn1tools."""

    name = "asn1tools"

    def __init__(self, profile: Profile, number: int | None = None) -> None:
        self.profile = profile
        self.number = number
        self._kind = PHASE2[number] if number else FRAME
        self._values = Values(phase2_types_of(profile), Random(0))  # noqa: S311  # makes nothing, only translates
        self._peer = _compiled_by_asn1tools(profile)

    def encode(self, frame: Any) -> bytes:  # noqa: ANN401
        return self._peer.encode(self._kind.name, self.foreign(frame))

    def decode(self, data: bytes) -> Any:  # noqa: ANN401
        return self._peer.decode(self._kind.name, data)

    def foreign(self, frame: Any) -> Any:  # noqa: ANN401
        return self._values.foreign(self._kind, frame)


class _PycrateValues(Values):
    def foreign(self, kind: Type, value: Any) -> Any:  # noqa: ANN401
        return (value, kind.size) if isinstance(kind, Bits) else super().foreign(kind, value)


class Pycrate:
    """The same modules in pycrate."""

    name = "pycrate"

    def __init__(self, profile: Profile, number: int | None = None) -> None:
        self.profile = profile
        self.number = number
        self._kind = PHASE2[number] if number else FRAME
        self._values = _PycrateValues(phase2_types_of(profile), Random(0))  # noqa: S311  # makes nothing, only translates
        self._frame = pycrate_type(profile, self._kind.name)

    def encode(self, frame: Any) -> bytes:  # noqa: ANN401
        self._frame.set_val(self.foreign(frame))
        return bytes(self._frame.to_uper())

    def decode(self, data: bytes) -> Any:  # noqa: ANN401
        self._frame.from_uper(data)
        return _without_additions(self._frame.get_val())

    def foreign(self, frame: Any) -> Any:  # noqa: ANN401
        return self._values.foreign(self._kind, frame)


def pycrate_type(profile: Profile, name: str) -> Any:  # noqa: ANN401
    """A type as pycrate has it, whichever module defines it."""
    modules = (each for each in vars(_compiled(profile)).values() if hasattr(each, "_obj_"))
    [found] = [getattr(each, name) for each in modules if name in each._type_]
    return found


def _without_additions(value: Any) -> Any:  # noqa: ANN401
    """pycrate keeps the fields of a later standard, which ours and asn1tools pass over."""
    if isinstance(value, dict):
        return {name: _without_additions(each) for name, each in value.items() if not name.startswith("_ext_")}
    if isinstance(value, list):
        return [_without_additions(each) for each in value]
    if isinstance(value, tuple):
        return value[0], _without_additions(value[1])
    return value


ORACLES: dict[str, Callable[..., Oracle]] = {"asn1tools": Asn1tools, "pycrate": Pycrate}


@cache
def _compiled_by_asn1tools(profile: Profile) -> "asn1tools.Specification":
    later = [
        str(path) for path in sorted((ASN1 / "phase2").glob("*.asn")) if path.name != OPEN_TYPE
    ]  # classes: unknown
    return asn1tools.compile_files([*files(profile), *later], "uper")


@cache
def _compiled(profile: Profile) -> ModuleType:
    """pycrate makes a Python file of the modules; it remembers what it compiled before."""
    GLOBAL.clear()
    paths = [*map(Path, files(profile)), *sorted((ASN1 / "phase2").glob("*.asn"))]
    compile_text("\n".join([*(path.read_text(encoding="utf-8") for path in paths), STANDARDS_FRAME]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"pycrate_{profile}.py"
        generate_modules(PycrateGenerator, str(path))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def verdict(data: bytes, oracle: Oracle) -> str:
    """How the two judge some bytes, in words that are the same for like cases."""
    try:
        ours, our_reason = _ours(data, oracle), ""
    except DecodeError as error:
        ours, our_reason = None, _kind_of(str(error))
    try:
        theirs, their_reason = oracle.decode(data), ""
    except Exception as error:  # noqa: BLE001  # oracles raise whatever
        theirs, their_reason = None, _kind_of(f"{type(error).__name__}: {error}")
    if ours is None:
        return BOTH_REFUSE if their_reason else ONLY_OURS + our_reason
    if their_reason:
        return f"only {oracle.name} refuses: {their_reason}"
    try:
        return SAME if _is_same(oracle.foreign(ours), theirs) else DIFFERENT
    except (IndexError, ValueError):
        return LATER


def _ours(data: bytes, oracle: Oracle) -> Any:  # noqa: ANN401
    if oracle.number is None:
        return decode(data, oracle.profile)
    extension = MessageFrameExt(messageId=oracle.number, value=data)
    return phase2.opened(extension, oracle.profile, unconfirmed=True)


def _kind_of(text: str) -> str:
    """A reason without numbers, and without the names of fields and types."""
    is_named = not text.startswith(("message: ", "extension: ")) and "Error" not in text
    return re.sub(r"\d+", "N", text.rpartition(": ")[2] if is_named else text)


def _is_same(ours: Any, theirs: Any) -> bool:  # noqa: ANN401
    """Whether two read the same. Of bits that are more or fewer than our modules know, ours keeps those it knows."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(_is_same(each, theirs[name]) for name, each in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_is_same, ours, theirs))
    if not isinstance(ours, tuple) or not isinstance(theirs, tuple):
        return bool(ours == theirs)
    if isinstance(ours[0], int) and isinstance(theirs[0], int):
        more = theirs[1] - ours[1]
        return bool(ours[0] == (theirs[0] >> more if more >= 0 else theirs[0] << -more))
    return bool(ours[0] == theirs[0]) and _is_same(ours[1], theirs[1])


def is_explained(found: str, oracle_name: str) -> bool:
    """Whether a verdict is one that may be."""
    return any(found == words and oracle_name in names for words, names in EXPLAINED)


def pool(profile: Profile, seed: int, count: int) -> list[bytes]:
    """Random messages of every kind."""
    made = Values(phase2_types_of(profile), Random(seed))  # noqa: S311  # repeatable, no secrets
    return [encode(made.make(FRAME), profile) for _ in range(count)]


def mutated(messages: list[bytes], random: Random) -> bytes:
    """One of some messages, damaged."""
    data = bytearray(random.choice(messages))
    match random.randrange(10):
        case 0:
            del data[random.randrange(len(data)) :]
        case 1:
            data += random.randbytes(random.randint(1, 3))
        case 2:
            at = random.randrange(len(data))
            data[at : at + random.randint(1, 4)] = random.randbytes(random.randint(0, 4))
        case 3:
            other = random.choice(messages)
            data[random.randrange(len(data)) :] = other[random.randrange(len(other)) :]
        case _:
            for _ in range(random.randint(1, 3)):
                reach = min(len(data), random.choice((4, 20, 2000)))
                data[random.randrange(reach)] ^= 1 << random.randrange(8)
    return bytes(data)
