"""``virt models``: which modules there are, and where they differ."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from moduline.cli.language import say
from moduline.cli.output import JsonFlag, print_json, print_table
from moduline.profiles import catalog
from moduline.profiles.module import BACKUP_FS, USER_FS, ModuleProfile

KIB = 1024


def register_models(virt: typer.Typer) -> None:
    """Add ``virt models``."""

    @virt.command(
        help=say(
            "Every module of the catalogue and where they differ; --json has all facts. Example: moduline virt models",
            "列出型号库中的全部模组及其差异；--json 输出所有数据。示例：moduline virt models",
        )
    )
    def models(as_json: JsonFlag = False) -> None:
        known = [catalog.module(slug) for slug in catalog.modules()]
        if as_json:
            print_json({"ok": True, "modules": [facts_of(one) for one in known]})
            return
        columns = [
            say("module", "模组"),
            say("model", "型号"),
            say("chip", "平台"),
            say("flash", "Flash"),
            "/usr",
            say("Ctrl-C", "Ctrl-C"),
            "fota",
            say("download mode", "下载模式"),
        ]
        print_table(columns, map(_row, known))


def facts_of(module: ModuleProfile) -> dict[str, Any]:
    """Everything the catalogue says about a module, as plain values."""
    chip = catalog.chip_of(module)
    return {
        "module": module.slug,
        "aliases": list(module.aliases),
        "model": module.identity.model,
        "variant": module.identity.variant,
        "chip": chip.slug,
        "platform": chip.platform,
        "container": chip.container,
        "flash_bytes": chip.flash.size_bytes,
        "fs": module.fs.kind,
        "user_bytes": _size(module, USER_FS),
        "backup_bytes": _size(module, BACKUP_FS),
        "convention": module.convention,
        "language": module.runtime.language,
        "bytecode": module.runtime.bytecode,
        "usb": {
            "running": f"{chip.running.vid:04x}:{chip.running.pid:04x}",
            "download": f"{chip.download.vid:04x}:{chip.download.pid:04x}",
        },
        "download_port": chip.entry.port_name,
        "enters_by_at": bool(chip.entry.at_commands),
        "quirks": asdict(module.quirks),
    }


def _row(module: ModuleProfile) -> list[str]:
    chip = catalog.chip_of(module)
    way = "AT+QDOWNLOAD=1" if chip.entry.at_commands else say("pin only", "仅引脚")
    quirks = module.quirks
    return [
        module.slug,
        module.identity.variant,
        chip.slug,
        f"{chip.flash.size_bytes // KIB // KIB} MiB",
        f"{_size(module, USER_FS) // KIB} KiB {module.fs.kind}",
        say("stops main.py", "可中断 main.py") if quirks.ctrl_c_stops_main else say("ignored", "无效"),
        say("blocks", "阻塞") if quirks.is_fota_blocking else say("in background", "后台"),
        f"{chip.entry.port_name} ({way})",
    ]


def _size(module: ModuleProfile, role: str) -> int:
    place = module.partition(role)
    return place.size_bytes if place is not None else 0
