"""`wayside-agent v2x decode --profile j2735|etsi`: messages of other regions, as far as pycrate has their modules.

pycrate is an extra, `wayside-agent[its]`, and not on a unit: it is 13 MB, and slow.
"""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from wayside.errors import InvalidArgumentError
from wayside.v2x.foreign import Family, Foreign, foreign
from wayside_agent.cli.v2x_envelope import security_of
from wayside_agent.core.radio_recording import RecordError
from wayside_agent.core.v2x import ReceivedMessage

TYPES = {
    (Family.J2735, "MAP"): ("ITS_IS", "DSRC", "MapData"),
    (Family.J2735, "SPAT"): ("ITS_IS", "DSRC", "SPAT"),
    (Family.J2735, "SRM"): ("ITS_IS", "DSRC", "SignalRequestMessage"),
    (Family.J2735, "SSM"): ("ITS_IS", "DSRC", "SignalStatusMessage"),
    (Family.ETSI, "MAPEM"): ("ITS_IS", "MAPEM_PDU_Descriptions", "MAPEM"),
    (Family.ETSI, "SPATEM"): ("ITS_IS", "SPATEM_PDU_Descriptions", "SPATEM"),
    (Family.ETSI, "SREM"): ("ITS_IS", "SREM_PDU_Descriptions", "SREM"),
    (Family.ETSI, "SSEM"): ("ITS_IS", "SSEM_PDU_Descriptions", "SSEM"),
    (Family.ETSI, "CAM"): ("ITS_CAM_2", "CAM_PDU_Descriptions", "CAM"),
}
"""File of pycrate, module and type. The rest is recognised and passed on as bytes."""


def decoded(records: Iterator[ReceivedMessage | RecordError], family: Family, path: Path) -> Iterator[dict[str, Any]]:
    """A document for each message; `error` where it is none of the family, no `message` where pycrate has no module.

    Raises: InvalidArgumentError: pycrate is not installed.
    """
    try:
        import_module("pycrate_asn1dir")
    except ImportError:
        raise InvalidArgumentError(
            f"{path}: messages of {family} are decoded by pycrate, which is not installed; install wayside-agent[its]"
        ) from None
    for each in records:
        if isinstance(each, RecordError):
            yield {"error": str(each)}
            continue
        found = foreign(each.payload)
        document: dict[str, Any] = {"profile": family.value, "payload": each.payload.hex()} | security_of(each.payload)
        if found is None or found.family is not family:
            yield document | {"error": f"it is no frame of {family}"}
            continue
        yield document | {"kind": found.name} | _message(found)


def _message(found: Foreign) -> dict[str, Any]:
    if (found.family, found.name) not in TYPES:
        return {}
    file, module, name = TYPES[found.family, found.name]
    kind = getattr(getattr(import_module(f"pycrate_asn1dir.{file}"), module), name)
    try:
        kind.from_uper(found.body)
        return {"message": json.loads(kind.to_jer())}
    except Exception as error:  # noqa: BLE001  # pycrate raises whatever its tables run into
        return {"error": f"pycrate does not read this {found.name}: {str(error) or type(error).__name__}"}
