"""Random messages of every kind, from the modules themselves, and their translation for two other codecs."""

from pathlib import Path
from random import Random
from typing import Any

import msgspec

from uper_compiler.grammar import read
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
    resolved,
)
from uper_compiler.naming import attribute, class_name
from wayside.v2x import phase2
from wayside.v2x.codec import Profile
from wayside.v2x.generated import messages, phase2_messages
from wayside.v2x.generated.messages import MessageFrameExt

ASN1 = Path(__file__).parents[1] / "proto" / "asn1"
PHASE2 = {number: Reference(kind.__name__) for kind, number in phase2.NUMBERS.items()}
"""Types of phase 2 by messageId."""
LETTERS = "".join(map(chr, range(32, 127)))


def folders(profile: Profile) -> list[Path]:
    """Where the modules of a profile are."""
    return [ASN1 / "common", ASN1 / profile.value]


def files(profile: Profile) -> list[str]:
    """The modules of a profile."""
    return [str(path) for folder in folders(profile) for path in sorted(folder.glob("*.asn"))]


def types_of(profile: Profile) -> Types:
    """The types of a profile."""
    return read(folders(profile))


def phase2_types_of(profile: Profile) -> Types:
    """The types of a profile, and of phase 2 under it."""
    return read([*folders(profile), ASN1 / "phase2"])


class Values:
    """Makes values of types, and says what asn1tools calls them."""

    def __init__(self, types: Types, random: Random, *, most_items: int = 4) -> None:
        self._types = types
        self._random = random
        self._most_items = most_items

    def make(self, kind: Type, name: str = "") -> Any:  # noqa: ANN401, C901, PLR0911
        """A random value, now and then at the ends of its range."""
        random = self._random
        match kind:
            case Reference():
                return self.make(self._types[kind.name], kind.name)
            case Integer():
                return random.choice((kind.low, kind.high, random.randint(kind.low, kind.high)))
            case Boolean():
                return random.random() < 0.5
            case Enumerated():
                return random.randrange(len(kind.names))
            case Bits():
                return random.getrandbits(kind.size)
            case Octets():
                high = kind.low + 200 if kind.high is None else kind.high
                return random.randbytes(random.choice((kind.low, random.randint(kind.low, high))))
            case Text():
                return "".join(random.choices(LETTERS, k=random.randint(kind.low, min(kind.high, 40))))
            case SequenceOf():
                count = random.choice((kind.low, random.randint(kind.low, min(kind.high, kind.low + self._most_items))))
                return [self.make(kind.element) for _ in range(count)]
            case Choice():
                member = random.choice([each for each in kind.members + kind.additions if self._is_stated(each.type)])
                return member.name, self.make(member.type)
            case Sequence():
                values = {
                    attribute(member.name): self.make(member.type)
                    for member in kind.members
                    if self._is_stated(member.type) and (not member.is_optional or random.random() < 0.5)
                }
                made = class_name(name)
                return getattr(messages if hasattr(messages, made) else phase2_messages, made)(**values)

    def _is_stated(self, kind: Type) -> bool:
        return not isinstance(resolved(kind, self._types), Unstated)

    def foreign(self, kind: Type, value: Any) -> Any:  # noqa: ANN401, PLR0911
        """The same value as asn1tools has it."""
        match kind:
            case Reference():
                return self.foreign(self._types[kind.name], value)
            case Enumerated():
                return kind.names[value]
            case Bits():
                width = -(-kind.size // 8) * 8
                return (value << width - kind.size).to_bytes(width // 8, "big"), kind.size
            case SequenceOf():
                return [self.foreign(kind.element, each) for each in value]
            case Choice():
                [member] = [each for each in kind.members + kind.additions if each.name == value[0]]
                return value[0], self.foreign(member.type, value[1])
            case Sequence():
                named = ((member, getattr(value, attribute(member.name))) for member in kind.members)
                return {member.name: self.foreign(member.type, each) for member, each in named if each is not None}
            case _:
                return value


def phase2_pool(profile: Profile, number: int, seed: int, count: int) -> list[bytes]:
    """What open types hold: random messages of one type of phase 2."""
    made = Values(phase2_types_of(profile), Random(seed), most_items=2)  # noqa: S311  # repeatable, no secrets
    frames = (phase2.frame(made.make(PHASE2[number]), profile, unconfirmed=True) for _ in range(count))
    return [extension.value for _, extension in frames if isinstance(extension, MessageFrameExt)]


def plain(value: object) -> object:
    """A message without its classes, to be compared."""
    return msgspec.to_builtins(value)
