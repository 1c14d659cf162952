"""Python's names for ASN.1's."""

import keyword


def class_name(name: str) -> str:
    """`Position-LL-24B` becomes `PositionLL24B`."""
    return "".join(part[0].upper() + part[1:] for part in name.split("-"))


def attribute(name: str) -> str:
    """`position-LL1` becomes `position_LL1`."""
    plain = name.replace("-", "_")
    return f"{plain}_" if keyword.iskeyword(plain) else plain
