"""``pacmerge``, the vendor tool's own operation: entries of one ``.pac`` beside those of another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, out, print_json
from moduline.cli.package_change import must_not_exist, read_package_file
from moduline.digest import sha256_hex
from moduline.package import read_package, write_package
from moduline.package.unisoc_entries import MergeId, pacmerge
from moduline.release import output


def register(app: typer.Typer) -> None:
    """Add ``pacmerge``."""

    @app.command(
        "pacmerge",
        help=say(
            "The vendor tool's own command line: entries of an external .pac go beside entries of a base .pac, "
            "before it, or behind with ',after'. "
            "Example: moduline pacmerge --id APPIMG,CP core.pac appimage.pac merged.pac",
            "与厂商工具相同的命令行：将外部 .pac 的条目放到基础 .pac 的条目之前，加“,after”则放到其后。"
            "示例：moduline pacmerge --id APPIMG,CP core.pac appimage.pac merged.pac",
        ),
    )
    def merge(
        base: Annotated[Path, typer.Argument(metavar="BASE", help=say("base package", "基础固件包"))],
        external: Annotated[Path, typer.Argument(metavar="EXTERNAL", help=say("what is taken from", "外部固件包"))],
        target: Annotated[Path, typer.Argument(metavar="OUT", help=say("file to write", "输出文件"))],
        ids: Annotated[
            list[str],
            typer.Option(
                "--id",
                metavar="EXT,BASE[,NEW[,before|after]]",
                help=say("which entry goes beside which, under which name; repeatable", "条目、位置与新名称，可重复"),
            ),
        ],
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        first, second = (read_package(read_package_file(path), path.name) for path in (base, external))
        data = write_package(pacmerge(first, second, [MergeId.parse(text) for text in ids]))
        for source in (base, external):
            output.must_not_be(target, source)
        must_not_exist(target, is_allowed=yes or dry_run)
        if not dry_run:
            output.write_whole(target, data)
        facts = {"path": str(target), "bytes": len(data), "sha256": sha256_hex(data), "written": not dry_run}
        if as_json:
            print_json({"ok": True, **facts})
        else:
            out().print(f"{target}  {len(data)} {say('bytes', '字节')}  sha256 {facts['sha256']}", markup=False)
