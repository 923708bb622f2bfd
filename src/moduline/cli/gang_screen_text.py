"""The texts around the cells: the head with order and yield, the keys, and everything about one slot.

Pure: values in, rich texts out. Nothing here is coloured alone; a colour only repeats what a word or symbol says.
"""

from __future__ import annotations

import time
from typing import Final

from rich.cells import cell_len
from rich.text import Text as Rich

from moduline.cli.gang_screen_cell import SYMBOLS, ends, fit, in_language, percent, word_of
from moduline.errors import Text, leaves
from moduline.line.board import Head, LogLine, SlotView, StepTime, Totals

HASH_DIGITS: Final = 12
VERDICTS: Final = {"pass": "✔", "fail": "✘", "warn": "!", "skip": "-"}
_STEP_SIGNS: Final = {"begin": ">", "done": "✔", "failed": "✘", "open": "✘"}
_KEYS: Final = (
    ("←↑↓→", Text("choose", "选择")),
    ("Enter", Text("details", "详情")),
    ("s", Text("no new units", "停止接收")),
    ("r", Text("label", "重打标签")),
    ("l", Text("中文", "English")),
    ("t", Text("light/dark", "亮/暗")),
    ("q q", Text("abort", "中止")),
)


def head_lines(head: Head, totals: Totals, width: int, lang: str, message: str = "") -> Rich:
    """Two rows: what is made here, and how it goes; ``message`` takes the place of the first."""
    hashed = head.sha256[:HASH_DIGITS]
    image = f"{head.image}  {hashed}".strip()
    facts = [
        (Text("order", "工单"), head.order),
        (Text("image", "镜像"), image),
        (Text("operator", "操作员"), head.operator),
        (Text("station", "工位"), head.station),
        (Text("rack", "机架"), head.rack),
    ]
    first = message or "  ".join(f"{in_language(name, lang)} {value}" for name, value in facts if value) or "moduline"
    counts = [
        (SYMBOLS[state], in_language(name, lang), count)
        for state, name, count in (
            ("passed", Text("pass", "通过"), totals.passed),
            ("failed", Text("fail", "失败"), totals.failed),
            ("refused", Text("refused", "拒绝"), totals.refused),
            ("broken", Text("error", "错误"), totals.errors),
            ("aborted", Text("aborted", "中止"), totals.aborted),
        )
        if count or state in {"passed", "failed"}
    ]
    good = "-" if totals.final_yield is None else f"{100 * totals.final_yield:.1f} %"
    rate = "-" if totals.per_hour is None else f"{totals.per_hour:.0f}"
    rates = f"{in_language(Text('yield', '良率'), lang)} {good}  {rate} {in_language(Text('units/h', '台/时'), lang)}"
    clock = time.strftime("%H:%M:%S", time.gmtime(totals.seconds))
    if totals.seconds >= 86400:
        clock = f"{int(totals.seconds // 86400)} d {clock}"
    right = f"{rates}  {clock} "
    tally = " " + "  ".join(f"{symbol} {name} {count}" for symbol, name, count in counts)
    if cell_len(tally) + cell_len(right) >= width:
        tally = " " + "  ".join(f"{symbol} {count}" for symbol, _, count in counts)
    text = Rich(no_wrap=True, overflow="crop")
    text.append(fit(f" {first}", width) + "\n", "bold reverse" if message else "bold")
    text.append(ends(tally, right, width))
    return text


def foot_line(width: int, lang: str, *, can_print: bool, can_stop: bool) -> Rich:
    """The keys, as many as fit."""
    text = Rich(no_wrap=True, overflow="crop")
    for key, meaning in _KEYS:
        if (key == "r" and not can_print) or (key == "s" and not can_stop):
            continue
        said = in_language(meaning, lang)
        if text.cell_len + cell_len(key) + cell_len(said) + 4 > width:
            break
        text.append(f" {key} ", "bold reverse").append(f" {said} ")
    return text


def slot_text(view: SlotView, lang: str, width: int) -> Rich:
    """Everything about one slot: state, what to do, error, unit, steps, checks, log."""
    text = Rich()
    text.append(f"{view.slot}  {word_of(view, lang)}", "bold")
    text.append(f"  {percent(view)}\n" if view.is_at_work else "\n")
    if told := in_language(view.next, lang):
        text.append(f"→ {told}\n")
    if view.error_code or in_language(view.error, lang):
        _add_error(text, view, lang)
    record = view.record
    rows = [
        ("IMEI", view.imei),
        (in_language(Text("model", "型号"), lang), view.model),
        (in_language(Text("try", "次数"), lang), str(view.tries or "")),
        (in_language(Text("seconds", "秒"), lang), f"{view.seconds:.1f}" if view.seconds else ""),
    ]
    if record is not None and not view.is_at_work:
        rows += [
            (in_language(Text("before", "原版本"), lang), record.version_before),
            (in_language(Text("now", "现版本"), lang), record.version_after),
            (in_language(Text("bytes", "字节"), lang), f"{record.bytes:,}" if record.bytes else ""),
            (in_language(Text("unit", "单机数据"), lang), record.unit),
            (in_language(Text("record", "记录"), lang), record.id),
        ]
    text.append("\n")
    for name, value in rows:
        if value:
            text.append(fit(name, 10), "dim").append(f"{value}\n")
    _add_steps(text, view.steps, lang, width)
    if view.checks:
        text.append("\n" + in_language(Text("functional test", "功能测试"), lang) + "\n", "bold")
        for check in view.checks:
            limits = f" ({check.limits})" if check.limits else ""
            text.append(
                f"{VERDICTS.get(check.verdict, '?')} {check.name}: {check.value}{limits} {check.detail}".rstrip()
            )
            text.append("\n")
    _add_log(text, view.log, lang)
    return text


def _add_error(text: Rich, view: SlotView, lang: str) -> None:
    """The error as ``moduline explain`` tells it."""
    text.append("\n")
    if view.error_code:
        text.append(f"{view.error_code} ", "bold")
    text.append(in_language(view.error, lang) + "\n")
    if hint := in_language(view.hint, lang):
        text.append(in_language(Text("try: ", "建议："), lang), "bold").append(hint + "\n")
    for leaf in leaves():
        if leaf.code == view.error_code:
            text.append(f"{leaf.slug} · {(leaf.__doc__ or '').strip().splitlines()[0]}\n", "dim")


def _add_steps(text: Rich, steps: tuple[StepTime, ...], lang: str, width: int) -> None:
    if not steps:
        return
    text.append("\n" + in_language(Text("steps", "步骤"), lang) + "\n", "bold")
    for step in steps:
        name = f"{_STEP_SIGNS.get(step.state, '?')} {in_language(step.text, lang)}"
        text.append(ends(name, f"{step.seconds:.1f} s", max(width, 20)) + "\n")


def _add_log(text: Rich, log: tuple[LogLine, ...], lang: str) -> None:
    if not log:
        return
    text.append("\n" + in_language(Text("log, newest first", "日志（最新在前）"), lang) + "\n", "bold")
    for line in reversed(log):
        at = time.strftime("%H:%M:%S", time.localtime(line.at))
        text.append(f"{at} ", "dim").append(in_language(line.text, lang) + "\n")
