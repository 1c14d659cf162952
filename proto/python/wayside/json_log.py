"""One JSON object per log line, the same for every Wayside program.

Usage: `handler.setFormatter(JsonFormatter())`; a record's `extra={"node": ...}` becomes fields of the object.
"""

import json
import logging
from datetime import UTC, datetime

# attributes every record has; what is beside them came by `extra`
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """`time` (UTC, ISO 8601, milliseconds), `level`, `logger`, `message`, the extra fields, an `exception` if any.

    Never raises: a program must not fail, nor a line get lost, because something cannot be put into words.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        fields |= {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        first = {name: fields.pop(name) for name in ("time", "level", "logger", "message")}
        # a lone surrogate, as in a file name that is no UTF-8, has no place in the output's encoding
        return _encoded(first | fields).encode("utf-8", "backslashreplace").decode()


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001  # a wrong format string, or an argument that cannot be shown
        return f"{_shown(record.msg)} [{type(error).__name__} while formatting]"


def _encoded(fields: dict[str, object]) -> str:
    try:
        return json.dumps(fields, ensure_ascii=False, default=_shown, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # a key that is no text, NaN, a circle
        return json.dumps({name: _shown(value) for name, value in fields.items()}, ensure_ascii=False)


def _shown(value: object) -> str:
    try:
        return value if isinstance(value, str) else str(value)
    except Exception:  # noqa: BLE001  # a bug in somebody's __str__
        return f"<{type(value).__name__} that cannot be shown>"
