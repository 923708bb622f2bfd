"""``gang learn``: which USB place is which slot, by plugging a module into one after the other."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, JsonlFlag, note, print_json, print_table
from moduline.cli.remote import run_async
from moduline.errors import BadOption, Text
from moduline.events import Event, Notice, to_json
from moduline.line import learning
from moduline.port.listing import read_slots

_SENTENCES: Final = {
    "learn.ask": (
        "plug a module into slot {where} ({seconds} s); if one is in it, take it out and put it in again",
        "请将模组插入通道 {where}（{seconds} 秒内）；若已插入，请取出后重新插入",
    ),
    "learn.named": ("{where} is {place}  ({what})", "{where} 为 {place}（{what}）"),
    "learn.known": ("{where} is {place} already", "{where} 已为 {place}"),
    "learn.taken": (
        "{place} is slot {slot} of {rack} already; another place for {where}",
        "{place} 已是 {rack} 的通道 {slot}，请为 {where} 换一个位置",
    ),
    "learn.several": (
        "several arrived at once ({places}); one at a time, please",
        "同时接入多个（{places}），请逐个插入",
    ),
}


def register_learn(gang: typer.Typer) -> None:
    """Add ``gang learn``."""

    @gang.command(
        help=say(
            "Name the slots of a rack by plugging a module into one after the other; may be broken off and taken up "
            "again. Example: moduline gang learn jig --slots A1,A2,A3,A4",
            "依次将模组插入各通道，学习其 USB 位置；可中断后继续。示例：moduline gang learn jig --slots A1,A2,A3,A4",
        )
    )
    def learn(
        rack: Annotated[str, typer.Argument(metavar="RACK", help=say("rack", "机架"))],
        slots: Annotated[str, typer.Option("--slots", metavar="A1,A2", help=say("in this order", "按此顺序"))] = "",
        count: Annotated[
            int, typer.Option("--count", metavar="N", min=0, help=say("slots called 1 to N", "通道名为 1 至 N"))
        ] = 0,
        undo: Annotated[
            bool, typer.Option("--undo", help=say("forget the last of them learnt", "忘掉最后学习的一个"))
        ] = False,
        anew: Annotated[bool, typer.Option("--anew", help=say("forget all of them first", "先全部忘掉"))] = False,
        patience: Annotated[
            float, typer.Option("--patience", metavar="S", help=say("wait for one slot", "每个通道等待秒数"))
        ] = 300.0,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        names = chosen_slots(rack, slots, count, is_undo=undo)
        gone: list[str] = []
        learnt: list[learning.Learnt] = []
        if undo and not dry_run:
            known = read_slots().get(rack, {})
            gone = learning.forget(rack, [name for name in known if name in names][-1:])
        elif not undo and not dry_run:
            gone = learning.forget(rack, names) if anew else []
            learnt = run_async(learning.learn(rack, names, teller(as_jsonl=as_jsonl), patience))
        show(rack, names, learnt, gone, as_json=as_json or as_jsonl)


def chosen_slots(rack: str, slots: str, count: int, *, is_undo: bool) -> list[str]:
    """The slots that are meant.

    Raises:
        BadOption: neither a list nor a number, both, or names that cannot be names.
    """
    if not rack or not rack.isprintable() or set(rack) & set("/\\:"):
        raise BadOption(name="RACK", reason=Text("no name of a rack", "不是有效的机架名称"))
    if bool(slots) == bool(count):
        if is_undo and not slots:
            return list(read_slots().get(rack, {}))
        raise BadOption(name="--slots", reason=Text("either --slots or --count", "--slots 与 --count 二选一"))
    names = [name.strip() for name in slots.split(",")] if slots else [str(one) for one in range(1, count + 1)]
    learning.check_slots(names)
    return names


def teller(*, as_jsonl: bool) -> Any:
    """A Reporter of the lesson: JSON lines, or sentences."""

    def tell(event: Event) -> None:
        if as_jsonl:
            print_json(to_json(event))
        elif isinstance(event, Notice) and event.slug in _SENTENCES:
            note(*_SENTENCES[event.slug], where=event.where, **event.facts)

    return tell


def show(rack: str, names: list[str], learnt: list[learning.Learnt], gone: list[str], *, as_json: bool) -> None:
    """Print what the rack looks like now."""
    known = read_slots().get(rack, {})
    if as_json:
        print_json(
            {
                "ok": True,
                "rack": rack,
                "slots": known,
                "learnt": [{"slot": one.slot, "place": one.place, "what": one.what} for one in learnt],
                "forgotten": gone,
                "missing": [name for name in names if name not in known],
            }
        )
        return
    whats = {one.slot: one.what for one in learnt}
    print_table(
        [say("slot", "通道"), say("place", "位置"), say("module", "模组")],
        [
            (escape(name), escape(known.get(name, "-")), escape(whats.get(name, "")))
            for name in dict.fromkeys([*names, *known])
        ],
    )
