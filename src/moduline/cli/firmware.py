"""``firmware build``, ``firmware list``: stock packages of our own for virtual modules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.language import say
from moduline.cli.output import JsonFlag, out, print_facts, print_json, print_table
from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text
from moduline.package.convert import suffix_of
from moduline.release import firmware, firmware_recipe, output


def register(app: typer.Typer) -> None:
    """Add ``firmware`` to the tree."""
    noun = typer.Typer(
        no_args_is_help=True, help=say("Virtual firmware: stock packages of our own.", "虚拟固件：自有的基础固件包。")
    )
    app.add_typer(noun, name="firmware")

    @noun.command(
        help=say(
            "Build the stock package of a virtual module. Example: moduline firmware build ec600u -o stock.zip",
            "生成虚拟模组的基础固件包。示例：moduline firmware build ec600u -o stock.zip",
        )
    )
    def build(
        module: Annotated[str, typer.Argument(metavar="MODULE", help=say("such as ec600u", "如 ec600u"))],
        to: Annotated[str, typer.Option("-o", "--output", metavar="OUT", help=say("file or folder", "文件或目录"))],
        shell: Annotated[
            str,
            typer.Option(
                "--shell", metavar="pac|bin|zip|release", help=say("default: by the ending", "默认依据扩展名")
            ),
        ] = "",
        version: Annotated[
            str, typer.Option("--version", metavar="V", help=say("another version", "指定其他版本号"))
        ] = "",
        as_json: JsonFlag = False,
    ) -> None:
        wanted = shell or shell_of(to) or firmware.native_shell(module)
        if wanted not in firmware.SHELLS:
            raise BadOption(name="--shell", reason=Text("pac, zip, bin or release", "可用 pac、zip、bin 或 release"))
        recipe = firmware_recipe.find_recipe(module)
        data = firmware.firmware_file(module, wanted, version)
        path = output.choose_path(to, f"{version or recipe.version}.{suffix_of(wanted)}")
        output.write_whole(path, data)
        facts = {
            "path": str(path),
            "version": version or recipe.version,
            "bytes": len(data),
            "sha256": sha256_hex(data),
        }
        if as_json:
            print_facts(facts, as_json=True)
        else:
            out().print("  ".join(str(value) for value in facts.values()), markup=False)

    @noun.command(
        "list",
        help=say(
            "The recipes of virtual firmware. Example: moduline firmware list",
            "列出虚拟固件配方。示例：moduline firmware list",
        ),
    )
    def list_recipes(as_json: JsonFlag = False) -> None:
        found = [firmware_recipe.find_recipe(name) for name in firmware_recipe.recipes()]
        if as_json:
            rows = [{"module": one.name, "version": one.version, "models": list(one.models)} for one in found]
            print_json({"ok": True, "recipes": rows})
            return
        columns = [say("module", "型号"), say("version", "版本"), say("runs on", "适用")]
        print_table(columns, [(one.name, one.version, ", ".join(one.models)) for one in found])


def shell_of(to: str) -> str:
    """The shell that the ending of an output file asks for; empty for a folder."""
    ending = Path(to).suffix.lower().removeprefix(".")
    return ending if ending in firmware.SHELLS else ""
