"""``nv``: the saved NV blocks that hold a unit's IMEI and radio calibration."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline import burn as burning
from moduline.burn import NvFile, Order
from moduline.burn.nv_jobs import nv_order, run_nv
from moduline.burn.nv_store import LAST, SavedNv, all_saved, choose
from moduline.cli.burn_view import coloured, show_plan, single_reporter
from moduline.cli.disk import read_file, write_file
from moduline.cli.language import say
from moduline.cli.output import (
    DryRunFlag,
    JsonFlag,
    JsonlFlag,
    YesFlag,
    note,
    out,
    print_facts,
    print_json,
    print_table,
)
from moduline.cli.remote import PortOption, confirm, run_async
from moduline.digest import sha256_hex
from moduline.formats import nv as nv_format
from moduline.port.address import resolve

WantedArgument = Annotated[
    str, typer.Argument(metavar="FILE|last|IMEI", help=say("a saved NV block", "已保存的 NV 数据"))
]
PackageOption = Annotated[
    Path,
    typer.Option(
        "--package", metavar="FILE", help=say("package of this model, for its loaders", "该型号固件包（取其加载程序）")
    ),
]
_NAMES = {5: "IMEI", 0x179: "IMEI 2", 0x26D: "GSM calibration", 0x26E: "LTE calibration", 0x26F: "golden calibration"}


def register(app: typer.Typer) -> None:
    """Add the noun to the tree."""
    nouns = typer.Typer(
        no_args_is_help=True,
        help=say("Saved NV blocks: IMEI and radio calibration.", "已保存的 NV 数据：IMEI 与射频校准。"),
    )
    app.add_typer(nouns, name="nv")
    _register_list(nouns)
    _register_show(nouns)
    _register_backup(nouns)
    _register_restore(nouns)


def named_block(wanted: str, port: str) -> NvFile:
    """The block that an option names; ``last`` is the newest of the place that ``port`` leads to.

    Raises:
        NoSuchFile, BadChecksum, BadFormat, StorageFailed: as ``burn.nv_store.choose``.
        NoModule, SeveralModules, BadAddress: ``last``, and the port leads to no one place.
    """
    return choose(wanted, resolve(port, ("download", "at")).place if wanted == LAST else "")


def show_whose(block: NvFile) -> None:
    """Say whose block will be written, for a comparison with the label."""
    note(
        "NV of IMEI {imei} will be written ({path}). Compare it with the label on the module!",
        "将写入 IMEI {imei} 的 NV 数据（{path}）。请与模组标签核对！",
        imei=block.imei,
        path=block.path,
    )


def _register_list(nouns: typer.Typer) -> None:
    @nouns.command(
        "list",
        help=say(
            "Every NV block that a burn has saved, newest last. Example: moduline nv list --imei 866981057532206",
            "列出烧录时保存的全部 NV 数据，最新的在最后。示例：moduline nv list --imei 866981057532206",
        ),
    )
    def list_blocks(
        imei: Annotated[str, typer.Option("--imei", metavar="IMEI", help="IMEI")] = "",
        slot: Annotated[str, typer.Option("--slot", metavar="NAME", help=say("slot or place", "通道或位置"))] = "",
        as_json: JsonFlag = False,
    ) -> None:
        rows = [
            row for row in all_saved() if imei in {"", row.imei} and slot in {"", row.slot, row.place} and not row.part
        ]
        if as_json:
            print_json({"ok": True, "blocks": [row.as_json() for row in rows]})
            return
        headings = [say("saved", "时间"), "IMEI", say("model", "型号"), say("slot", "通道"), say("state", "状态")]
        print_table([*headings, say("file", "文件")], [_row(row) for row in rows])
        if not rows:
            note("no burn has saved an NV block yet", "尚未保存过 NV 数据")


def _row(row: SavedNv) -> tuple[str, ...]:
    state = say("whole", "完好") if row.is_valid else say("damaged", "损坏")
    return (_when(row), row.imei or "-", escape(row.model or row.chip), escape(row.slot), state, escape(row.path))


def _when(row: SavedNv) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.saved))


def _register_show(nouns: typer.Typer) -> None:
    @nouns.command(
        "show",
        help=say(
            "What is in a saved block: IMEI, check value, items. Example: moduline nv show last",
            "查看一份 NV 数据：IMEI、校验值与条目。示例：moduline nv show last",
        ),
    )
    def show(wanted: WantedArgument, as_json: JsonFlag = False) -> None:
        found = choose(wanted)
        block = nv_format.read(found.block)
        row = next((one for one in all_saved() if one.path == found.path), None)
        facts: dict[str, Any] = {
            "imei": found.imei,
            "file": found.path,
            "bytes": len(found.block),
            "crc": f"0x{block.stored_crc:04x}",
            "sha256": sha256_hex(found.block),
            "saved": _when(row) if row else "",
            "model": row.model if row else "",
            "slot": row.slot if row else "",
        }
        items = [
            {"id": f"0x{one.id:x}", "bytes": len(one.data), "name": _NAMES.get(one.id, "")} for one in block.entries
        ]
        if as_json:
            print_json({"ok": True, **facts, "items": items})
            return
        print_facts({name: escape(str(value)) for name, value in facts.items()}, as_json=False)
        out().print()
        print_table(
            [say("item", "条目"), say("bytes", "字节"), say("holds", "内容")],
            [(one["id"], one["bytes"], one["name"]) for one in items],
        )


def _register_backup(nouns: typer.Typer) -> None:
    @nouns.command(
        "backup",
        help=say(
            "Read a module's NV block out and keep it; nothing is written. Unisoc chips. "
            "Example: moduline nv backup --port virt:m1 --package stock.pac",
            "读出并保存模组的 NV 数据，不写入任何内容。适用于 Unisoc 平台。"
            "示例：moduline nv backup --port virt:m1 --package stock.pac",
        ),
    )
    def backup(
        package: PackageOption,
        port: PortOption = "auto",
        output: Annotated[
            Path | None, typer.Option("-o", "--output", metavar="OUT", help=say("a copy, too", "另存副本"))
        ] = None,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        order = nv_order(_order(package))
        show_plan(order.plan, as_json=as_json and dry_run, is_result=dry_run)
        if dry_run:
            return
        record, kept = run_async(run_nv(port, order, single_reporter(as_jsonl=as_jsonl)))
        record.raise_error()
        if kept is None:
            raise RuntimeError(record.error_message)
        if output is not None:
            write_file(output, read_file(Path(kept.path)))
        if as_json or as_jsonl:
            print_json({"ok": True, **kept.as_json()})
            return
        if not kept.is_valid:
            note("the block is damaged; it was kept as it is", "该数据已损坏，已按原样保存")
        print_facts({"IMEI": kept.imei or "-", say("file", "文件"): escape(kept.path)}, as_json=False)


def _register_restore(nouns: typer.Typer) -> None:
    @nouns.command(
        "restore",
        help=say(
            "Write a saved NV block back, byte for byte, and nothing else; shows its IMEI and asks. Refused when the "
            "module is another unit. Example: moduline nv restore last --port slot:A3 --package stock.pac",
            "将保存的 NV 数据逐字节写回，不改动其他内容；先显示其 IMEI 并确认，模组不符时拒绝。"
            "示例：moduline nv restore last --port slot:A3 --package stock.pac",
        ),
    )
    def restore(
        wanted: WantedArgument,
        package: PackageOption,
        port: PortOption = "auto",
        dry_run: DryRunFlag = False,
        yes: YesFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        block = named_block(wanted, port)
        order = nv_order(_order(package), block)
        show_plan(order.plan, as_json=as_json and dry_run, is_result=dry_run)
        show_whose(block)
        if dry_run:
            return
        confirm(yes=yes)
        record, _ = run_async(run_nv(port, order, single_reporter(as_jsonl=as_jsonl)))
        record.raise_error()
        if not record.is_pass:
            raise RuntimeError(record.error_message)
        if as_json or as_jsonl:
            print_json({"ok": True, **record.as_json()})
            return
        print_facts({say("outcome", "结果"): coloured(record.outcome), "IMEI": record.imei}, as_json=False)


def _order(package: Path) -> Order:
    return burning.make_order(read_file(package), package.name, verify="device")
