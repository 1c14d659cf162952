"""Takes secrets out of what leaves a unit to be read by people: values by their fields' names, known values, keys.

Usage: `redacted({"password": "x"}) == {"password": "[removed]"}`; `scrubbed("pin 1234", ("1234",)) == "pin [removed]"`.
"""

import json
import re
from collections.abc import Iterable, Mapping

REMOVED = "[removed]"
MIN_SECRET_CHARS = 4
"""A known value that is shorter would take half of every text with it."""
_SECRET_NAME = re.compile(
    r"(?i)passw|secret|token|psk|credential|community|private|authorization|api[_-]?key|(^|[_-])(pin|key|auth)([_-]|$)"
)
_PLAIN_NAMES = frozenset({"secrets_dir", "password_secret", "public_key_pem", "token_label", "key_label"})
"""Names of things, not the things."""
_PEM = re.compile(r"-----BEGIN [A-Z ]*(?:PRIVATE KEY|TOKEN)-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL)
_ASSIGNED = re.compile(r"""([A-Za-z_][A-Za-z0-9_-]*)(["']?\s*[:=]\s*["']?(?:bearer\s+)?)([^\s"',}]+)""", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://[^/\s:@]+:)[^@/\s]+@")


def redacted(document: object) -> object:
    """The same document without the values of fields whose names say that they are secret."""
    if isinstance(document, Mapping):
        return {name: _value(str(name), value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [redacted(each) for each in document]
    return document


def scrubbed(text: str, secrets: Iterable[str] = ()) -> str:
    """The same text without private keys, what looks like an assignment of a secret, and values that are known."""
    text = _PEM.sub(REMOVED, text)
    known = {form for secret in secrets if len(secret) >= MIN_SECRET_CHARS for form in _forms(secret)}
    for form in sorted(known, key=len, reverse=True):
        text = text.replace(form, REMOVED)
    return _IN_ADDRESS.sub(rf"\1{REMOVED}@", _ASSIGNED.sub(_assigned, text))


def _forms(secret: str) -> tuple[str, ...]:
    """A value as it is, and as JSON writes it."""
    return secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]


def _value(name: str, value: object) -> object:
    if isinstance(value, Mapping | list | tuple):
        return redacted(value)
    return REMOVED if _is_secret(name) and value else value


def _assigned(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{REMOVED}" if _is_secret(match[1]) else match[0]


def _is_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and name not in _PLAIN_NAMES
