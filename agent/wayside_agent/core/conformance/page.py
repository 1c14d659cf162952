# ruff: noqa: RUF001  # Chinese has punctuation of its own
"""The report as a page that needs nothing else: no script, no font, no picture, nothing from elsewhere."""

from collections.abc import Sequence
from html import escape
from typing import Any

from wayside_agent.core.conformance.wording import Words

LANGUAGES = ("en", "zh")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:.5em 0 1.5em}"
    "td,th{border:1px solid #bbb;padding:.25em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    ".passed{color:#060}.failed{color:#900}code{font-size:85%;overflow-wrap:anywhere}"
)
_WORDS = {
    "title": Words("V2X conformance report", "V2X 一致性测试报告"),
    "passed": Words("Passed", "通过"),
    "failed": Words("Failed", "未通过"),
    "summary": Words("{checked} checks, {findings} findings", "共检查 {checked} 项，发现 {findings} 个问题"),
    "suite": Words("Suite", "测试集"),
    "profile": Words("Profile", "协议版本"),
    "versions": Words("Versions", "软件版本"),
    "digest": Words("SHA-256 of report.json", "report.json 的 SHA-256"),
    "file": Words("Recording", "记录文件"),
    "messages": Words("messages", "消息数"),
    "rule": Words("Rule", "规则"),
    "source": Words("Source", "依据"),
    "checked": Words("Checked", "检查数"),
    "findings": Words("Findings", "问题数"),
    "skipped": Words("not asked", "未检查"),
    "record": Words("Record", "记录号"),
    "kind": Words("Kind", "类型"),
    "text": Words("What was found", "问题描述"),
}


def page(report: dict[str, Any], *, digest: str, language: str) -> str:
    """A report for people, `language` being one of `LANGUAGES`; `digest` binds it to the document."""
    say = {name: words.zh if language == "zh" else words.en for name, words in _WORDS.items()}
    suite, verdict = report["suite"], report["verdict"]
    head = [
        (say["suite"], f"{suite['name']} {suite['version']}"),
        ("SHA-256", suite["sha256"]),
        (say["profile"], suite["profile"]),
        *((f"{say['versions']}: {name}", value) for name, value in sorted(report["versions"].items())),
        (say["digest"], digest),
    ]
    parts = [
        f"<!doctype html>\n<html lang={language}>\n<meta charset=utf-8>\n",
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        f"<title>{escape(say['title'])}</title>\n<style>{_STYLE}</style>\n<h1>{escape(say['title'])}</h1>\n",
        f"<p class={verdict}><strong>{escape(say[verdict])}</strong>: ",
        f"{escape(say['summary'].format(checked=report['checked'], findings=report['findings']))}</p>\n",
        _table([], head),
    ]
    parts += [_recording(result, report["rules"], say, language) for result in report["recordings"]]
    return "".join(parts) + "</html>\n"


def _recording(result: dict[str, Any], rules: dict[str, Any], say: dict[str, str], language: str) -> str:
    title, text = ("title_zh", "text_zh") if language == "zh" else ("title", "text")
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(result["messages"].items()))
    rows: list[tuple[object, ...]] = []
    for name, about in rules.items():
        row = result["rules"].get(name, {"checked": "", "findings": ""})
        shown = f"{say['skipped']}: {result['skipped'][name]}" if name in result["skipped"] else row["checked"]
        rows.append((name, about[title], about["source"], shown, row["findings"]))
    parts = [
        f"<h2>{escape(say['file'])} {escape(result['file'])}</h2>\n",
        f"<p>{escape(say['messages'])}: {escape(counts)}</p>\n",
        _table(["", say["rule"], say["source"], say["checked"], say["findings"]], rows),
    ]
    if result["findings"]:
        found = [(each["record"], each["kind"], each["rule"], each[text]) for each in result["findings"]]
        parts.append(_table([say["record"], say["kind"], say["rule"], say["text"]], found))
    return "".join(parts)


def _table(head: list[str], rows: Sequence[Sequence[object]]) -> str:
    titles = "".join(f"<th>{escape(each)}</th>" for each in head)
    lines = ["<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>\n" for row in rows]
    return f"<table>\n{f'<tr>{titles}</tr>' if titles else ''}\n{''.join(lines)}</table>\n"
