"""How a burn looks: the plan, the table of a gang while it runs, the records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from moduline.burn import BurnPlan, BurnRecord
from moduline.burn.words import NO_PLACE, PLAN_VERBS
from moduline.cli import output
from moduline.cli.language import current, say
from moduline.cli.output import err, note, out, print_json, print_table
from moduline.events import Event, Notice, Progress, Reporter, Step, to_json
from moduline.line.board_words import NOTICES, notice_of

_NOTICES = {slug: (f"{{where}}: {text.en}", f"{{where}}：{text.zh}") for slug, text in NOTICES.items()}
_OUTCOME_COLOURS = {"PASS": "green", "FAIL": "red", "REFUSED": "yellow", "ERROR": "red", "ABORTED": "yellow"}


def show_plan(plan: BurnPlan, *, as_json: bool, is_result: bool) -> None:
    """Print what will be done: to stdout when that is the result, to stderr otherwise."""
    if as_json:
        print_json({"ok": True, **plan.as_facts(current())})
        return
    if not is_result and output.verbosity < 0:
        return
    console = out() if is_result else err()
    table = Table(header_style="bold")
    for title in (
        say("part", "部分"),
        say("does", "动作"),
        say("address", "地址"),
        say("bytes", "字节"),
        say("read back", "回读"),
    ):
        table.add_column(title)
    for action in plan.actions:
        size = f"0x{action.size_bytes:x}" if action.verb == "format" else str(action.size_bytes or "")
        is_read = "✓" if action.is_read_back else ""
        place = "" if action.address == NO_PLACE else f"0x{action.address:08x}"
        table.add_row(escape(action.part), PLAN_VERBS[action.verb].say(current()), place, size, is_read)
    console.print(table)
    for loss in plan.losses:
        console.print(say("lost: ", "将丢失：") + loss.say(current()), markup=False)
    console.print(
        say(
            "for {model}, version {version}: {bytes} bytes to send",
            "适用型号 {model}，版本 {version}：共发送 {bytes} 字节",
            model=plan.model or plan.chip,
            version=plan.version or "?",
            bytes=plan.write_bytes,
        ),
        markup=False,
    )


def print_records(records: list[BurnRecord]) -> None:
    """A table of tries for people; JSON and CSV have every field."""
    print_table(
        [
            say("slot", "通道"),
            say("outcome", "结果"),
            "IMEI",
            say("bytes", "字节"),
            say("seconds", "秒"),
            say("tries", "次数"),
            say("package / error", "固件包 / 错误"),
        ],
        [
            (
                escape(record.slot),
                coloured(record.outcome),
                record.imei,
                record.bytes,
                f"{record.seconds:.1f}",
                record.tries,
                escape(f"{record.error_code} {record.error_message}".strip() or record.package),
            )
            for record in records
        ],
    )


@dataclass(slots=True)
class _Row:
    step: str = ""
    outcome: str = ""
    done: int = 0
    total: int = 0
    imei: str = ""
    tries: int = 0


@dataclass(slots=True)
class LiveView:
    """The gang's table while it runs, on stderr; or JSON lines on stdout."""

    as_jsonl: bool = False
    _rows: dict[str, _Row] = field(default_factory=dict)
    _live: Live | None = None

    def __enter__(self) -> Self:
        if not self.as_jsonl and output.verbosity >= 0 and err().is_terminal:
            self._live = Live(self._table(), console=err(), refresh_per_second=4, get_renderable=self._table)
            self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._live is not None:
            self._live.stop()

    def report(self, event: Event) -> None:
        """Take an event of any slot."""
        if self.as_jsonl:
            print_json(to_json(event))
            return
        if not event.where and isinstance(event, Notice):  # about the whole gang
            note("{text}", "{text}", text=notice_of(event.slug, event.facts).say(current()))
            return
        row = self._rows.setdefault(event.where, _Row())
        if isinstance(event, Progress):
            row.done, row.total = event.done_bytes, event.total_bytes
            row.step = event.what
        elif isinstance(event, Step):
            row.step, row.outcome = event.name.removeprefix("burn."), ""
            row.imei = str(event.facts.get("imei") or row.imei)
        elif event.slug in _NOTICES:
            note(*_NOTICES[event.slug], where=event.where, **event.facts)

    def finished(self, record: BurnRecord) -> None:
        """Take a finished record."""
        if self.as_jsonl:
            print_json({"event": "record", **record.as_json()})
            return
        row = self._rows.setdefault(record.slot, _Row())
        row.outcome, row.imei, row.tries = record.outcome, record.imei, record.tries
        if self._live is None:
            note(
                "{slot}: {outcome} {imei} {error}",
                "{slot}：{outcome} {imei} {error}",
                slot=record.slot,
                outcome=record.outcome,
                imei=record.imei,
                error=record.error_message,
            )

    def _table(self) -> Table:
        table = Table(header_style="bold")
        for title in (say("slot", "通道"), say("state", "状态"), say("done", "进度"), "IMEI", say("tries", "次数")):
            table.add_column(title)
        for slot, row in sorted(self._rows.items()):
            state = coloured(row.outcome) if row.outcome else escape(row.step)
            share = f"{100 * row.done // row.total:3d} % {row.done}/{row.total}" if row.total else ""
            table.add_row(escape(slot), state, share, row.imei, str(row.tries or 1))
        return table


def single_reporter(*, as_jsonl: bool) -> Reporter:
    """A Reporter for one module: notices as sentences, the rest as lines, or JSON lines."""
    plain = output.reporter(as_jsonl=as_jsonl)

    def tell(event: Event) -> None:
        if isinstance(event, Notice) and event.slug in _NOTICES and not as_jsonl:
            note(*_NOTICES[event.slug], where=event.where, **event.facts)
        else:
            plain(event)

    return tell


def coloured(outcome: str) -> str:
    """The outcome's word in its colour, as rich markup."""
    colour = _OUTCOME_COLOURS.get(outcome, "")
    return f"[{colour}]{outcome}[/{colour}]" if colour else outcome
