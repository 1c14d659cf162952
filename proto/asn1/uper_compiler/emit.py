"""What both directions share: the lines of a function, and which types get a function of their own."""

from dataclasses import dataclass, field

from uper_compiler.model import Choice, Reference, Sequence, SequenceOf, Type, Types, children, resolved

SMALL = 5
"""A type with at most this many parts is written out where it is used."""


@dataclass(slots=True)
class Lines:
    """Lines of Python, indented."""

    rows: list[str] = field(default_factory=list)
    depth: int = 1
    _count: int = 0

    def add(self, row: str) -> None:
        """One line at the present depth."""
        self.rows.append("    " * self.depth + row)

    def new(self, stem: str = "x") -> str:
        """A name that is not taken."""
        self._count += 1
        return f"{stem}{self._count}"


def own_functions(root: str, types: Types) -> list[str]:
    """Types that are called rather than written out: messages, and large ones that are used in several places."""
    uses: dict[str, int] = {root: 2}
    order: list[str] = [root]
    waiting: list[Type] = [types[root]]
    while waiting:
        kind = waiting.pop(0)
        for child in children(kind):
            if isinstance(child, Reference):
                if child.name not in uses:
                    order.append(child.name)
                    waiting.append(types[child.name])
                uses[child.name] = uses.get(child.name, 0) + 1
            else:
                waiting.append(child)
    frame = types[root]
    messages = {each.name for each in children(frame) if isinstance(each, Reference)}
    return [
        name
        for name in order
        if isinstance(types[name], Sequence | Choice | SequenceOf)
        and (name in messages or name == root or (uses[name] > 1 and weight(types[name], types) > SMALL))
    ]


def weight(kind: Type, types: Types) -> int:
    """How many parts a type has, all told."""
    kind = resolved(kind, types)
    match kind:
        case Sequence() | Choice():
            return 1 + sum(weight(child, types) for child in children(kind))
        case SequenceOf():
            return 2 + weight(kind.element, types)
        case _:
            return 1
