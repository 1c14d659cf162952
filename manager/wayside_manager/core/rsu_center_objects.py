"""Objects that roadside units send to a centre by T/ITS 0117: messages, and the fields of INFO.UP and RunningInfo.UP.

One row per object, as `core.rsu_objects` reads them.
"""

from wayside_manager.core.events import Severity
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.rsu_object import RsuObject, Tree
from wayside_manager.core.rsu_rules import counted, error_list, said, within, word

ZERO_OK = {0: HealthState.OK} | dict.fromkeys(range(1, 256), HealthState.FAILED)
OTA_CODES = {0: HealthState.OK, 1: HealthState.DEGRADED, 2: HealthState.DEGRADED}
SAMPLE_MODES = {"ByAll": HealthState.OK, "ByID": HealthState.OK}

CENTER_OBJECTS = (
    RsuObject(Tree.TITS0117, "INFO.UP", "s since the last", "rsu.link.info", counted),
    RsuObject(Tree.TITS0117, "CONFIG.DOWN", "s since the last", "rsu.link.config.down", counted),
    RsuObject(Tree.TITS0117, "MAP.UP", "s since the last", "rsu.link.map.up", counted),
    RsuObject(Tree.TITS0117, "MAP.DOWN", "s since the last", "rsu.link.map.down", counted),
    RsuObject(Tree.TITS0117, "BSM.UP", "s since the last", "rsu.link.bsm.up", counted),
    RsuObject(Tree.TITS0117, "RSM.UP", "s since the last", "rsu.link.rsm.up", counted),
    RsuObject(Tree.TITS0117, "RSM.DOWN", "s since the last", "rsu.link.rsm.down", counted),
    RsuObject(Tree.TITS0117, "RSI.UP", "s since the last", "rsu.link.rsi.up", counted),
    RsuObject(Tree.TITS0117, "RSI.DOWN", "s since the last", "rsu.link.rsi.down", counted),
    RsuObject(Tree.TITS0117, "SPAT.UP", "s since the last", "rsu.link.spat.up", counted),
    RsuObject(Tree.TITS0117, "SPAT.DOWN", "s since the last", "rsu.link.spat.down", counted),
    RsuObject(Tree.TITS0117, "BaseINFO.UP", "s since the last", "rsu.link.base_info", counted),
    RsuObject(Tree.TITS0117, "Log.UP", "s since the last", "rsu.link.log", counted),
    RsuObject(Tree.TITS0117, "OTA.UP", "s since the last", "rsu.link.ota.up", counted),
    RsuObject(Tree.TITS0117, "MNG.DOWN", "s since the last", "rsu.link.management", counted),
    RsuObject(Tree.TITS0117, "INFOQuery", "s since the last", "rsu.link.query", counted),
    RsuObject(Tree.TITS0117, "Response", "s since the last", "rsu.link.response", counted),
    RsuObject(
        Tree.TITS0117, "INFO.UP ACK", "error code, 0 none", "rsu.link.info.acknowledged", word(ZERO_OK), named="ACK"
    ),
    RsuObject(
        Tree.TITS0117, "CONFIG ACK", "error code, 0 none", "rsu.link.config.acknowledged", word(ZERO_OK), named="ACK"
    ),
    RsuObject(Tree.TITS0117, "MAP ACK", "error code, 0 none", "rsu.link.map.acknowledged", word(ZERO_OK), named="ACK"),
    RsuObject(Tree.TITS0117, "RSI ACK", "error code, 0 none", "rsu.link.rsi.acknowledged", word(ZERO_OK), named="ACK"),
    RsuObject(Tree.TITS0117, "OTA.DOWN", "s since the last", "rsu.link.ota.down", counted),
    RsuObject(
        Tree.TITS0117,
        "OTA ACK errorcode",
        "0 done, 1 and 2 errors",
        "rsu.link.ota.acknowledged",
        word(OTA_CODES),
        severity=Severity.MINOR,
        named="errorcode",
    ),
    RsuObject(
        Tree.TITS0117,
        "HB.UP",
        "s since the last",
        "rsu.link.heartbeat",
        within(ge=0, le=150, fails=True),
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.TITS0117,
        "RunningInfo.UP",
        "s since the last",
        "rsu.link.running_info",
        within(ge=0, le=150),
        severity=Severity.MINOR,
    ),
    RsuObject(
        Tree.TITS0117, "RunningInfo cpu", "%", "rsu.host.cpu", within(ge=0, le=95), severity=Severity.MINOR, named="cpu"
    ),
    RsuObject(
        Tree.TITS0117,
        "RunningInfo mem",
        "%",
        "rsu.host.memory",
        within(ge=0, le=95),
        severity=Severity.MINOR,
        named="mem",
    ),
    RsuObject(
        Tree.TITS0117,
        "RunningInfo disk",
        "%",
        "rsu.storage.space",
        within(ge=0, le=95),
        severity=Severity.MINOR,
        named="disk",
    ),
    RsuObject(Tree.TITS0117, "RunningInfo net", "byte/s", "rsu.host.network", counted, named="net"),
    RsuObject(Tree.TITS0117, "MNG hbRate", "s", "rsu.management.heartbeat_period", counted, named="hbRate"),
    RsuObject(
        Tree.TITS0117,
        "MNG runningInfoRate",
        "s",
        "rsu.management.running_info_period",
        counted,
        named="runningInfoRate",
    ),
    RsuObject(Tree.TITS0117, "MNG addressChg", "address, time", "rsu.management.address", said, named="addressChg"),
    RsuObject(Tree.TITS0117, "MNG logLevel", "word", "rsu.management.log_level", said, named="logLevel"),
    RsuObject(Tree.TITS0117, "MNG reboot", "truth", "rsu.management.reboot", said, named="reboot"),
    RsuObject(Tree.TITS0117, "MNG extendConfig", "object", "rsu.management.extended", said, named="extendConfig"),
    RsuObject(Tree.TITS0117, "MNG cssUrl", "URL", "rsu.management.address.url", said, named="cssUrl"),
    RsuObject(Tree.TITS0117, "MNG time", "time", "rsu.management.address.time", said, named="time"),
    RsuObject(Tree.TITS0117, "rsuId", "text", "rsu.identity.id", said),
    RsuObject(Tree.TITS0117, "rsuEsn", "text", "rsu.identity.esn", said),
    RsuObject(Tree.TITS0117, "rsuName", "text", "rsu.identity.name", said),
    RsuObject(Tree.TITS0117, "version", "text", "rsu.identity.version", said),
    RsuObject(Tree.TITS0117, "rsuStatus", "0 well, else a fault", "rsu.status", word(ZERO_OK), severity=Severity.MAJOR),
    RsuObject(Tree.TITS0117, "location", "both of the next", "rsu.gnss.location", said),
    RsuObject(
        Tree.TITS0117,
        "location lon",
        "degree",
        "rsu.gnss.location.longitude",
        within(ge=-180, le=180),
        unknown=(180.0000001, 1_800_000_001),
        named="lon",
    ),
    RsuObject(
        Tree.TITS0117,
        "location lat",
        "degree",
        "rsu.gnss.location.latitude",
        within(ge=-90, le=90),
        unknown=(90.0000001, 900_000_001),
        named="lat",
    ),
    RsuObject(Tree.TITS0117, "config", "object", "rsu.config", said),
    RsuObject(Tree.TITS0117, "config map", "object", "rsu.config.map", said, named="map"),
    RsuObject(Tree.TITS0117, "config bsm", "object", "rsu.config.bsm", said, named="bsm"),
    RsuObject(Tree.TITS0117, "config rsi", "object", "rsu.config.rsi", said, named="rsi"),
    RsuObject(Tree.TITS0117, "config spat", "object", "rsu.config.spat", said, named="spat"),
    RsuObject(Tree.TITS0117, "config rsm", "object", "rsu.config.rsm", said, named="rsm"),
    RsuObject(
        Tree.TITS0117,
        "bsm sampleMode",
        "ByAll or ByID",
        "rsu.config.bsm.sample_mode",
        word(SAMPLE_MODES),
        named="sampleMode",
    ),
    RsuObject(
        Tree.TITS0117,
        "bsm sampleRate",
        "1/10 000",
        "rsu.config.bsm.sample_rate",
        within(ge=0, le=10_000),
        named="sampleRate",
    ),
    RsuObject(Tree.TITS0117, "bsm upLimit", "1/s", "rsu.config.bsm.up_limit", counted, named="upLimit"),
    RsuObject(Tree.TITS0117, "bsm upFilters", "list", "rsu.config.bsm.up_filters", said, named="upFilters"),
    RsuObject(Tree.TITS0117, "ack", "truth", "rsu.link.ack_wanted", said),
    RsuObject(Tree.TITS0117, "seqNum", "number", "rsu.link.sequence", counted),
    RsuObject(
        Tree.TITS0117, "STATE.UP", "s since the last", "rsu.link.state", within(ge=0, le=10), severity=Severity.MINOR
    ),
    RsuObject(
        Tree.TITS0117, "errList", "codes: 11, 52, 53, 54, 255", "rsu.link.errors", error_list, severity=Severity.MAJOR
    ),
)
