"""What an ASN.1 module says, as far as our modules need it (X.680)."""

from dataclasses import dataclass


class CompileError(Exception):
    """A module cannot be compiled; says where and why."""


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from a range."""

    low: int
    high: int
    names: tuple[tuple[str, int], ...] = ()

    @property
    def width(self) -> int:
        """Bits on the wire."""
        return (self.high - self.low).bit_length()


@dataclass(frozen=True, slots=True)
class Boolean:
    """Yes or no."""


@dataclass(frozen=True, slots=True)
class Enumerated:
    """One of the names; extensible ones may grow."""

    names: tuple[str, ...]
    is_extensible: bool

    @property
    def width(self) -> int:
        """Bits of a root name, without the extension bit."""
        return (len(self.names) - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Bits:
    """A BIT STRING of a fixed size; extensible ones may be longer."""

    size: int
    is_extensible: bool
    names: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Octets:
    """An OCTET STRING; `high is None`: of any length."""

    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Text:
    """An IA5String."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Reference:
    """Another type, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class SequenceOf:
    """A list."""

    low: int
    high: int
    element: "Type"


@dataclass(frozen=True, slots=True)
class Member:
    """A component of a SEQUENCE, or an alternative of a CHOICE."""

    name: str
    type: "Type"
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """A SEQUENCE. What comes after the extension mark is skipped when it is read."""

    members: tuple[Member, ...]
    is_extensible: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A CHOICE: the alternatives of the root, and known ones after the extension mark."""

    members: tuple[Member, ...]
    is_extensible: bool
    additions: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Unstated:
    """A field of which no source says the bits (NULL in our modules): a message that has it is refused."""


@dataclass(frozen=True, slots=True)
class ObjectSet:
    """Which types an open type may have, by number."""

    rows: tuple[tuple[int, Reference], ...]


Type = (
    Integer
    | Boolean
    | Enumerated
    | Bits
    | Octets
    | Text
    | Reference
    | SequenceOf
    | Sequence
    | Choice
    | Unstated
    | ObjectSet
)
Types = dict[str, Type]
"""Every type of a profile, by its name in the modules."""


def children(kind: Type) -> tuple[Type, ...]:
    """What a type is made of."""
    match kind:
        case Sequence():
            return tuple(member.type for member in kind.members)
        case Choice():
            return tuple(member.type for member in kind.members + kind.additions)
        case SequenceOf():
            return (kind.element,)
        case ObjectSet():
            return tuple(reference for _, reference in kind.rows)
        case _:
            return ()


def resolved(kind: Type, types: Types) -> Type:
    """The type behind references.

    Raises: CompileError: there is no such type.
    """
    while isinstance(kind, Reference):
        if kind.name not in types:
            raise CompileError(f"{kind.name}: no module defines it")
        kind = types[kind.name]
    return kind


def type_name(member: Member) -> str:
    """The name of the type of an addition.

    Raises: CompileError: it has none; its function would have none either.
    """
    if not isinstance(member.type, Reference):
        raise CompileError(f"{member.name}: give its type a name of its own")
    return member.type.name


def closure(name: str, types: Types) -> dict[str, Type]:
    """A named type and every named type below it."""
    found: dict[str, Type] = {}
    waiting: list[Type] = [Reference(name)]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, Reference):
            if kind.name not in found:
                found[kind.name] = types[kind.name]
                waiting.append(types[kind.name])
        else:
            waiting.extend(children(kind))
    return found
