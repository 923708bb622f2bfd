"""``delta scripts``: what a server needs so that modules fetch only what changed in their scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.disk import read_folder, write_folder
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, note, print_facts
from moduline.delta.scripts import DECODER, SMALL_WINDOW, PackedScripts, pack_scripts, window_for
from moduline.image import FileTree, TreeEntry
from moduline.release import shipped
from moduline.release.app_fota import LIST, must_fit_stat

HELPERS = ("script_patch.py", DECODER)
LEFT_OUT = ("__pycache__", "*.pyc", ".git", "checksum.json")

OldFolder = Annotated[Path, typer.Argument(metavar="OLD_DIR", help=say("/usr as modules have it", "模组现有的 /usr"))]
NewFolder = Annotated[Path, typer.Argument(metavar="NEW_DIR", help=say("/usr as it shall be", "升级后的 /usr"))]
OutFolder = Annotated[
    Path, typer.Option("-o", "--output", metavar="OUT_DIR", help=say("for the server", "供服务器使用"))
]
HelperFlag = Annotated[
    bool,
    typer.Option(
        "--helper",
        help=say(
            "also what modules need in /usr, script_patch.py and script_window.py, and patches for both",
            "同时输出模组 /usr 所需的 script_patch.py 与 script_window.py，并按两者制作差分",
        ),
    ),
]


def register_scripts(noun: typer.Typer) -> None:
    """Add ``scripts`` to ``delta``."""

    @noun.command(
        help=say(
            "Two folders of scripts become patches for app_fota, whole files and a list. "
            "Example: moduline delta scripts v1/usr v2/usr -o www/v2",
            "由新旧脚本文件夹制作 app_fota 差分文件、完整文件与清单。"
            "示例：moduline delta scripts v1/usr v2/usr -o www/v2",
        )
    )
    def scripts(
        old: OldFolder,
        new: NewFolder,
        output: OutFolder,
        helper: HelperFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        before = read_folder(old, LEFT_OUT).files()
        window = SMALL_WINDOW if helper else window_for(before)
        packed = pack_scripts(before, read_folder(new, LEFT_OUT).files(), window)
        must_fit_stat(packed.rows)
        if not dry_run:
            write_folder(_tree(packed, has_helper=helper), output)
        whole = sum(int(row["bytes"]) for row in packed.rows)
        fetched = sum(int(row.get("patch_bytes", row["bytes"])) for row in packed.rows)
        facts = {
            "path": str(output),
            "changed": len(packed.rows),
            "unchanged": len(packed.unchanged),
            "whole_bytes": whole,
            "fetched_bytes": fetched,
            "reads_old": window is not None,
            "is_dry_run": dry_run,
        }
        if as_json:
            facts |= {"files": [dict(row) for row in packed.rows], "gone": list(packed.gone)}
        print_facts(facts, as_json=as_json)
        if window is not None and window_for(before) is None:
            note(
                "modules need {name} in /usr first; those without it fetch whole files",
                "模组 /usr 需先有 {name}；没有它的模组会下载完整文件",
                name=DECODER,
            )
        elif window is None:
            note(
                "OLD_DIR has no {name}: patches that do not read the old file; smaller ones with --helper",
                "OLD_DIR 中没有 {name}：所作差分不引用旧文件；加 --helper 可更小",
                name=DECODER,
            )
        for path in packed.gone:
            note(
                "{path} stays on modules: app_fota deletes nothing",
                "{path} 仍会留在模组上：app_fota 不删除文件",
                path=path,
            )


def _tree(packed: PackedScripts, *, has_helper: bool) -> FileTree:
    """Everything for the server, folders before what is in them."""
    listing = json.dumps([dict(row) for row in packed.rows], ensure_ascii=False, indent=1).encode("utf-8") + b"\n"
    files = {**packed.files, LIST: listing}
    if has_helper:
        files |= {name: (shipped.folder("onboard") / "sdk" / name).read_bytes() for name in HELPERS}
    return FileTree(tuple(TreeEntry(path, data) for path, data in sorted(files.items())))
