"""Events as syslog messages (RFC 5424), framed by octet counting (RFC 5425, section 4.3).

Usage: `frame(message(record, host="manager.example", facility=16))`.
"""

import json
import unicodedata
from datetime import UTC

from wayside_manager.core.events import EventRecord, Severity

SD_ID = "wayside@32473"
"""32473 is the number RFC 5612 keeps for examples: who has one of their own maps it at their receiver."""
FACILITY_MAX = 23  # RFC 5424, table 1
MESSAGE_MAX_BYTES = 8192  # receivers should take so many octets, RFC 5425, section 4.3.1
_DETAILS_MAX_CHARS = 2048
_TEXT_MAX_CHARS = 1000
_APP_NAME = "wayside-manager"
_HOST_MAX_CHARS, _MSGID_MAX_CHARS = 255, 32  # RFC 5424, section 6
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control signs, halves of signs, ends of lines
_BOM = b"\xef\xbb\xbf"
_SEVERITIES = {
    Severity.INFO: 6,
    Severity.WARNING: 4,
    Severity.MINOR: 3,
    Severity.MAJOR: 2,
    Severity.CRITICAL: 1,
}
"""Informational, warning, error, critical, alert: RFC 5424, table 2."""
_ESCAPES = str.maketrans({'"': r"\"", "\\": r"\\", "]": r"\]"})  # RFC 5424, section 6.3.3


def message(record: EventRecord, *, host: str, facility: int) -> bytes:
    """An event as one syslog message."""
    event = record.event
    priority = facility * 8 + _SEVERITIES[event.severity]
    time = event.time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    head = (
        f"<{priority}>1 {time} {_word(host, _HOST_MAX_CHARS)} {_APP_NAME} - {_word(event.kind, _MSGID_MAX_CHARS)} "
        f"{_structured_data(record)} "
    )
    told = head.encode() + _BOM + _line(event.message, _TEXT_MAX_CHARS).encode()
    return told if len(told) <= MESSAGE_MAX_BYTES else told[:MESSAGE_MAX_BYTES].decode(errors="ignore").encode()


def frame(told: bytes) -> bytes:
    """A message with its length before it."""
    return b"%d %b" % (len(told), told)


def escaped(value: str) -> str:
    """A value as it stands between the quotes of a parameter: one line, with quotes, `]` and back slashes escaped."""
    return _printable(value).translate(_ESCAPES)


def _structured_data(record: EventRecord) -> str:
    event = record.event
    details = json.dumps(dict(event.details), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    values = {
        "cursor": str(record.cursor),
        "kind": event.kind,
        "severity": event.severity.name.lower(),
        "subject": event.subject,
        "node": event.node_id,
        "site": event.site_id,
        "tenant": event.tenant_id,
        # cut JSON is none: a receiver that wants it all asks for the event by its cursor
        "details": details if event.details and len(details) <= _DETAILS_MAX_CHARS else "",
    }
    parameters = "".join(f' {name}="{escaped(value)}"' for name, value in values.items() if value)
    return f"[{SD_ID}{parameters}]"


def _word(text: str, most: int) -> str:
    """Printable ASCII without spaces; `-` stands for nothing."""
    return "".join(sign for sign in text if "!" <= sign <= "~")[:most] or "-"


def _line(text: str, most: int) -> str:
    line = _printable(text)
    return line if len(line) <= most else line[: most - 3] + "..."


def _printable(text: str) -> str:
    """Without control signs and halves of signs: a line feed would begin a message at some receivers."""
    return "".join(" " if unicodedata.category(sign) in _CONTROLS else sign for sign in text)
