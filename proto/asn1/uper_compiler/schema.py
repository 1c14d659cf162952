"""Writes what people's tools need to name things: fields, types, alternatives, names of numbers and bits."""

from uper_compiler.model import (
    Bits,
    Choice,
    Enumerated,
    Integer,
    Octets,
    Reference,
    Sequence,
    SequenceOf,
    Type,
    Types,
)
from uper_compiler.naming import attribute, class_name

HEAD = '''"""Names of everything in the messages, for people: loaded by tools, not by the data path.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand.
"""

'''


def schema(profiles: list[Types], known: frozenset[str] = frozenset()) -> str:
    """The module with the tables, all profiles merged, without the types that another module has."""
    fields: dict[str, dict[str, tuple[str, str]]] = {}
    classes: dict[str, str] = {}
    octets: list[str] = []
    choices: dict[str, dict[str, str]] = {}
    lists: dict[str, str] = {}
    names: dict[str, tuple[str, ...]] = {}
    bits: dict[str, tuple[int, dict[int, str]]] = {}
    numbers: dict[str, dict[int, str]] = {}
    for types in profiles:
        for name, kind in types.items():
            if name in known:
                continue
            match kind:
                case Sequence():
                    classes[name] = class_name(name)
                    rows = fields.setdefault(class_name(name), {})
                    for member in kind.members:
                        said = _type_name(name, member.name, member.type)
                        before = rows.get(attribute(member.name), ("", said))[1].split("|")
                        rows[attribute(member.name)] = (member.name, "|".join(dict.fromkeys([*before, said])))
                        if isinstance(member.type, Octets):
                            octets.append(f"{name}.{member.name}")
                case Choice():
                    members = kind.members + kind.additions
                    choices[name] = {each.name: _type_name(name, each.name, each.type) for each in members}
                    octets += [f"{name}.{each.name}" for each in members if isinstance(each.type, Octets)]
                case SequenceOf():
                    lists[name] = _type_name(name, "item", kind.element)
                case Enumerated():
                    names[name] = kind.names
                case Bits():
                    bits[name] = (kind.size, {place: label for label, place in kind.names})
                case Octets():
                    octets.append(name)
                case Integer() if kind.names:
                    numbers[name] = {value: label for label, value in kind.names}
    tables = (
        ("FIELDS_OF", "dict[str, str]", classes, "By type: the class of a SEQUENCE."),
        ("OCTETS", "dict[str, None]", dict.fromkeys(octets), "Types that are bytes."),
        (
            "FIELDS",
            "dict[str, dict[str, tuple[str, str]]]",
            fields,
            "By class and attribute: the standard's name, and the type's (two types: it depends on the profile).",
        ),
        ("CHOICES", "dict[str, dict[str, str]]", choices, "By type and alternative: the type of the alternative."),
        ("LISTS", "dict[str, str]", lists, "By type: the type of the items."),
        ("ENUMERATIONS", "dict[str, tuple[str, ...]]", names, "By type: the names, in order."),
        (
            "BITS",
            "dict[str, tuple[int, dict[int, str]]]",
            bits,
            "By type: how many bits, and the names of some; bit 0 is the first.",
        ),
        ("NUMBERS", "dict[str, dict[int, str]]", numbers, "By type: names of some numbers."),
    )
    return HEAD + "\n".join(_table(*table) for table in tables)


def _table(name: str, hint: str, rows: dict[str, object], words: str) -> str:
    body = "".join(f"    {key!r}: {value!r},\n" for key, value in rows.items())
    return f'{name}: {hint} = {{\n{body}}}\n"""{words}"""\n'


def _type_name(owner: str, member: str, kind: Type) -> str:
    return kind.name if isinstance(kind, Reference) else f"{owner}.{member}"
