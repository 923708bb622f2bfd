"""The words of the board: states, steps, notices and what the operator does next, in both languages.

A state that stands in no table is shown by its own word, so an engine that learns a new one needs no new screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from moduline.errors import Text, leaves

NOTHING: Final = Text("", "")

STATES: Final[Mapping[str, Text]] = {
    "empty": Text("empty", "空"),
    "settling": Text("settling", "接入"),
    "pausing": Text("retrying", "待重试"),
    "waiting": Text("waiting", "等待"),
    "asking": Text("asking", "识别"),
    "burning": Text("burning", "烧录"),
    "checking": Text("checking", "核对"),
    "examining": Text("testing", "测试"),
    "passed": Text("PASS", "通过"),
    "failed": Text("FAIL", "失败"),
    "refused": Text("REFUSED", "拒绝"),
    "broken": Text("ERROR", "错误"),
    "aborted": Text("ABORTED", "中止"),
}
"""What each state is called. ``refused``: nothing was changed; ``broken``: this computer failed, not the module."""

OUTCOMES: Final[Mapping[str, str]] = {
    "PASS": "passed",
    "FAIL": "failed",
    "REFUSED": "refused",
    "ERROR": "broken",
    "ABORTED": "aborted",
}
"""State that a record's outcome leaves the slot in."""

BIG: Final[Mapping[str, str]] = {
    "passed": "PASS",
    "failed": "FAIL",
    "refused": "REFUSED",
    "broken": "ERROR",
    "aborted": "ABORTED",
    "calling": "BOOT",
}
"""What is written large in Latin letters in both languages, as on the label; the word of the language stands below."""

AT_WORK: Final = frozenset({"asking", "burning", "checking", "examining"})
ENDED: Final = frozenset(OUTCOMES.values())

NEXT: Final[Mapping[str, Text]] = {
    "empty": Text("put a unit in", "请放入模组"),
    "settling": Text("leave it alone", "请勿触碰"),
    "pausing": Text("leave it: it is tried again by itself", "请勿触碰：即将自动重试"),
    "waiting": Text("power it again", "请重新上电"),
    "asking": Text("do not unplug", "请勿拔出"),
    "burning": Text("do not unplug", "请勿拔出"),
    "checking": Text("do not unplug", "请勿拔出"),
    "examining": Text("do not unplug", "请勿拔出"),
    "passed": Text("take it out", "请取出"),
    "failed": Text("power it again, or put it aside", "请重新上电，或取出待修"),
    "refused": Text("not for this order: take it out", "不属于本工单，请取出"),
    "broken": Text("computer fault: call the engineer", "本机故障，请联系工程师"),
    "aborted": Text("power it again to go on", "重新上电可继续"),
}
"""What the operator does next in each state."""

HOLD_PIN: Final = Text("hold the BOOT pin and power it again", "请按住 BOOT 并重新上电")
REASONS: Final[Mapping[str, Text]] = {"already-passed": Text("has passed already", "此前已通过")}
"""Why a slot is in its state, where that is not an error."""

STEPS: Final[Mapping[str, Text]] = {
    "burn.enter": Text("into download mode", "进入下载模式"),
    "burn.connect": Text("greeting the boot ROM", "连接 Boot ROM"),
    "burn.nv_backup": Text("saving NV and IMEI", "备份 NV 与 IMEI"),
    "burn.verify": Text("reading back", "回读校验"),
    "burn.reset": Text("restarting", "重启"),
    "burn.check": Text("asking version and IMEI", "核对版本与 IMEI"),
    "burn.examine": Text("functional test", "功能测试"),
    "burn.unit": Text("fetching the unit's own data", "获取单机数据"),
}
"""What each step is called; a part of the package has its own name and what is done with it."""

VERBS: Final[Mapping[str, Text]] = {
    "load": Text("loading {part} into RAM", "装入内存 {part}"),
    "table": Text("describing the flash", "下发 Flash 描述"),
    "write": Text("writing {part}", "写入 {part}"),
    "erase": Text("erasing {part}", "擦除 {part}"),
    "format": Text("formatting {part}", "格式化 {part}"),
    "keep": Text("storing {part}", "保存 {part}"),
    "keep_nv": Text("writing {part}, keeping the IMEI", "写入 {part}（保留 IMEI）"),
    "skip": Text("leaving out {part}", "跳过 {part}"),
}

