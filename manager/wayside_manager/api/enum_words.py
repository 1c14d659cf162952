"""Enum values of the wire as the names our own enums use.

Usage: `Outcome[enum_word(AuditEntry.Outcome.DESCRIPTOR, value, field="filter.outcomes", prefix="OUTCOME_")]`.
"""

from google.protobuf.descriptor import EnumDescriptor

from wayside.errors import InvalidArgumentError


def enum_word(descriptor: EnumDescriptor, value: int, *, field: str, prefix: str) -> str:
    """The name of a value without its prefix: `DENIED` for `OUTCOME_DENIED`.

    Raises: InvalidArgumentError: the value is not set, or none we know.
    """
    known = descriptor.values_by_number.get(value)
    if known is None or value == 0:
        raise InvalidArgumentError(f"{field}: {value} is not set or not known to this manager")
    return known.name.removeprefix(prefix)
