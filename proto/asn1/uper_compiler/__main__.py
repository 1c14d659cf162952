"""Compiles the profiles: `python -m uper_compiler OUT_DIR`, run in `proto/asn1`."""

import re
import sys
from pathlib import Path

from uper_compiler.decoding import Decoding
from uper_compiler.emit import own_functions
from uper_compiler.encoding import Encoding
from uper_compiler.grammar import read
from uper_compiler.model import Choice, ObjectSet, Sequence, Type, Types, closure
from uper_compiler.naming import class_name
from uper_compiler.schema import schema
from uper_compiler.structs import later_structs, structs

PROFILES = ("r19", "p20")
ROOT = "MessageFrame"
PHASE2 = "Phase2Message"
HERE = Path(__file__).parents[1]

HEAD = '''"""Reads and writes messages%s %s.

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
Known = dict[str, list[str]]
"""By module: the types that it has."""


def main() -> None:
    """Writes classes, names and functions: of all profiles, and apart from them those of phase 2."""
    out = Path(sys.argv[1])
    profiles = {name: read([HERE / "common", HERE / name]) for name in PROFILES}
    later = {name: read([HERE / "common", HERE / name, HERE / "phase2"]) for name in PROFILES}
    first, all_of = list(profiles.values()), list(later.values())
    known = frozenset(name for types in first for name in types)
    out.mkdir(parents=True, exist_ok=True)
    (out / "messages.py").write_text(structs(first))
    (out / "schema.py").write_text(schema(first))
    (out / "phase2_messages.py").write_text(later_structs(all_of, known))
    (out / "phase2_schema.py").write_text(schema(all_of, known))
    classes = {"messages": _built(first)}
    there = Modules(out, ROOT, "", profiles, classes).write({name: {} for name in PROFILES})
    classes["phase2_messages"] = [each for each in _built(all_of) if each not in classes["messages"]]
    Modules(out, PHASE2, "phase2_", later, classes).write(there)


def _built(profiles: list[Types]) -> list[str]:
    """Classes and unions."""
    names = {name for types in profiles for name, kind in types.items() if isinstance(kind, Sequence | Choice)}
    return sorted({*map(class_name, names), "UnknownAlternative"})


class Modules:
    """The modules of functions below one type: what is the same in every profile, and what differs."""

    def __init__(self, out: Path, root: str, prefix: str, profiles: dict[str, Types], classes: Known) -> None:
        self._out = out
        self._root = root
        self._prefix = prefix
        self._profiles = profiles
        self._classes = classes

    def write(self, there: dict[str, Known]) -> dict[str, Known]:
        """Writes them, and says what is where, by profile; `there`: what was written before."""
        before = frozenset(name for known in there.values() for names in known.values() for name in names)
        own = {name: self._own(types, before) for name, types in self._profiles.items()}
        functions = before.union(*own.values())
        first, everything = PROFILES[0], list(self._profiles.values())
        same = [name for name in own[first] if _is_same(name, everything)]
        common = {module: names for module, names in there[first].items() if module not in PROFILES}
        self._save("shared", _functions(same, everything[0], functions), common)
        found: dict[str, Known] = {}
        for name, types in self._profiles.items():
            others = {**there[name], f"{self._prefix}shared": same}
            names = [each for each in own[name] if each not in same]
            self._save(name, _functions(names, types, functions) + _table(types[self._root]), others)
            found[name] = {**others, f"{self._prefix}{name}": names}
        return found

    def _own(self, types: Types, before: frozenset[str]) -> list[str]:
        return [name for name in own_functions(self._root, types) if name not in before]

    def _save(self, name: str, body: str, others: Known) -> None:
        what = "that are the same bits in every profile" if name == "shared" else f"of the profile {name}"
        phase = " of phase 2" if self._prefix else ""
        imports = [(module, _pairs(known)) for module, known in others.items()] + list(self._classes.items())
        lines = [
            f"from wayside.v2x.{module} import (\n{used})"
            for module, names in [*((f"generated.{each}", names) for each, names in imports), ("uper", list(TOOLS))]
            if (used := _used(names, body))
        ]
        (self._out / f"{self._prefix}{name}.py").write_text(HEAD % (phase, what) + "\n".join(lines) + "\n\n\n" + body)


def _functions(names: list[str], types: Types, functions: frozenset[str]) -> str:
    return "\n\n".join(maker(types, functions).function(name) for name in names for maker in (Decoding, Encoding))


def _table(root: Type) -> str:
    """What an open type is read and written by, by its number."""
    if not isinstance(root, ObjectSet):
        return ""
    rows = [(number, class_name(reference.name)) for number, reference in root.rows]
    tables = (("READ", "read"), ("WRITE", "write"))
    return "\n" + "".join(
        f"\n{name} = {{\n" + "".join(f"    {number}: {verb}_{each},\n" for number, each in rows) + "}\n"
        for name, verb in tables
    )


def _is_same(name: str, profiles: list[Types]) -> bool:
    """Whether a type and all below it are the same in all profiles."""
    below = [closure(name, types) for types in profiles]
    return all(each == below[0] for each in below)


def _pairs(names: list[str]) -> list[str]:
    return sorted(f"{verb}_{class_name(name)}" for name in names for verb in ("read", "write"))


def _used(names: list[str], body: str) -> str:
    words = set(re.findall(r"\w+", re.sub(r"\"[^\"]*\"", "", body)))
    return "".join(f"    {name},\n" for name in names if name in words)


if __name__ == "__main__":
    main()
