"""Compiles the profiles: `python -m uper_compiler OUT_DIR`, run in `proto/asn1`."""

import re
import sys
from pathlib import Path

from uper_compiler.decoding import Decoding
from uper_compiler.emit import own_functions
from uper_compiler.encoding import Encoding
from uper_compiler.grammar import read
from uper_compiler.model import Choice, Sequence, Types, closure
from uper_compiler.naming import class_name
from uper_compiler.schema import schema
from uper_compiler.structs import structs

PROFILES = ("r19", "p20")
ROOT = "MessageFrame"
HERE = Path(__file__).parents[1]

HEAD = '''"""Reads and writes messages %s.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand. `read_X(v, p)` reads a value of type X from
the number `v` of which `p` bits are left; `write_X(x, a)` appends one to the number `a`, which begins with a 1.
"""
# mypy: ignore-errors

'''
TOOLS = (
    "DecodeError",
    "EncodeError",
    "out_of_range",
    "read_longer_bits",
    "read_open",
    "read_small",
    "read_text",
    "read_whole",
    "skip_additions",
    "whole",
    "write_open",
    "write_small",
    "write_text",
)


def main() -> None:
    """Writes `messages.py`, `schema.py`, `shared.py` and a file for each profile."""
    out = Path(sys.argv[1])
    profiles = {name: read([HERE / "common", HERE / name]) for name in PROFILES}
    everything = list(profiles.values())
    out.mkdir(parents=True, exist_ok=True)
    (out / "messages.py").write_text(structs(everything))
    (out / "schema.py").write_text(schema(everything))
    first = everything[0]
    functions = frozenset(name for types in everything for name in own_functions(ROOT, types))
    same = [name for name in own_functions(ROOT, first) if name in functions and _is_same(name, everything)]
    shared = _module("that are the same bits in every profile", same, first, functions, {})
    (out / "shared.py").write_text(shared)
    for name, types in profiles.items():
        own = [each for each in own_functions(ROOT, types) if each not in same]
        text = _module(f"of the profile {name}", own, types, functions, {"shared": same})
        (out / f"{name}.py").write_text(text)


def _is_same(name: str, profiles: list[Types]) -> bool:
    """Whether a type and all below it are the same in all profiles."""
    below = [closure(name, types) for types in profiles]
    return all(each == below[0] for each in below)


def _module(what: str, names: list[str], types: Types, functions: frozenset[str], others: dict[str, list[str]]) -> str:
    texts = [maker(types, functions).function(name) for name in names for maker in (Decoding, Encoding)]
    body = "\n\n".join(texts)
    lines = [
        f"from wayside.v2x.generated.{module} import (\n{_used(_pairs(known), body)})"
        for module, known in others.items()
    ]
    built = {class_name(name) for name, kind in types.items() if isinstance(kind, Sequence | Choice)}
    classes = _used(sorted(built | {"UnknownAlternative"}), body)
    lines.append(f"from wayside.v2x.generated.messages import (\n{classes})")
    lines.append(f"from wayside.v2x.uper import (\n{_used(list(TOOLS), body)})")
    return HEAD % what + "\n".join(lines) + "\n\n\n" + body


def _pairs(names: list[str]) -> list[str]:
    return sorted(f"{verb}_{class_name(name)}" for name in names for verb in ("read", "write"))


def _used(names: list[str], body: str) -> str:
    words = set(re.findall(r"\w+", re.sub(r"\"[^\"]*\"", "", body)))
    return "".join(f"    {name},\n" for name in names if name in words)


if __name__ == "__main__":
    main()
