"""The one thing that the hands do next at a gang, in one sentence, out of what every slot wants.

What cannot wait comes first: a unit whose boot pin must be held now, then a fault of the computer, then units that
failed (a re-powered unit goes on by itself), units that do not belong here, units that are done, and empty slots. At
most two of these make the sentence; nothing that must not be touched is ever named in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from moduline.errors import Text
from moduline.line.board import SlotView
from moduline.line.board_words import both

SHOWN: Final = 4
"""So many slots are named; of the others their number."""
CLAUSES: Final = 2


@dataclass(frozen=True, slots=True)
class NextAction:
    """What to do.

    Args:
        kind: ``call`` (now, or the try is lost), ``bad``, ``warn``, ``good``, ``free``, ``wait`` or ``over``.
        text: the sentence.
        slots: that it names.
    """

    kind: str
    text: Text
    slots: tuple[str, ...] = ()


_CLAUSES: Final = (
    ("call", frozenset({"calling"}), Text("Slot {slots}: {told}", "通道 {slots}：{told}")),
    (
        "bad",
        frozenset({"broken"}),
        Text("this computer failed at slot {slots}: call the engineer", "通道 {slots} 本机故障，请联系工程师"),
    ),
    (
        "bad",
        frozenset({"failed"}),
        Text("slot {slots} failed: power it again, or put it aside", "通道 {slots} 失败：请重新上电，或取出待修"),
    ),
    (
        "warn",
        frozenset({"aborted", "waiting"}),
        Text("slot {slots} was interrupted: power it again", "通道 {slots} 中断：请重新上电"),
    ),
    (
        "warn",
        frozenset({"refused"}),
        Text("take out slot {slots}: not for this order", "请取出通道 {slots}：不属于本工单"),
    ),
    (
        "good",
        frozenset({"passed"}),
        Text("take out slot {slots} and insert a new module", "请取出通道 {slots}，放入新模组"),
    ),
    ("free", frozenset({"empty"}), Text("put a module into slot {slots}", "请在通道 {slots} 放入模组")),
)
_TAKE_OUT: Final = Text("take out slot {slots}", "请取出通道 {slots}")
_LEAVE: Final = Text("Leave everything plugged in: {count} at work", "请勿拔出：{count} 个通道正在进行")
_NOTHING: Final = Text("Connect the jig: no slot is known yet", "请连接夹具：尚未发现通道")
_ENDING: Final = Text("Nothing new begins: {count} still at work", "不再开始新的烧录：剩余 {count} 个正在完成")


def next_action(slots: Sequence[SlotView], *, is_ending: bool = False) -> NextAction:
    """What the hands do next.

    Args:
        slots: every slot as it is now.
        is_ending: nothing new begins, so no module is asked for.
    """
    if not slots:
        return NextAction("wait", _NOTHING)
    clauses: list[tuple[str, Text, tuple[str, ...]]] = []
    for kind, states, text in _CLAUSES:
        wanted = [one for one in slots if _state_of(one) in states]
        if not wanted or (is_ending and kind == "free") or (kind == "free" and clauses):
            continue
        names = tuple(one.slot for one in wanted)
        if kind == "call":
            names = names[:1]
        said = _TAKE_OUT if is_ending and kind == "good" else text
        clauses.append((kind, _named(said, names, wanted[0].next), names))
        if kind == "call" or len(clauses) == CLAUSES:
            break
    count = sum(one.is_at_work for one in slots)
    if not clauses:
        return NextAction("wait", both(_ENDING if is_ending else _LEAVE, count=count))
    kind, text, names = clauses[0]
    if is_ending and count and kind == "good":
        return NextAction("wait", both(_ENDING, count=count), names)
    for _, more, others in clauses[1:]:
        text = Text(f"{text.en}; then {more.en}", f"{text.zh}；然后{more.zh}")
        names += others
    return NextAction(kind, Text(text.en[:1].upper() + text.en[1:], text.zh), names)


def _state_of(view: SlotView) -> str:
    return "calling" if view.is_calling else view.state


def _named(text: Text, names: tuple[str, ...], told: Text) -> Text:
    shown, rest = names[:SHOWN], len(names) - SHOWN
    en, zh = ", ".join(shown), "、".join(shown)
    if rest > 0:
        en, zh = f"{en} and {rest} more", f"{zh} 等 {len(names)} 个"
    return Text(text.say("en", slots=en, told=told.en), text.say("zh", slots=zh, told=told.zh))
