"""Messages as people and JSON have them: quantities with their unit in the name, names for enumerations and bits.

    written = readable(frame)      # {"bsmFrame": {"msgCnt": 117, "pos": {"lat_deg": 39.9764645, …}, …}}
    frame = parsed(written)        # the same message again

A key that is missing is a field that was not sent; `null` is a quantity the sender did not know.
"""

from collections.abc import Callable, Mapping
from reprlib import repr as brief  # of what people wrote, however large and deep it is
from types import ModuleType
from typing import Any

from msgspec import Struct

from wayside.v2x.generated import messages, schema
from wayside.v2x.units import UNITS
from wayside.v2x.uper import EncodeError

Written = dict[str, Any]
"""What JSON can hold."""
ROOT = "MessageFrame"


def readable(frame: messages.MessageFrame) -> Written:
    """A message for people."""
    return dict([PHASE1.alternative(ROOT, frame)])


def parsed(written: Mapping[str, object]) -> messages.MessageFrame:
    """The message that people wrote.

    Raises: EncodeError: naming the field. Whether it can be sent, `codec.encode` says.
    """
    return PHASE1.chosen(ROOT, written, ROOT)  # type: ignore[return-value] # the schema says which there are


class Names:
    """Names of fields, alternatives, numbers and bits, and the classes of messages; later modules add to earlier."""

    def __init__(self, *modules: tuple[ModuleType, ModuleType]) -> None:
        """Each the names, and the classes."""
        self._classes: dict[str, type] = {}
        self._fields_of: dict[str, str] = {}
        self._octets: dict[str, None] = {}
        self._fields: dict[str, dict[str, tuple[str, str]]] = {}
        self._choices: dict[str, dict[str, str]] = {}
        self._lists: dict[str, str] = {}
        self._enumerations: dict[str, tuple[str, ...]] = {}
        self._bits: dict[str, tuple[int, dict[int, str]]] = {}
        for names, classes in modules:
            self._classes |= {each: getattr(classes, each) for each in names.FIELDS_OF.values()}
            self._fields_of |= names.FIELDS_OF
            self._octets |= names.OCTETS
            self._fields |= names.FIELDS
            self._choices |= names.CHOICES
            self._lists |= names.LISTS
            self._enumerations |= names.ENUMERATIONS
            self._bits |= names.BITS

    def alternative(self, kind: str, value: tuple[str, Any]) -> tuple[str, Any]:
        """An alternative of a CHOICE for people."""
        name, content = value
        if name == "unknown":
            return name, {"index": content.index, "value": content.value.hex()}
        return name, self.written(self._choices[kind][name], content)

    def written(self, kind: str, value: Any) -> Any:  # noqa: ANN401, PLR0911
        """A value of a type for people."""
        if isinstance(value, Struct):
            rows = self._fields[type(value).__name__]
            fields = ((rows[attribute], getattr(value, attribute)) for attribute in rows)
            return {
                _key(name, type_name): self.written(type_name, each)
                for (name, type_name), each in fields
                if each is not None
            }
        if kind in self._choices:
            return dict([self.alternative(kind, value)])
        if kind in self._lists:
            return [self.written(self._lists[kind], each) for each in value]
        if kind in UNITS:
            return UNITS[kind].value(value)
        if kind in self._enumerations:
            names = self._enumerations[kind]
            return names[value] if value < len(names) else value
        if kind in self._bits:
            size, names_of = self._bits[kind]
            return [names_of.get(place, str(place)) for place in range(size) if value >> size - 1 - place & 1]
        return value.hex() if isinstance(value, bytes) else value

    def chosen(self, kind: str, written: object, where: str) -> tuple[str, Any]:
        """An alternative of a CHOICE that people wrote.

        Raises: EncodeError: naming the field.
        """
        choices = self._choices[kind]
        if not isinstance(written, Mapping) or len(written) != 1:
            raise EncodeError(f"{where}: give one of {', '.join(choices)}")
        [(name, content)] = written.items()
        if name == "unknown":
            return name, _unknown(content, f"{where}.{name}")
        if name not in choices:
            raise EncodeError(f"{where}: {brief(name)} is none of {', '.join(choices)}")
        return name, self.read(choices[name], content, f"{where}.{name}")

    def read(self, kind: str, written: Any, where: str) -> Any:  # noqa: ANN401, C901, PLR0911
        """A value of a type that people wrote.

        Raises: EncodeError: naming the field.
        """
        if "|" in kind:  # the profiles differ: the one that has these fields
            kinds = [each for each in kind.split("|") if self._has_all(each, written)]
            kind = kinds[0] if kinds else kind.split("|", maxsplit=1)[0]
        if kind in self._fields_of:
            return self._structure(kind, written, where)
        if kind in self._choices:
            return self.chosen(kind, written, where)
        if kind in self._lists:
            items = _of(list, written, where, "a list")
            return [self.read(self._lists[kind], each, f"{where}[{place}]") for place, each in enumerate(items)]
        if kind in UNITS:
            if written is not None and (isinstance(written, bool) or not isinstance(written, int | float)):
                raise EncodeError(f"{where}: {brief(written)} is no number")
            return _tried(UNITS[kind].raw, written, where)
        if kind in self._enumerations:
            names = self._enumerations[kind]
            if isinstance(written, str):
                return _place(names, written, where)
            return _of(int, written, where, f"one of {', '.join(names)}")
        if kind in self._bits:
            return self._bits_of(kind, written, where)
        if kind in self._octets:
            return _tried(bytes.fromhex, _of(str, written, where, "bytes as hexadecimal digits"), where)
        return written

    def _has_all(self, kind: str, written: object) -> bool:
        keys = {_key(*row) for row in self._fields[self._fields_of[kind]].values()}
        return isinstance(written, Mapping) and keys.issuperset(written)

    def _structure(self, kind: str, written: object, where: str) -> object:
        rows = self._fields[self._fields_of[kind]]
        keys = {_key(name, type_name): (attribute, type_name) for attribute, (name, type_name) in rows.items()}
        given = _of(dict, written, where, "an object")
        for key in given:
            if key not in keys:
                raise EncodeError(f"{where}: {brief(key)} is none of {', '.join(keys)}")
        values = {keys[key][0]: self.read(keys[key][1], each, f"{where}.{key}") for key, each in given.items()}
        try:
            return self._classes[self._fields_of[kind]](**values)
        except TypeError as error:
            raise EncodeError(f"{where}: {error}") from None

    def _bits_of(self, kind: str, written: object, where: str) -> int:
        size, names_of = self._bits[kind]
        places = {label: place for place, label in names_of.items()} | {str(place): place for place in range(size)}
        names = _of(list, written, where, "a list of names of bits")
        for name in names:
            if name not in places:
                raise EncodeError(f"{where}: {brief(name)} is none of {', '.join(places)}")
        return sum(1 << size - 1 - place for place in {places[name] for name in names})


