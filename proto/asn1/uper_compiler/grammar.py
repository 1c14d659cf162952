"""Reads ASN.1 modules: the part of X.680 that ours use."""

import re
from pathlib import Path

from uper_compiler.model import (
    Bits,
    Boolean,
    Choice,
    CompileError,
    Enumerated,
    Integer,
    Member,
    ObjectSet,
    Octets,
    Reference,
    Sequence,
    SequenceOf,
    Text,
    Type,
    Types,
    Unstated,
)

TOKEN = re.compile(r"\s+|--[^\n]*|(::=|\.\.\.|\.\.|[{}(),;|]|-?\d+|&?[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*)")

FRAGMENTS = 65_536
"""From here a length is written in another way (X.691, 11.9)."""


def read(folders: list[Path]) -> Types:
    """The types of all modules in some folders.

    Raises: CompileError: a file is no module, or defines what another defines too.
    """
    types: Types = {}
    for folder in folders:
        for path in sorted(folder.glob("*.asn")):
            for name, kind in Module(path).types():
                if name in types:
                    raise CompileError(f"{path.name}: {name} is defined twice")
                types[name] = kind
    return types


class Module:
    """One file, word for word."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._words = _words(path)
        self._at = 0

    def types(self) -> list[tuple[str, Type]]:
        """Its definitions, in order.

        Raises: CompileError.
        """
        for word in (None, "DEFINITIONS", "AUTOMATIC", "TAGS", "::=", "BEGIN"):
            self._take(word)
        if self._next == "IMPORTS":  # every module of a profile is read: nothing to look up
            while self._take() != ";":
                pass
        found: list[tuple[str, Type]] = []
        while self._next != "END":
            name = self._take()
            if self._next != "::=":
                self._take()  # the class; ours are all of one shape
                self._take("::=")
                found.append((name, self._object_set()))
                continue
            self._take("::=")
            if self._is("CLASS"):
                self._skip_class()
            else:
                found.append((name, self._type()))
        return found

    def _skip_class(self) -> None:
        """Fields, and the words between them, which are those of `_object_set`."""
        for begin in (None, "SYNTAX"):
            if begin:
                self._take("WITH")
                self._take(begin)
            self._take("{")
            while self._take() != "}":
                pass

    def _object_set(self) -> ObjectSet:
        """`{ {Type IDENTIFIED BY number} | …, ... }`."""
        self._take("{")
        rows = []
        while True:
            self._take("{")
            reference = Reference(self._take())
            self._take("IDENTIFIED")
            self._take("BY")
            rows.append((int(self._take()), reference))
            self._take("}")
            if not self._is("|"):
                break
        for word in (",", "...", "}"):
            self._take(word)
        numbers = [number for number, _ in rows]
        for number in numbers:
            if numbers.count(number) > 1:
                raise CompileError(f"{self._name}: {number} names two types")
        return ObjectSet(tuple(rows))

    @property
    def _next(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _take(self, wanted: str | None = None) -> str:
        word = self._next
        if not word or (wanted is not None and word != wanted):
            raise CompileError(f"{self._name}: {wanted or 'a word'} is missing before {word or 'the end'}")
        self._at += 1
        return word

    def _is(self, word: str) -> bool:
        if self._next == word:
            self._at += 1
            return True
        return False

    def _type(self) -> Type:
        word = self._take()
        match word:
            case "INTEGER":
                names = self._named_numbers()
                return Integer(*self._range(), names)
            case "BOOLEAN":
                return Boolean()
            case "NULL":
                return Unstated()
            case "ENUMERATED":
                return self._enumerated()
            case "BIT":
                self._take("STRING")
                return self._bits()
            case "OCTET":
                self._take("STRING")
                return Octets(*self._size()) if self._next == "(" else Octets(0, None)
            case "IA5String":
                return Text(*self._size())
            case "SEQUENCE":
                return self._sequence()
            case "CHOICE":
                root, additions, is_extensible = self._members()
                return Choice(root, is_extensible, additions)
            case _ if word[0].isupper():
                return Reference(word)
        raise CompileError(f"{self._name}: {word} is no type")

    def _sequence(self) -> Type:
        if self._next == "(":
            low, high = self._size()
            self._take("OF")
            return SequenceOf(low, high, self._type())
        root, additions, is_extensible = self._members()
        if additions:
            raise CompileError(f"{self._name}: additions of a SEQUENCE are not read yet: {additions[0].name}")
        return Sequence(root, is_extensible)

    def _members(self) -> tuple[tuple[Member, ...], tuple[Member, ...], bool]:
        self._take("{")
        parts: tuple[list[Member], list[Member]] = ([], [])
        is_extensible = False
        while True:
            if self._is("..."):
                is_extensible = True
            else:
                name, kind = self._take(), self._type()
                parts[is_extensible].append(Member(name, kind, self._is("OPTIONAL")))
            if not self._is(","):
                self._take("}")
                return tuple(parts[0]), tuple(parts[1]), is_extensible

    def _enumerated(self) -> Enumerated:
        self._take("{")
        names: list[str] = []
        while True:
            word = self._take()
            if word == "...":
                self._take("}")
                return Enumerated(tuple(names), is_extensible=True)
            names.append(word)
            if not self._is(","):
                self._take("}")
                return Enumerated(tuple(names), is_extensible=False)

    def _bits(self) -> Bits:
        names = self._named_numbers()
        self._take("(")
        self._take("SIZE")
        self._take("(")
        size = int(self._take())
        is_extensible = self._is(",")
        if is_extensible:
            self._take("...")
        self._take(")")
        self._take(")")
        return Bits(size, is_extensible, names)

    def _named_numbers(self) -> tuple[tuple[str, int], ...]:
        names: list[tuple[str, int]] = []
        if self._is("{"):
            while True:
                name = self._take()
                self._take("(")
                names.append((name, int(self._take())))
                self._take(")")
                if not self._is(","):
                    self._take("}")
                    break
        return tuple(names)

    def _range(self) -> tuple[int, int]:
        self._take("(")
        low = int(self._take())
        high = int(self._take()) if self._is("..") else low
        self._take(")")
        if high < low:
            raise CompileError(f"{self._name}: there is nothing between {low} and {high}")
        return low, high

    def _size(self) -> tuple[int, int]:
        self._take("(")
        self._take("SIZE")
        bounds = self._range()
        self._take(")")
        if bounds[1] >= FRAGMENTS:
            raise CompileError(f"{self._name}: a size of {bounds[1]} comes in fragments, which are not read")
        return bounds


def _words(path: Path) -> list[str]:
    text, words, at = path.read_text(encoding="ascii"), [], 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise CompileError(f"{path.name}: {text[at : at + 20]!r} is not understood")
        if found[1]:
            words.append(found[1])
        at = found.end()
    return words
