"""The report: plain data whose bytes are the same wherever the same suite meets the same versions.

No time of day, no name of a machine, no path stands in it; keys are sorted, numbers are whole.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from wayside_agent.core.conformance.suite import Suite
from wayside_agent.core.conformance.wording import RULES

FORM = "wayside-conformance/1"


def report_of(
    suite: Suite, files: Mapping[str, bytes], results: Sequence[dict[str, Any]], versions: Mapping[str, str]
) -> dict[str, Any]:
    """The report of a suite whose files, `suite.toml` included, were these."""
    rows = [row for result in results for row in result["rules"].values()]
    finding_count = sum(row["findings"] for row in rows)
    digests = {name: sha256(content).hexdigest() for name, content in files.items()}
    return {
        "form": FORM,
        "verdict": "failed" if finding_count else "passed",
        "checked": sum(row["checked"] for row in rows),
        "findings": finding_count,
        "suite": {
            "name": suite.name,
            "version": suite.version,
            "profile": suite.profile.value,
            "sha256": sha256(canonical(digests)).hexdigest(),
            "files": digests,
        },
        "versions": dict(versions),
        "rules": {
            name.value: {"title": about.title.en, "title_zh": about.title.zh, "source": about.source}
            for name, about in RULES.items()
        },
        "recordings": list(results),
    }


def canonical(document: object) -> bytes:
    """A document as the same bytes everywhere."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", errors="backslashreplace") + b"\n"
