from typing import Any

class _Type:
    def set_val(self, value: object) -> None: ...
    def to_uper(self) -> bytes: ...
    def from_uper(self, data: bytes) -> None: ...
    def to_jer(self) -> str: ...
    def get_val(self) -> Any: ...  # noqa: ANN401

class DSRC:
    MapData: _Type

class MAPEM_PDU_Descriptions:  # noqa: N801  # as pycrate names it
    MAPEM: _Type
