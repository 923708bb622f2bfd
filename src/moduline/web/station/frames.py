"""What the browser is told of a gang: each slot as a few short words, and of those only what has changed.

::

    {"slots": {"A3": {"p": 46, "s": "写入 AP"}}, "order": ["A1", "A2", ...]?, "top": {"passed": 5, ...}}

=====  =========================================================
``k``  kind: ``pass fail refused error aborted work wait again empty call``
``i``  icon of the kind
``w``  the word that is read from three metres
``u``  the word below it; empty when it would be the same
``p``  percent of the try; -1: there is no bar
``m``  last digits of the IMEI
``s``  what is being done
``e``  what went wrong, in a sentence
``h``  what the hands do next
``n``  number of the try, when it is not the first
=====  =========================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from moduline.errors import Text
from moduline.line import board_words
from moduline.line.board import SlotView, Totals
from moduline.line.next_action import NextAction

Frame = dict[str, Any]

KINDS: Final = {
    "passed": "pass", "failed": "fail", "refused": "refused", "broken": "error", "aborted": "aborted",
    "asking": "work", "burning": "work", "checking": "work", "examining": "work",
    "empty": "empty", "settling": "wait", "pausing": "wait", "waiting": "wait",
}  # fmt: skip
"""How each state of the board looks; one that is not here looks like ``wait``."""
ICONS: Final = {
    "pass": "check_circle", "fail": "cancel", "refused": "block", "error": "error", "aborted": "pause_circle",
    "work": "autorenew", "wait": "hourglass_empty", "empty": "radio_button_unchecked", "call": "touch_app",
    "again": "power_settings_new",
}  # fmt: skip


def slot_frame(view: SlotView, lang: str) -> Frame:
    """One slot."""
    kind = "call" if view.is_calling else KINDS.get(view.state, "wait")
    if kind == "wait" and view.error_code:
        kind = "again"
    word = _in(view.word, lang)
    big = board_words.BIG.get("calling" if view.is_calling else view.state, word)
    has_bar = kind in {"work", "call"} or (kind in {"fail", "aborted"} and view.share > 0)
    error = _in(view.error, lang)
    return {
        "k": kind,
        "i": ICONS[kind],
        "w": big,
        "u": word if word.casefold() != big.casefold() else "",
        "p": int(view.share * 100) if has_bar else -1,
        "m": view.imei_tail,
        "s": _in(view.step, lang),
        "e": f"{error} ({view.error_code})" if error and view.error_code else error,
        "h": _in(view.next, lang),
        "n": view.tries if view.tries > 1 else 0,
    }


def top_frame(totals: Totals, act: NextAction, lang: str) -> Frame:
    """The counters and the sentence."""
    failed = totals.units - totals.passed - totals.aborted
    return {
        "done": totals.units,
        "passed": totals.passed,
        "failed": max(failed, 0),
        "yield": "–" if totals.final_yield is None else f"{100 * totals.final_yield:.1f} %",
        "rate": "–" if totals.per_hour is None else f"{totals.per_hour:.0f}",
        "time": clock(totals.seconds),
        "act": act.kind,
        "say": _in(act.text, lang),
    }


def clock(seconds: float) -> str:
    """A time span as a clock: ``0:09:05``."""
    minutes, rest = divmod(int(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


class Frames:
    """Gives what has changed since it was asked last.

    Args:
        lang: "en" or "zh".
    """

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._views: dict[str, SlotView] = {}
        self._slots: dict[str, Frame] = {}
        self._top: Frame = {}

    def changes(self, slots: Sequence[SlotView], totals: Totals, act: NextAction) -> Frame:
        """What is new; empty when nothing is."""
        told: Frame = {}
        names = [one.slot for one in slots]
        if names != list(self._slots):
            self._views.clear()
            self._slots = {name: {} for name in names}
            told["order"] = names
        changed: dict[str, Frame] = {}
        for view in slots:
            if self._views.get(view.slot) is view:
                continue
            self._views[view.slot] = view
            now = slot_frame(view, self._lang)
            if fresh := _differing(self._slots[view.slot], now):
                changed[view.slot] = fresh
                self._slots[view.slot] = now
        if changed:
            told["slots"] = changed
        top = top_frame(totals, act, self._lang)
        if fresh := _differing(self._top, top):
            told["top"] = fresh
            self._top = top
        return told


def _differing(before: Frame, now: Frame) -> Frame:
    return {name: value for name, value in now.items() if before.get(name) != value or name not in before}


def _in(text: Text, lang: str) -> str:
    return text.zh if lang == "zh" else text.en
