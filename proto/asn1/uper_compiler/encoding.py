"""Writes the functions that write messages.

What was written so far is one growing number `a` with a leading 1, so that leading zeros are not lost. Neighbouring
fields of fixed width are joined and appended at once, after they were held against their ranges. What is long in a list
is written by itself first, and appended whole: each shift of the long number copies all of it.
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


class Encoding:
    """Writes one function."""

    def __init__(self, types: Types, functions: frozenset[str]) -> None:
        self._types = types
        self._functions = functions
        self._lines = Lines()
        self._run: list[tuple[str, int]] = []

    def function(self, name: str) -> str:
        """The function that appends a value of a type: `(x, a)` to the longer `a`."""
        self._body(self._types[name], "x", name)
        self._flush()
        self._lines.add("return a")
        head = f"def write_{class_name(name)}(x: {hint_of(Reference(name), self._types)}, a: int) -> int:"
        return "\n".join([head, *self._lines.rows]) + "\n"

    def _put(self, expression: str, width: int) -> None:
        """A field for the present run; the expression is in range."""
        self._run.append((expression, width))

    def _flush(self) -> None:
        if not self._run:
            return
        left = total = sum(width for _, width in self._run)
        parts = [f"a << {total}"]
        for expression, width in self._run:
            left -= width
            if expression.endswith(" is not None"):  # no shift of a truth value: compilers make it one of 64 bits
                parts.append(f"({1 << left if left < READABLE_BITS else f'1 << {left}'} if {expression} else 0)")
            elif expression != "0":
                parts.append(f"{expression} << {left}" if left else expression)
        self._lines.add(f"a = {' | '.join(parts)}")
        self._run.clear()

    def _named(self, source: str) -> str:
        """A local variable with the value of an expression."""
        if source.isidentifier():
            return source
        name = self._lines.new("v")
        self._lines.add(f"{name} = {source}")
        return name

    def _value(self, kind: Type, source: str, label: str) -> None:
        if isinstance(kind, Reference):
            if kind.name in self._functions:
                self._flush()
                self._lines.add(f"a = write_{class_name(kind.name)}({source}, a)")
                return
            label = kind.name if _is_built(self._types[kind.name]) else label
            kind = self._types[kind.name]
        self._body(kind, source, label)

    def _body(self, kind: Type, source: str, label: str) -> None:
        match kind:
            case Integer():
                self._integer(kind, source, label)
            case Boolean():
                self._put(f"({source} is True)", 1)
            case Enumerated():
                self._enumerated(kind, source, label)
            case Bits():
                self._bits(kind, source, label)
            case Octets():
                self._octets(kind, source, label)
            case Text():
                self._text(kind, source, label)
            case SequenceOf():
                self._list(kind, source, label)
            case Sequence():
                self._sequence(kind, source)
            case Choice():
                self._choice(kind, source, label)
            case Unstated():
                self._flush()
                self._lines.add(f'raise EncodeError("{label}: its bits are not known; leave it out")')
            case _:
                raise AssertionError(kind)

    def _must(self, condition: str, label: str, name: str, low: int, high: int) -> None:
        self._lines.add(f"if not {condition}:")
        self._lines.add(f'    raise out_of_range("{label}", {name}, {low}, {high})')

    def _integer(self, kind: Integer, source: str, label: str) -> None:
        name = self._named(source)
        self._must(f"{kind.low} <= {name} <= {kind.high}", label, name, kind.low, kind.high)
        if kind.width:
            sign = "-" if kind.low > 0 else "+"
            self._put(f"({name} {sign} {abs(kind.low)})" if kind.low else name, kind.width)

    def _enumerated(self, kind: Enumerated, source: str, label: str) -> None:
        name, last = self._named(source), len(kind.names) - 1
        if not kind.is_extensible:
            self._must(f"0 <= {name} <= {last}", label, name, 0, last)
            self._put(name, kind.width)
            return
        self._flush()
        add = self._lines.add
        add(f"if 0 <= {name} <= {last}:")
        add(f"    a = a << {1 + kind.width} | {name}")
        add("else:")
        add(f'    a = write_small({name} - {last + 1}, a << 1 | 1, "{label}")')

    def _bits(self, kind: Bits, source: str, label: str) -> None:
        name, high = self._named(source), (1 << kind.size) - 1
        self._must(f"0 <= {name} <= {high}", label, name, 0, high)
        self._put(name, kind.size + kind.is_extensible)

    def _octets(self, kind: Octets, source: str, label: str) -> None:
        name = self._named(source)
        if kind.high is None:
            self._flush()
            self._lines.add(f"a = write_open({name}, a)")
            return
        self._must(f"{kind.low} <= len({name}) <= {kind.high}", label, f"len({name})", kind.low, kind.high)
        if kind.low == kind.high:
            self._put(f'int.from_bytes({name}, "big")', kind.low * 8)
            return
        self._put(f"(len({name}) - {kind.low})", Integer(kind.low, kind.high).width)
        self._flush()
        self._lines.add(f'a = a << 8 * len({name}) | int.from_bytes({name}, "big")')

    def _text(self, kind: Text, source: str, label: str) -> None:
        name = self._named(source)
        self._must(f"{kind.low} <= len({name}) <= {kind.high}", label, f"len({name})", kind.low, kind.high)
        self._put(f"(len({name}) - {kind.low})", Integer(kind.low, kind.high).width)
        self._flush()
        self._lines.add(f'a = write_text({name}, a, "{label}")')

    def _list(self, kind: SequenceOf, source: str, label: str) -> None:
        name = self._named(source)
        self._must(f"{kind.low} <= len({name}) <= {kind.high}", label, f"len({name})", kind.low, kind.high)
        width = Integer(kind.low, kind.high).width
        if width:
            self._put(f"(len({name}) - {kind.low})", width)
        self._flush()
        item, add = self._lines.new("v"), self._lines.add
        if weight(kind.element, self._types) <= SMALL:
            add(f"for {item} in {name}:")
            self._item(kind, item, label)
            return
        before, bits = self._lines.new("v"), self._lines.new("v")
        add(f"{before} = a")
        add(f"for {item} in {name}:")
        add("    a = 1")
        self._item(kind, item, label)
        add(f"    {bits} = a.bit_length() - 1")
        add(f"    {before} = {before} << {bits} | a ^ 1 << {bits}")
        add(f"a = {before}")

    def _item(self, kind: SequenceOf, item: str, label: str) -> None:
        """One turn of the loop over a list."""
        self._lines.depth += 1
        self._value(kind.element, item, label)
        self._flush()
        self._lines.depth -= 1

    def _sequence(self, kind: Sequence, source: str) -> None:
        name = self._named(source)
        if kind.is_extensible:
            self._put("0", 1)
        optional = {}
        for member in kind.members:
            if member.is_optional:
                optional[member.name] = local = self._lines.new("v")
                self._lines.add(f"{local} = {name}.{attribute(member.name)}")
                self._put(f"{local} is not None", 1)
        for member in kind.members:
            if member.name not in optional:
                self._value(member.type, f"{name}.{attribute(member.name)}", member.name)
                continue
            self._flush()
            self._lines.add(f"if {optional[member.name]} is not None:")
            self._lines.depth += 1
            self._value(member.type, optional[member.name], member.name)
            self._flush()
            self._lines.depth -= 1

    def _choice(self, kind: Choice, source: str, label: str) -> None:
        self._flush()
        which, value, add = self._lines.new("v"), self._lines.new("v"), self._lines.add
        add(f"{which}, {value} = {source}")
        width = (len(kind.members) - 1).bit_length() + kind.is_extensible
        for place, member in enumerate(kind.members):
            add(f'{"el" if place else ""}if {which} == "{member.name}":')
            self._lines.depth += 1
            self._put(str(place), width)
            self._value(member.type, value, member.name)
            self._flush()
            self._lines.depth -= 1
        for place, member in enumerate(kind.additions):
            add(f'elif {which} == "{member.name}":')
            body = f"whole(write_{class_name(type_name(member))}({value}, 1))"
            add(f'    a = write_open({body}, write_small({place}, a << 1 | 1, "{label}"))')
        if kind.is_extensible:
            add(f'elif {which} == "unknown":')
            add(f'    a = write_open({value}.value, write_small({value}.index, a << 1 | 1, "{label}"))')
        add("else:")
        add(f'    raise EncodeError(f"{label}: there is no alternative {{{which}!r}}")')


def _is_built(kind: Type) -> bool:
    """Whether the name of a type says more than the name of the field."""
    return isinstance(kind, Sequence | Choice | SequenceOf)
