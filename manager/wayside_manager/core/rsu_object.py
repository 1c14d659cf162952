"""A management object of roadside units, and what is made of its value.

Usage: a row of `core.rsu_snmp_objects` or `core.rsu_center_objects`.
"""

from dataclasses import dataclass
from enum import StrEnum

from wayside_manager.core.events import Severity
from wayside_manager.core.rsu_rules import Rule


class Tree(StrEnum):
    """Where an object comes from."""

    RSU41 = "rsu41"
    """RSU 4.1 MIB, OID 1.0.15628.4.1."""
    NTCIP1218 = "ntcip1218"
    """NTCIP 1218, OID 1.3.6.1.4.1.1206.4.2.18."""
    TITS0117 = "tits0117"
    """T/ITS 0117, between a roadside unit and its centre."""


@dataclass(frozen=True, slots=True)
class RsuObject:
    """One object."""

    tree: Tree
    name: str
    """As the tree calls it."""
    unit: str
    """Unit, or the values it can have. Empty: it only holds others."""
    check: str
    """Name of the check it feeds."""
    rule: Rule
    """Makes a state of a value."""
    unknown: tuple[object, ...] = ()
    """Values that say that the unit does not know; one that is absent always does."""
    severity: Severity | None = None
    """Of the alert, when it is not ok. `None`: it only informs."""
    named: str = ""
    """What the list of domain rules calls it, where that is not its name."""

    @property
    def key(self) -> str:
        """Its name among the objects of all trees: `rsu41/rsuIntTemp`."""
        return f"{self.tree}/{self.name}"
