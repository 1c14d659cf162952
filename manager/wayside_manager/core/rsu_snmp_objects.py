"""Objects of the trees that roadside units answer by SNMP: the RSU 4.1 MIB and NTCIP 1218.

One row per object, as `core.rsu_objects` reads them.
"""

from wayside_manager.core.events import Severity
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.rsu_object import RsuObject, Tree
from wayside_manager.core.rsu_rules import alert_level, alert_text, counted, said, within, word

CHANNEL_STATES = {0: HealthState.OK, 1: HealthState.OK, 2: HealthState.OK, 3: HealthState.FAILED}
NTCIP_CHANNELS = {1: HealthState.OK, 2: HealthState.OK, 3: HealthState.OK, 4: HealthState.FAILED}
MODE_STATES = {2: HealthState.DEGRADED, 4: HealthState.OK, 16: HealthState.FAILED}
NTCIP_MODES = {1: HealthState.UNKNOWN, 2: HealthState.DEGRADED, 3: HealthState.OK, 4: HealthState.FAILED}
NTCIP_STATUS = {1: HealthState.UNKNOWN, 2: HealthState.OK, 3: HealthState.DEGRADED, 4: HealthState.FAILED}

SNMP_OBJECTS = (
    RsuObject(Tree.RSU41, "rsuContMacAddress", "6 bytes", "rsu.identity.mac", said),
    RsuObject(Tree.RSU41, "rsuGpsStatus", "satellites", "rsu.gnss.satellites", within(ge=4)),
    RsuObject(Tree.RSU41, "SRM store-and-repeat table", "rows", "rsu.broadcast.stored", counted),
    RsuObject(Tree.RSU41, "SRM PSID", "id", "rsu.broadcast.stored.psid", said, named="PSID"),
    RsuObject(Tree.RSU41, "SRM dsrcMsgId", "id", "rsu.broadcast.stored.message_id", said, named="dsrcMsgId"),
    RsuObject(
        Tree.RSU41, "SRM TxMode", "0 continuous, 1 alternating", "rsu.broadcast.stored.mode", said, named="TxMode"
    ),
    RsuObject(Tree.RSU41, "SRM channel", "channel number", "rsu.broadcast.stored.channel", said, named="channel"),
    RsuObject(Tree.RSU41, "SRM interval", "ms", "rsu.broadcast.stored.interval", counted, named="interval"),
    RsuObject(Tree.RSU41, "SRM start/stop", "time", "rsu.broadcast.stored.times", said, named="start/stop"),
    RsuObject(Tree.RSU41, "SRM payload", "bytes", "rsu.broadcast.stored.payload", said, named="payload"),
    RsuObject(Tree.RSU41, "SRM enable", "0 off, 1 on", "rsu.broadcast.stored.enable", said, named="enable"),
    RsuObject(Tree.RSU41, "SRM status", "row status", "rsu.broadcast.stored.status", said, named="status"),
    RsuObject(Tree.RSU41, "IFM table", "rows", "rsu.broadcast.forwarded", counted),
    RsuObject(Tree.RSU41, "DsrcForward table", "rows", "rsu.received.forwarded", counted),
    RsuObject(Tree.RSU41, "GPS output", "", "rsu.gnss.output", said),
    RsuObject(Tree.RSU41, "GPS output port", "UDP port", "rsu.gnss.output.port", said, named="port"),
    RsuObject(Tree.RSU41, "GPS output address", "IP address", "rsu.gnss.output.address", said, named="address"),
    RsuObject(Tree.RSU41, "GPS output interface", "name", "rsu.gnss.output.interface", said, named="interface"),
    RsuObject(Tree.RSU41, "GPS output interval", "s", "rsu.gnss.output.interval", said, named="interval"),
    RsuObject(Tree.RSU41, "GPS output string", "NMEA sentence", "rsu.gnss.output.string", said, named="string"),
    RsuObject(
        Tree.RSU41,
        "GPS output ref lat",
        "1e-7 degree",
        "rsu.gnss.reference.latitude",
        within(ge=-900_000_000, le=900_000_000),
        unknown=(900_000_001, 90.0000001),
        named="ref lat",
    ),
    RsuObject(
        Tree.RSU41,
        "GPS output ref lon",
        "1e-7 degree",
        "rsu.gnss.reference.longitude",
        within(ge=-1_800_000_000, le=1_800_000_000),
        unknown=(1_800_000_001, 180.0000001),
        named="lon",
    ),
    RsuObject(
        Tree.RSU41,
        "GPS output ref elv",
        "m",
        "rsu.gnss.reference.elevation",
        within(ge=-1000, le=9000),
        unknown=(-4096,),
        named="elv",
    ),
    RsuObject(
        Tree.RSU41, "GPS output MaxDeviation", "m", "rsu.gnss.reference.max_deviation", counted, named="MaxDeviation"
    ),
    RsuObject(Tree.RSU41, "InterfaceLog table", "rows", "rsu.log.interfaces", counted),
    RsuObject(Tree.RSU41, "rsuSecCredReq", "0 idle, 1 requested", "rsu.security.credential_request", said),
    RsuObject(Tree.RSU41, "rsuSecCredAttachInterval", "ms", "rsu.security.credential_interval", counted),
    RsuObject(Tree.RSU41, "channel-mode table", "rows", "rsu.radio.channel_modes", counted),
    RsuObject(Tree.RSU41, "rsuDCM*", "mode per radio", "rsu.radio.channel_mode", said),
    RsuObject(Tree.RSU41, "WSA service table", "rows", "rsu.radio.services", counted),
    RsuObject(Tree.RSU41, "WRA", "", "rsu.radio.routing", said),
    RsuObject(Tree.RSU41, "WRA IPv6 prefix", "prefix", "rsu.radio.routing.prefix", said, named="IPv6 prefix"),
    RsuObject(Tree.RSU41, "WRA gateway", "IPv6 address", "rsu.radio.routing.gateway", said, named="gateway"),
    RsuObject(Tree.RSU41, "WRA DNS", "IPv6 address", "rsu.radio.routing.dns", said, named="DNS"),
    RsuObject(
        Tree.RSU41,
        "message counters per channel",
        "messages",
        "rsu.radio.messages.channel",
        counted,
        named="message counters",
    ),
    RsuObject(
        Tree.RSU41, "message counters per PSID", "messages", "rsu.radio.messages.application", counted, named="per PSID"
    ),
    RsuObject(Tree.RSU41, "rsuTimeSincePowerOn", "s", "rsu.software.uptime", counted),
    RsuObject(Tree.RSU41, "rsuTotalRunTime", "s", "rsu.software.run_time", counted),
    RsuObject(
        Tree.RSU41, "last login time", "time", "rsu.access.login_time", said, named="last login/restart time and source"
    ),
    RsuObject(
        Tree.RSU41,
        "last login source",
        "address",
        "rsu.access.login_source",
        said,
        named="last login/restart time and source",
    ),
    RsuObject(
        Tree.RSU41,
        "last restart time",
        "time",
        "rsu.software.restart_time",
        said,
        named="last login/restart time and source",
    ),
    RsuObject(
        Tree.RSU41,
        "last restart source",
        "address",
        "rsu.software.restart_source",
        said,
        named="last login/restart time and source",
    ),
    RsuObject(
        Tree.RSU41,
        "rsuIntTemp",
        "degree Celsius",
        "rsu.environment.temperature",
        within(ge=-34, le=74, fails=True),
        severity=Severity.MAJOR,
    ),
    RsuObject(Tree.RSU41, "rsuMibVersion", "text", "rsu.identity.mib", said),
    RsuObject(Tree.RSU41, "rsuFirmwareVersion", "text", "rsu.identity.firmware", said),
    RsuObject(Tree.RSU41, "rsuLocationDesc", "text", "rsu.identity.location", said),
    RsuObject(Tree.RSU41, "rsuID", "text", "rsu.identity.id", said),
    RsuObject(Tree.RSU41, "rsuManufacturer", "text", "rsu.identity.manufacturer", said),
    RsuObject(Tree.RSU41, "rsuTxPower", "dBm", "rsu.radio.power", within(ge=-128, le=33)),
    RsuObject(Tree.RSU41, "rsuNotifyIpAddress", "IP address", "rsu.notify.address", said),
    RsuObject(Tree.RSU41, "rsuNotifyPort", "UDP port", "rsu.notify.port", within(ge=1, le=65_535), named="Port"),
    RsuObject(Tree.RSU41, "syslog", "address, level", "rsu.log.syslog", said),
    RsuObject(
        Tree.RSU41,
        "rsuChanStatus",
        "0 both modes work, 1 alternating, 2 continuous, 3 none",
        "rsu.radio.channels",
        word(CHANNEL_STATES),
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41, "rsuMode", "2 standby, 4 operate, 16 off", "rsu.mode", word(MODE_STATES), severity=Severity.MAJOR
    ),
    RsuObject(
        Tree.RSU41,
        "rsuMsgFileIntegrityMsg",
        "text",
        "rsu.security.message_files.text",
        alert_text,
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuSecStorageIntegrityMsg",
        "text",
        "rsu.security.storage.text",
        alert_text,
        severity=Severity.CRITICAL,
    ),
    RsuObject(
        Tree.RSU41, "rsuTamperAlertMsg", "text", "rsu.security.tamper.text", alert_text, severity=Severity.CRITICAL
    ),
    RsuObject(
        Tree.RSU41, "rsuAuthMsg", "text", "rsu.security.authentication.text", alert_text, severity=Severity.MAJOR
    ),
    RsuObject(
        Tree.RSU41, "rsuSignatureVerifyMsg", "text", "rsu.security.signatures.text", alert_text, severity=Severity.MAJOR
    ),
    RsuObject(Tree.RSU41, "rsuAccessMsg", "text", "rsu.security.access.text", alert_text, severity=Severity.MAJOR),
    RsuObject(Tree.RSU41, "rsuTimeSourceLostMsg", "text", "rsu.time.source.text", alert_text, severity=Severity.MAJOR),
    RsuObject(Tree.RSU41, "rsuClockSkewMsg", "text", "rsu.time.offset.text", alert_text, severity=Severity.MAJOR),
    RsuObject(
        Tree.RSU41, "rsuTimeSourceMismatchMsg", "text", "rsu.time.mismatch.text", alert_text, severity=Severity.MAJOR
    ),
    RsuObject(Tree.RSU41, "rsuGpsAnomalyMsg", "text", "rsu.gnss.plausible.text", alert_text, severity=Severity.MAJOR),
    RsuObject(Tree.RSU41, "rsuGpsDeviationMsg", "text", "rsu.gnss.deviation.text", alert_text, severity=Severity.MAJOR),
    RsuObject(Tree.RSU41, "rsuGpsNmeaNotifyInterval", "s", "rsu.gnss.nmea.interval", counted),
    RsuObject(
        Tree.RSU41,
        "rsuAlertLevel",
        "0 information to 4 critical",
        "rsu.alert.level",
        alert_level,
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuSecStorageIntegrityError",
        "0 information to 4 critical",
        "rsu.security.storage",
        alert_level,
        severity=Severity.CRITICAL,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuTamperAlert",
        "0 information to 4 critical",
        "rsu.security.tamper",
        alert_level,
        severity=Severity.CRITICAL,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuAuthError",
        "0 information to 4 critical",
        "rsu.security.authentication",
        alert_level,
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuSignatureVerifyError",
        "0 information to 4 critical",
        "rsu.security.signatures",
        alert_level,
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuAccessError",
        "0 information to 4 critical",
        "rsu.security.access",
        alert_level,
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuTimeSourceLost",
        "0 information to 4 critical",
        "rsu.time.source",
        alert_level,
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuClockSkewError",
        "0 information to 4 critical",
        "rsu.time.offset",
        alert_level,
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuTimeSourceMismatch",
        "0 information to 4 critical",
        "rsu.time.mismatch",
        alert_level,
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuGpsAnomaly",
        "0 information to 4 critical",
        "rsu.gnss.plausible",
        alert_level,
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.RSU41,
        "rsuGpsDeviationError",
        "0 information to 4 critical",
        "rsu.gnss.deviation",
        alert_level,
        severity=Severity.MAJOR,
    ),
    RsuObject(Tree.RSU41, "rsuGpsNmeaNotify", "NMEA sentence", "rsu.gnss.nmea", said, severity=Severity.INFO),
    RsuObject(Tree.NTCIP1218, "rsuID", "text", "rsu.identity.id", said),
    RsuObject(Tree.NTCIP1218, "mib", "text", "rsu.identity.mib", said),
    RsuObject(Tree.NTCIP1218, "firmware", "text", "rsu.identity.firmware", said),
    RsuObject(Tree.NTCIP1218, "gnssStatus", "text", "rsu.gnss.fix", said),
    RsuObject(
        Tree.NTCIP1218,
        "chanStatus",
        "1 both modes work, 2 alternating, 3 continuous, 4 none",
        "rsu.radio.channels",
        word(NTCIP_CHANNELS),
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.NTCIP1218,
        "mode",
        "1 other, 2 standby, 3 operate, 4 fault",
        "rsu.mode",
        word(NTCIP_MODES),
        severity=Severity.MAJOR,
    ),
    RsuObject(Tree.NTCIP1218, "IFM", "rows", "rsu.broadcast.forwarded", counted),
    RsuObject(Tree.NTCIP1218, "received-message forward", "rows", "rsu.received.forwarded", counted),
    RsuObject(
        Tree.NTCIP1218,
        "rsuStatus",
        "1 other, 2 okay, 3 warning, 4 critical, 5 unknown",
        "rsu.status",
        word(NTCIP_STATUS),
        unknown=(5,),
        severity=Severity.MAJOR,
    ),
    RsuObject(
        Tree.NTCIP1218,
        "rsuIntTemp low threshold",
        "degree Celsius",
        "rsu.environment.temperature.low",
        within(ge=-128, le=127),
        named="thresholds",
    ),
    RsuObject(
        Tree.NTCIP1218,
        "rsuIntTemp high threshold",
        "degree Celsius",
        "rsu.environment.temperature.high",
        within(ge=-128, le=127),
        named="thresholds",
    ),
)
