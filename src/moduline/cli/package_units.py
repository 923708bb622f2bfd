"""``pack units``: one package per unit of a CSV, each with its own factory parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, note, out, print_json
from moduline.cli.package_change import read_package_file
from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text
from moduline.package import FirmwarePackage, read_package, write_package
from moduline.package.units import DEFAULT_FILE, Unit, UnitMerger, read_units
from moduline.release import output

LIST_NAME = "units.csv"


def register_units(pack: typer.Typer) -> None:
    """Add ``units`` to ``pack``."""

    @pack.command(
        help=say(
            "One package per line of a CSV: its first column names the unit, columns named /usr/... or /bak/... are "
            "files, the others go into one JSON file; nothing is built again. "
            "Example: moduline pack units meter_1.0.0.zip --csv units.csv -o out/",
            "按 CSV 每行生成一个固件包：首列为单元名，名为 /usr/... 或 /bak/... 的列为文件，其余列写入一个 JSON 文件；"
            "无需重新构建。示例：moduline pack units meter_1.0.0.zip --csv units.csv -o out/",
        )
    )
    def units(
        file: Annotated[Path, typer.Argument(metavar="PACKAGE", help=say("production package", "量产固件包"))],
        table: Annotated[Path, typer.Option("--csv", metavar="FILE", help=say("one line per unit", "每行一个单元"))],
        folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help=say("folder", "目录"))],
        place: Annotated[
            str, typer.Option("--file", metavar="PATH", help=say("the JSON file on the module", "模组上的 JSON 文件"))
        ] = DEFAULT_FILE,
        module: Annotated[str, typer.Option("--module", metavar="M", help=say("module", "型号"))] = "",
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        package = read_package(read_package_file(file), file.name)
        listed = read_units(read_package_file(table), place)
        names = {unit.name: f"{file.stem}_{unit.name}{file.suffix}" for unit in listed}
        taken = [name for name in (*names.values(), LIST_NAME) if (folder / name).exists()]
        if taken and not (yes or dry_run):
            why = Text("{file} exists; --yes overwrites", "{file} 已存在；使用 --yes 覆盖")
            raise BadOption(name="-o", reason=why, file=str(folder / taken[0]))
        rows = write_units(package, listed, names, folder, module=module, is_written=not dry_run)
        if as_json:
            print_json({"ok": True, "folder": str(folder), "written": not dry_run, "units": rows})
            return
        for row in rows:
            out().print(f"{row['unit']}  {row['file']}  {row['bytes']}  sha256 {row['sha256']}", markup=False)
        note("{count} units", "共 {count} 个单元", count=len(rows))


def write_units(
    package: FirmwarePackage,
    units: tuple[Unit, ...],
    names: dict[str, str],
    folder: Path,
    *,
    module: str,
    is_written: bool,
) -> list[dict[str, Any]]:
    """Make and write every unit's package and a list of them; gives the list."""
    merger = UnitMerger(package, module)
    rows: list[dict[str, Any]] = []
    for unit in units:
        data = write_package(merger.package(unit))
        if is_written:
            output.write_whole(folder / names[unit.name], data)
        row = {"unit": unit.name, "file": names[unit.name], "bytes": len(data), "sha256": sha256_hex(data)}
        rows.append(row | {"files": list(unit.files)})
    if is_written:
        lines = [
            "unit,file,bytes,sha256",
            *(f"{r['unit']},{_cell(r['file'])},{r['bytes']},{r['sha256']}" for r in rows),
        ]
        output.write_whole(folder / LIST_NAME, "".join(line + "\r\n" for line in lines).encode("utf-8"))
    return rows


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"') else text
