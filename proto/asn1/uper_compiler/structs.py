"""Writes the classes of messages: one for each SEQUENCE, the same for all profiles, raw numbers inside."""

import re

from uper_compiler.model import (
    Bits,
    Boolean,
    Choice,
    Enumerated,
    Integer,
    Octets,
    Reference,
    Sequence,
    SequenceOf,
    Text,
    Type,
    Types,
    Unstated,
)
from uper_compiler.naming import attribute, class_name

HEAD = '''"""Messages as they are on the air: raw numbers of the standard, spelt as the standard spells them.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand. What a profile does not have is `None`.
"""

from typing import Literal

from msgspec import Struct

__all__ = [
%s
]


class UnknownAlternative(Struct, frozen=True):
    """An alternative that came after the standard we know: its number behind the extension mark, and its bytes."""

    index: int
    value: bytes

'''


LATER_HEAD = '''"""Messages of phase 2 as they are on the air: raw numbers, spelt as the standard spells them.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand. Loaded with the first of them.
"""

from typing import Literal

from msgspec import Struct

from wayside.v2x.generated.messages import (
%s)

__all__ = [
%s
]

'''


def structs(profiles: list[Types]) -> str:
    """The module with the classes, all profiles merged."""
    names = list(dict.fromkeys(name for types in profiles for name in types))
    public, body = _public(names, profiles)
    return HEAD % _exported([*public, "UnknownAlternative"]) + body


def later_structs(profiles: list[Types], known: frozenset[str]) -> str:
    """The module with the classes of phase 2, which uses those that are known."""
    names = list(dict.fromkeys(name for types in profiles for name in types if name not in known))
    public, body = _public(names, profiles)
    words = set(re.findall(r"\w+", body))
    used = sorted(each for each in {*map(class_name, known), "UnknownAlternative"} & words if each not in public)
    return LATER_HEAD % ("".join(f"    {name},\n" for name in used), _exported(public)) + body


def _exported(names: list[str]) -> str:
    return "\n".join(f'    "{name}",' for name in names)


def _public(names: list[str], profiles: list[Types]) -> tuple[list[str], str]:
    """Names of classes and unions, and their text."""
    bodies = [body for name in names if (body := _definition(name, profiles))]
    public = sorted({body.split("(")[0].removeprefix("class ").split(" = ")[0].strip() for body in bodies})
    return public, "\n\n".join(_ordered(bodies))


def _ordered(bodies: list[str]) -> list[str]:
    """Classes first, as written; then the unions of them."""
    classes = [body for body in bodies if body.startswith("class ")]
    return [*classes, *(body for body in bodies if not body.startswith("class "))]


def _definition(name: str, profiles: list[Types]) -> str:
    kinds = [types[name] for types in profiles if name in types]
    if isinstance(kinds[0], Sequence):
        return _class(name, [kind for kind in kinds if isinstance(kind, Sequence)], profiles[0])
    if isinstance(kinds[0], Choice):
        return _union(name, kinds[0], profiles[0])
    return ""


def _class(name: str, kinds: list[Sequence], types: Types) -> str:
    hints: dict[str, list[str]] = {}
    optional: set[str] = set()
    for kind in kinds:
        for member in kind.members:
            hint = hint_of(member.type, types)
            if hint not in hints.setdefault(member.name, []):
                hints[member.name].append(hint)
            if member.is_optional:
                optional.add(member.name)
    optional |= {each for each in hints for kind in kinds if each not in {member.name for member in kind.members}}
    lines = [f"class {class_name(name)}(Struct, frozen=True, gc=False, kw_only=True):", f'    """{name}."""', ""]
    for member_name, choices in hints.items():
        ending = " | None = None" if member_name in optional else ""
        lines.append(f"    {attribute(member_name)}: {_quoted(' | '.join(choices) + ending)}")
    return "\n".join(lines) + "\n"


def _quoted(hint: str) -> str:
    """Class names may be defined further down: they are quoted."""
    kind, equals, default = hint.partition(" = ")
    is_plain = not any(part.strip("[]").split("[")[-1][0].isupper() for part in kind.split(" | ") if part != "None")
    return hint if is_plain else f'"{kind}"{equals}{default}'


def _union(name: str, kind: Choice, types: Types) -> str:
    rows = [f'    tuple[Literal["{each.name}"], {hint_of(each.type, types)}]' for each in kind.members + kind.additions]
    if kind.is_extensible:
        rows.append('    tuple[Literal["unknown"], UnknownAlternative]')
    body = "\n    | ".join(row.strip() for row in rows)
    return f'{class_name(name)} = (\n    {body}\n)\n"""{name}: the name of the alternative, and its value."""\n'


def hint_of(kind: Type, types: Types) -> str:
    """What Python calls a type."""
    match kind:
        case Reference(name):
            target = types[name]
            return class_name(name) if isinstance(target, Sequence | Choice) else hint_of(target, types)
        case Integer() | Enumerated() | Bits():
            return "int"
        case Boolean():
            return "bool"
        case Unstated():
            return "object"
        case Octets():
            return "bytes"
        case Text():
            return "str"
        case SequenceOf(_, _, element):
            return f"list[{hint_of(element, types)}]"
        case _:
            raise AssertionError(kind)
