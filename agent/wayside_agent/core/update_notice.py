# ruff: noqa: RUF001  # Chinese has punctuation of its own
"""What a person at the unit is told of an update, in Chinese and in English (UN R156 7.2.2.2; GB 44496).

Usage: `document = notice(status)`; ready for JSON.
"""

from collections.abc import Mapping

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


def notice(status: UpdateStatus) -> Mapping[str, object]:
    """State, versions, what it waits for, and one text in each language."""
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
        "zh": chinese + (_ASK[0] if needs_consent else ""),
        "en": english + (f" {_ASK[1]}" if needs_consent else ""),
    }
