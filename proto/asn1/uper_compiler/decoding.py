"""Writes the functions that read messages.

A message is one large number; `p` counts the bits that are left. Neighbouring fields of fixed width are cut out of it
at once and then taken apart. A negative shift is how Python notices that a message ends too early. In a list of what is
long the number is cut down to what is left: a shift copies all that stands before the field.
"""

from uper_compiler.emit import SMALL, Lines, weight
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
    type_name,
)
from uper_compiler.naming import attribute, class_name
from uper_compiler.structs import hint_of

READABLE_BITS = 16


class Decoding:
    """Writes one function."""

    def __init__(self, types: Types, functions: frozenset[str]) -> None:
        self._types = types
        self._functions = functions
        self._lines = Lines()
        self._run: list[tuple[str, int]] = []
        self._checks: list[tuple[str, str]] = []

    def function(self, name: str) -> str:
        """The function that reads a type: `(v, p)` to its value and the bits left."""
        value = self._body(self._types[name], name)
        self._flush()
        self._lines.add(f"return {value}, p")
        head = f"def read_{class_name(name)}(v: int, p: int) -> tuple[{hint_of(Reference(name), self._types)}, int]:"
        return "\n".join([head, *self._lines.rows]) + "\n"

    def _take(self, width: int, stem: str = "x") -> str:
        """A field of the present run."""
        name = self._lines.new(stem)
        self._run.append((name, width))
        return name

    def _flush(self) -> None:
        """Cuts the run out of the message, and holds its fields against their ranges."""
        total = sum(width for _, width in self._run)
        add = self._lines.add
        if len(self._run) == 1:
            add(f"p -= {total}")
            add(f"{self._run[0][0]} = (v >> p) & {_mask(total)}")
        elif self._run:
            add(f"p -= {total}")
            add(f"c = (v >> p) & {_mask(total)}")
            left = total
            for place, (name, width) in enumerate(self._run):
                left -= width
                shifted = f"c >> {left}" if left else "c"
                if place == 0:
                    add(f"{name} = {shifted}")
                else:
                    add(f"{name} = ({shifted}) & {_mask(width)}" if left else f"{name} = c & {_mask(width)}")
        if self._checks:
            condition = " or ".join(test for test, _ in self._checks)
            names = ", ".join(dict.fromkeys(label for _, label in self._checks))
            add(f"if {condition}:")
            add(f'    raise DecodeError("{names}: a value is outside its range")')
        self._run.clear()
        self._checks.clear()

    def _value(self, kind: Type, label: str) -> str:
        """An expression for a value that is good after the next flush."""
        if isinstance(kind, Reference):
            if kind.name in self._functions:
                self._flush()
                name = self._lines.new("y")
                self._lines.add(f"{name}, p = read_{class_name(kind.name)}(v, p)")
                return name
            target = self._types[kind.name]
            return self._body(target, label if isinstance(target, Unstated) else kind.name)
        return self._body(kind, label)

    def _body(self, kind: Type, label: str) -> str:
        match kind:
            case Integer():
                return self._integer(kind, label)
            case Boolean():
                return f"{self._take(1)} == 1"
            case Enumerated():
                return self._enumerated(kind, label)
            case Bits():
                return self._bits(kind)
            case Octets():
                return self._octets(kind, label)
            case Text():
                return self._text(kind, label)
            case SequenceOf():
                return self._list(kind, label)
            case Sequence():
                return self._sequence(kind, label)
            case Choice():
                return self._choice(kind, label)
            case Unstated():
                self._flush()
                self._lines.add(f'raise DecodeError("{label}: its bits are not known, nor where it ends")')
                return "None"
            case _:
                raise AssertionError(kind)

    def _integer(self, kind: Integer, label: str) -> str:
        if kind.width == 0:
            return str(kind.low)
        name, span = self._take(kind.width), kind.high - kind.low
        if span != (1 << kind.width) - 1:
            self._checks.append((f"{name} > {span}", label))
        return f"{name} {'+' if kind.low > 0 else '-'} {abs(kind.low)}" if kind.low else name

    def _enumerated(self, kind: Enumerated, label: str) -> str:
        if not kind.is_extensible:
            name = self._take(kind.width)
            if len(kind.names) != 1 << kind.width:
                self._checks.append((f"{name} > {len(kind.names) - 1}", label))
            return name
        name = self._take(1 + kind.width)
        self._flush()
        add = self._lines.add
        add(f"if {name} > {len(kind.names) - 1}:")
        if len(kind.names) != 1 << kind.width:
            add(f"    if {name} < {1 << kind.width}:")
            add(f'        raise DecodeError("{label}: a value is outside its range")')
        add(f"    {name}, p = read_small(v, p + {kind.width})")
        add(f"    {name} += {len(kind.names)}")
        return name

    def _bits(self, kind: Bits) -> str:
        if not kind.is_extensible:
            return self._take(kind.size)
        name, add = self._take(1), self._lines.add
        self._flush()  # not read ahead: a shorter one, which says so by the first bit, may be the end of the message
        add(f"if {name}:")
        add(f"    {name}, p = read_longer_bits(v, p, {kind.size})")
        add("else:")
        add(f"    p -= {kind.size}")
        add(f"    {name} = (v >> p) & {_mask(kind.size)}")
        return name

    def _octets(self, kind: Octets, label: str) -> str:
        if kind.high is None:
            self._flush()
            name = self._lines.new("y")
            self._lines.add(f"{name}, p = read_open(v, p)")
            return name
        if kind.low == kind.high:
            return f'{self._take(kind.low * 8)}.to_bytes({kind.low}, "big")'
        count = self._count(kind.low, kind.high, label)
        name = self._lines.new("y")
        self._lines.add(f"p -= 8 * {count}")
        self._lines.add(f'{name} = ((v >> p) & ((1 << 8 * {count}) - 1)).to_bytes({count}, "big")')
        return name

    def _text(self, kind: Text, label: str) -> str:
        count = self._count(kind.low, kind.high, label)
        name = self._lines.new("y")
        self._lines.add(f"{name}, p = read_text(v, p, {count})")
        return name

    def _count(self, low: int, high: int, label: str) -> str:
        """A length, read."""
        expression = self._integer(Integer(low, high), label)
        self._flush()
        count = self._lines.new("n")
        self._lines.add(f"{count} = {expression}")
        return count

    def _list(self, kind: SequenceOf, label: str) -> str:
        count = self._count(kind.low, kind.high, label)
        items, add = self._lines.new("y"), self._lines.add
        add(f"{items} = []")
        add(f"for _ in range({count}):")
        self._lines.depth += 1
        if weight(kind.element, self._types) > SMALL:
            add("v &= (1 << p) - 1")
        value = self._value(kind.element, label)
        self._flush()
        add(f"{items}.append({value})")
        self._lines.depth -= 1
        return items

    def _sequence(self, kind: Sequence, label: str) -> str:
        optional = [member for member in kind.members if member.is_optional]
        width = len(optional) + kind.is_extensible
        head = self._take(width, "o") if width else ""
        bit, arguments = len(optional), []
        for member in kind.members:
            if not member.is_optional:
                arguments.append(f"{attribute(member.name)}={self._value(member.type, member.name)}")
                continue
            bit -= 1
            self._flush()
            name = self._lines.new("y")
            self._lines.add(f"{name} = None")
            self._lines.add(f"if {head} & {1 << bit}:")
            self._lines.depth += 1
            value = self._value(member.type, member.name)
            self._flush()
            self._lines.add(f"{name} = {value}")
            self._lines.depth -= 1
            arguments.append(f"{attribute(member.name)}={name}")
        if kind.is_extensible:
            self._flush()
            condition = f"{head} & {1 << len(optional)}" if optional else head
            self._lines.add(f"if {condition}:")
            self._lines.add("    p = skip_additions(v, p)")
        return f"{class_name(label)}({', '.join(arguments)})"

    def _choice(self, kind: Choice, label: str) -> str:
        inner = (len(kind.members) - 1).bit_length()
        index = self._take(inner + kind.is_extensible, "i")
        self._flush()
        name, add = self._lines.new("y"), self._lines.add
        for place, member in enumerate(kind.members):
            add(f"{'el' if place else ''}if {index} == {place}:")
            self._lines.depth += 1
            value = self._value(member.type, member.name)
            self._flush()
            add(f'{name} = ("{member.name}", {value})')
            self._lines.depth -= 1
        if kind.is_extensible:
            self._beyond(kind, name, f"{index} >= {1 << inner}", inner)
        if kind.is_extensible or len(kind.members) != 1 << inner:
            add("else:")
            add(f'    raise DecodeError("{label}: there is no such alternative")')
        return name

    def _beyond(self, kind: Choice, name: str, condition: str, inner: int) -> None:
        """Alternatives after the extension mark: a small number, then the value with its length."""
        add = self._lines.add
        add(f"elif {condition}:")
        self._lines.depth += 1
        index, body = self._lines.new("i"), self._lines.new("y")
        add(f"{index}, p = read_small(v, p + {inner})")
        add(f"{body}, p = read_open(v, p)")
        for place, member in enumerate(kind.additions):
            add(f"{'el' if place else ''}if {index} == {place}:")
            add(f'    {name} = ("{member.name}", read_whole({body}, read_{class_name(type_name(member))}))')
        if kind.additions:
            add("else:")
            self._lines.depth += 1
        add(f'{name} = ("unknown", UnknownAlternative(index={index}, value={body}))')
        self._lines.depth -= 2 if kind.additions else 1


def _mask(width: int) -> str:
    mask = (1 << width) - 1
    return str(mask) if width <= READABLE_BITS else hex(mask)