PHASE1 = Names((schema, messages))


def _key(name: str, kind: str) -> str:
    return f"{name}_{UNITS[kind].suffix}" if kind in UNITS else name


def _unknown(written: Any, where: str) -> messages.UnknownAlternative:  # noqa: ANN401
    """An alternative that came after the standard we know, as `Names.alternative` writes it."""
    given = _of(dict, written, where, "an object")
    if given.keys() != {"index", "value"}:
        raise EncodeError(f"{where}: give index and value, nothing else")
    value = _of(str, given["value"], f"{where}.value", "bytes as hexadecimal digits")
    index = _of(int, given["index"], f"{where}.index", "a number")
    return messages.UnknownAlternative(index=index, value=_tried(bytes.fromhex, value, f"{where}.value"))


def _place(names: tuple[str, ...], name: str, where: str) -> int:
    if name not in names:
        raise EncodeError(f"{where}: {brief(name)} is none of {', '.join(names)}")
    return names.index(name)


def _of(kind: type, written: Any, where: str, wanted: str) -> Any:  # noqa: ANN401
    if not isinstance(written, kind) or isinstance(written, bool):
        raise EncodeError(f"{where}: {brief(written)} is not {wanted}")
    return written


def _tried(read: Callable[[Any], Any], written: object, where: str) -> Any:  # noqa: ANN401
    try:
        return read(written)
    except (ValueError, OverflowError) as error:
        raise EncodeError(f"{where}: {error}") from None
