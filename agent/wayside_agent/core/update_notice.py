# ruff: noqa: RUF001  # Chinese has punctuation of its own
"""What a person at the unit is told of an update, in Chinese and in English (UN R156 7.2.2.2; GB 44496).

Usage: `document = notice(status)`; ready for JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict

from wayside_agent.core.update import Phase, UpdateStatus

_WORDS: Mapping[Phase, tuple[str, str]] = {
    Phase.IDLE: ("没有更新。", "There is no update."),
    Phase.CHECKING: ("正在核对版本 {0} 的来源。", "The origin of version {0} is being checked."),
    Phase.DOWNLOADING: ("正在下载版本 {0}，功能不受影响。", "Version {0} is being fetched; everything works."),
    Phase.VERIFYING: ("正在校验版本 {0}，功能不受影响。", "Version {0} is being verified; everything works."),
    Phase.STAGED: ("版本 {0} 等待安装。", "Version {0} waits to be installed."),
    Phase.INSTALLING: ("正在安装版本 {0}，请勿断电。", "Version {0} is being installed; keep the power on."),
    Phase.SWITCHING: (
        "即将切换到版本 {0}，V2X 提示会短暂中断，请勿断电。",
        "The unit switches to version {0}; V2X warnings pause for a moment, keep the power on.",
    ),
    Phase.PROVISIONAL: ("版本 {0} 正在试运行。", "Version {0} runs on trial."),
    Phase.COMMITTED: ("已更新到版本 {0}。", "The unit was updated to version {0}."),
    Phase.REVERTING: (
        "版本 {0} 未通过检查，正在恢复原版本。",
        "Version {0} is no good; the old one comes back.",
    ),
    Phase.ROLLED_BACK: ("更新未成功，原版本 {1} 继续运行。", "The update did not succeed; version {1} runs as before."),
    Phase.FAILED: ("更新失败，原版本 {1} 继续运行。", "The update failed; version {1} runs as before."),
}
_ASK = (
    "需要您的同意：wayside-agent update confirm，拒绝：wayside-agent update refuse。",
    "You have to agree: wayside-agent update confirm; to refuse: wayside-agent update refuse.",
)


_AHEAD = frozenset({Phase.VERIFYING, Phase.STAGED, Phase.INSTALLING, Phase.SWITCHING, Phase.PROVISIONAL})
"""What the release has people told is about what will happen; once it is committed, about what has."""
_NAMES: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "purpose": "目的：{}",
        "changes": "内容：{}",
        "duration": "预计用时：{}",
        "unavailable": "期间不可用：{}",
        "safety": "安全提示：{}",
    },
    "en": {
        "purpose": "Purpose: {}",
        "changes": "Changes: {}",
        "duration": "It takes about {}",
        "unavailable": "Not available meanwhile: {}",
        "safety": "Be safe: {}",
    },
}
_END = {"zh": "。", "en": "."}


def notice(status: UpdateStatus) -> Mapping[str, object]:
    """State, versions, what it waits for, what the release has people told, and one text in each language.

    A language the release says nothing in gets the state alone.
    """
    wanted, running = status.release.rpartition("/")[2], status.running_version
    needs_consent = any(each.startswith("consent:") for each in status.blockers)
    chinese, english = (text.format(wanted, running) for text in _WORDS[status.phase])
    return {
        "phase": status.phase.lower(),
        "version": wanted,
        "running_version": running,
        "needs_consent": needs_consent,
        "blockers": list(status.blockers),
        "reason": status.message,
        "release": {language: asdict(told) for language, told in status.notices.items()},
        "zh": "".join((chinese, *_told(status, "zh"), _ASK[0] if needs_consent else "")),
        "en": " ".join(filter(None, (english, *_told(status, "en"), _ASK[1] if needs_consent else ""))),
    }


def _told(status: UpdateStatus, language: str) -> tuple[str, ...]:
    """Sentences of the release: all of them before it runs, what it changed afterwards."""
    told = status.notices.get(language)
    if told is None or status.phase not in {*_AHEAD, Phase.COMMITTED}:
        return ()
    said = {"purpose": told.purpose, "changes": told.changes}
    if status.phase in _AHEAD:
        duration = _duration(told.duration_s, language)
        said |= {"duration": duration, "unavailable": told.unavailable, "safety": told.safety}
    end = _END[language]
    return tuple(
        _NAMES[language][name].format(text.strip().rstrip("。.；;")) + end for name, text in said.items() if text
    )


def _duration(duration_s: float, language: str) -> str:
    """In whole minutes, rounded up; empty: nothing was said."""
    minutes = -int(-duration_s // 60)
    if not minutes:
        return ""
    return f"{minutes} 分钟" if language == "zh" else f"{minutes} minute{'s' if minutes > 1 else ''}"
