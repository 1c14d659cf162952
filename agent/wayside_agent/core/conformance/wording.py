# ruff: noqa: RUF001  # Chinese has punctuation of its own
"""What the rules are called and what they say, in English and Chinese, and where they are from."""

from collections.abc import Mapping
from typing import NamedTuple

from wayside_agent.core.conformance.model import Finding, RuleName


class Words(NamedTuple):
    """The same in two languages."""

    en: str
    zh: str


class About(NamedTuple):
    """A rule."""

    title: Words
    source: str


RULES: Mapping[RuleName, About] = {
    RuleName.RECORD: About(Words("Each record holds one message", "每条记录含一条消息"), "YD/T 3708-2020; T/ITS 0117"),
    RuleName.READABLE: About(Words("Messages are whole", "消息编码完整"), "T/CSAE 53, YD/T 3709-2020; ITU-T X.691"),
    RuleName.KIND: About(Words("Kinds are those expected", "消息类型符合预期"), "suite"),
    RuleName.APPLICATION: About(Words("AID fits the kind", "AID 与消息类型一致"), "T/CSAE 159-2020"),
    RuleName.LENGTH: About(Words("Messages fit into a DSM", "消息长度不超过 DSM 上限"), "YD/T 3708-2020: 1,400 B"),
    RuleName.ORDER: About(Words("Reception goes forward", "接收时间不倒退"), "suite"),
    RuleName.PERIOD: About(Words("Periods are kept", "发送周期符合要求"), "T/CSAE 159-2020"),
    RuleName.COUNT: About(Words("Messages are counted one by one", "消息计数连续"), "T/CSAE 53: MsgCount"),
    RuleName.CLOCK: About(Words("Time is that of reception", "消息时间与接收时间一致"), "T/CSAE 53: DSecond"),
    RuleName.KNOWN: About(Words("What must be known is known", "必要字段有效"), "T/CSAE 53; T/CSAE 159-2020"),
    RuleName.PLAUSIBLE: About(Words("Values can be", "字段取值合理"), "T/CSAE 53; wayside.v2x.plausibility"),
    RuleName.UNIQUE: About(Words("Names are used once", "标识不重复"), "T/CSAE 53"),
    RuleName.PHASES: About(Words("Phases make sense", "相位信息自洽"), "T/CSAE 53; T/CSAE 159-2020"),
    RuleName.EXPECTED: About(Words("Vectors say what is expected", "与预期结果一致"), "suite"),
}

SENTENCES: Mapping[str, Words] = {
    "record": Words("the record holds no message: {reason}", "该记录不含消息：{reason}"),
    "few": Words("{count} messages are there, {least} are expected", "共 {count} 条消息，预期不少于 {least} 条"),
    "readable": Words("it is no message of profile {profile}: {reason}", "不是 {profile} 版本的消息：{reason}"),
    "kind": Words("{kind} is none of {kinds}", "{kind} 不属于 {kinds}"),
    "application": Words(
        "a {kind} comes under AID {application_id} instead of {known}",
        "{kind} 的 AID 为 {application_id}，应为 {known}",
    ),
    "length": Words("{size_bytes} bytes are more than {most}", "长度 {size_bytes} 字节，超过 {most} 字节"),
    "order": Words("it comes {back_ms} ms before the record in front of it", "接收时间比上一条早 {back_ms} ms"),
    "period": Words(
        "{kind} of {sender} comes {gap_ms} ms after the one before; {period_ms} ms are allowed",
        "{sender} 的 {kind} 间隔 {gap_ms} ms，要求不超过 {period_ms} ms",
    ),
    "count": Words(
        "{kind} of {sender} has count {count} behind {before}",
        "{sender} 的 {kind} 计数由 {before} 变为 {count}，不连续",
    ),
    "clock": Words(
        "{field} is {offset_ms} ms ahead of its reception; {tolerance_ms} ms before or behind are allowed",
        "{field} 与接收时间相差 {offset_ms} ms，允许 ±{tolerance_ms} ms",
    ),
    "known": Words("{field} is not known", "{field} 无效"),
    "plausible": Words("{doubt}", "取值不合理：{doubt}"),
    "priority": Words("priority {priority} uses bits below the upper three", "优先级 {priority} 使用了高三位以外的位"),
    "times": Words("it ends at minute {end}, before its start at {start}", "结束时间 {end} 早于开始时间 {start} 分"),
    "unique": Words("{field} {name} is there twice", "{field} {name} 重复"),
    "phase-now": Words(
        "phase {phase} of {node} has {count} lights that are on now instead of one",
        "路口 {node} 相位 {phase} 当前灯态有 {count} 个，应为一个",
    ),
    "phase-end": Words(
        "a light of phase {phase} of {node} ends outside its bounds",
        "路口 {node} 相位 {phase} 的结束时间不在上下限之间",
    ),
    "phase-map": Words(
        "phase {phase} of the MAP of {node} is not in its SPAT", "路口 {node} 的 MAP 相位 {phase} 在 SPAT 中不存在"
    ),
    "expected": Words("{field} is {value} instead of {wanted}", "{field} 为 {value}，应为 {wanted}"),
    "expected-refusal": Words("it is read and should be refused", "应拒绝的消息被解码"),
    "expected-more": Words("only {count} records are expected", "预期仅有 {count} 条记录"),
    "expected-fewer": Words("{count} records are there, {wanted} are expected", "共 {count} 条记录，预期 {wanted} 条"),
}


def sentence(finding: Finding) -> Words:
    """A finding for people."""
    words = SENTENCES[finding.words]
    return Words(words.en.format(**finding.values), words.zh.format(**finding.values))