NOTICES: Final[Mapping[str, Text]] = {
    "burn.hold-boot-pin": Text(
        "no way by AT. Hold the boot pin and re-power the module ({seconds:.0f} s)",
        "无法通过 AT 进入下载模式。请按住 BOOT 并重新上电（{seconds:.0f} 秒内）",
    ),
    "burn.nv-damaged": Text(
        "the module's NV block is damaged; the package's is written, the IMEI may be missing",
        "模组 NV 数据已损坏，将写入固件包自带的数据，IMEI 可能缺失",
    ),
    "burn.nv-restored": Text(
        "the saved NV block of IMEI {imei} is written back", "将写回已保存的 NV 数据（IMEI {imei}）"
    ),
    "burn.loader-runs": Text(
        "the loader of the last try still runs, the boot ROM is skipped", "上次的加载程序仍在运行，跳过 Boot ROM"
    ),
    "burn.baud-refused": Text(
        "the loader does not take {baud} baud, the rate stays", "加载程序不支持 {baud} 波特率，保持原速率"
    ),
    "burn.continues": Text("the last try failed; this is another one", "上次未成功，继续烧录"),
    "label.failed": Text("{imei}: no label: {reason}", "{imei}：标签打印失败：{reason}"),
    "gang.already-passed": Text("{imei} has already passed", "{imei} 已通过，不再烧录"),
    "gang.finishing": Text(
        "nothing new begins; {running} tries come to their end", "不再开始新的烧录，{running} 个正在进行的会完成"
    ),
    "gang.order-closed": Text("order {order} was closed", "工单 {order} 已关闭"),
    "gang.storage-failed": Text(
        "records cannot be written, nothing new begins: {reason}", "产线记录无法写入，不再开始新的烧录：{reason}"
    ),
    "label.printed": Text("label of {imei} printed again", "已重打标签 {imei}"),
}
"""What a notice says about the slot it names."""


STOPPED: Final[Mapping[str, Text]] = {
    "stopped by the operator": Text("stopped by the operator", "操作员中止"),
}
"""What records say that have no error code."""


def word_of(state: str) -> Text:
    """What a state is called; an unknown one by its own word."""
    return STATES.get(state, Text(state, state))


def next_of(state: str) -> Text:
    """What the operator does next; nothing in a state that nobody knows."""
    return NEXT.get(state, NOTHING)


def step_of(name: str, facts: Mapping[str, Any]) -> Text:
    """What a step is called."""
    if name in STEPS:
        return STEPS[name]
    part = str(facts.get("part") or name.partition(".")[2] or name)
    verb = VERBS.get(str(facts.get("verb", "")))
    return both(verb, part=part) if verb is not None else Text(part, part)


def notice_of(slug: str, facts: Mapping[str, Any]) -> Text:
    """What a notice says; an unknown one by its slug and facts."""
    if slug in NOTICES:
        return both(NOTICES[slug], **facts)
    told = " ".join(f"{name}={value}" for name, value in facts.items())
    return Text(f"{slug} {told}".strip(), f"{slug} {told}".strip())


def error_of(code: str, message: str, facts: Mapping[str, Any]) -> tuple[Text, Text]:
    """What an error says and what can be done about it; an unknown code by its English message."""
    for leaf in leaves():
        if leaf.code == code:
            is_bare = not facts and bool(message) and "{" in leaf.text.en
            return Text(message, message) if is_bare else both(leaf.text, **facts), both(leaf.hint, **facts)
    return STOPPED.get(message, Text(message, message)), NOTHING


def both(text: Text, **facts: Any) -> Text:
    """The sentence with its facts filled in."""
    return Text(text.say("en", **facts), text.say("zh", **facts))


def reason_of(value: object) -> tuple[str, Text]:
    """A reason as the error code that it may be, and as a sentence."""
    if isinstance(value, Text):
        return "", value
    said = str(value)
    code = said if said.startswith("ML-E") else ""
    return code, error_of(code, said, {})[0] if code else REASONS.get(said, Text(said, said))
