"""What a roadside unit answers about itself, judged: unknown for what is missing, never 0 and never green.

Usage: `judged({"rsu41/rsuIntTemp": 41, ...}, Tree.RSU41)` gives one check per object of the tree. A table is given as
the count of its rows, a message as the time since the last one [s]. The same table, to read: docs/rsu-objects.md.
"""

from collections.abc import Iterable, Mapping

from wayside_manager.core.node_health import CheckFacts, HealthState
from wayside_manager.core.rsu_center_objects import CENTER_OBJECTS
from wayside_manager.core.rsu_object import RsuObject, Tree
from wayside_manager.core.rsu_rules import number
from wayside_manager.core.rsu_snmp_objects import SNMP_OBJECTS

RSU_OBJECTS: tuple[RsuObject, ...] = (*SNMP_OBJECTS, *CENTER_OBJECTS)


def judged(values: Mapping[str, object], tree: Tree) -> tuple[CheckFacts, ...]:
    """One check per object of a tree, in its order, out of the values a unit gave, by `RsuObject.key`."""
    return tuple(_check(row, values.get(row.key)) for row in _of(tree))


def _of(tree: Tree) -> Iterable[RsuObject]:
    return (row for row in RSU_OBJECTS if row.tree is tree)


def _check(row: RsuObject, value: object) -> CheckFacts:
    if value is None:
        return _unknown(row, "the unit does not give it")
    if _is_unknown(row, value):
        return _unknown(row, "the unit says that it does not know")
    found = row.rule(value)
    if found is None:
        return _unknown(row, "what the unit gives is no value it can have")
    state, why = found
    return CheckFacts(row.check, state, f"{row.name}: {why}" if why else "", value=number(value), unit=row.unit)


def _unknown(row: RsuObject, why: str) -> CheckFacts:
    return CheckFacts(row.check, HealthState.UNKNOWN, f"{row.name}: {why}", unit=row.unit)


def _is_unknown(row: RsuObject, value: object) -> bool:
    return not isinstance(value, bool) and any(value == unknown for unknown in row.unknown)
