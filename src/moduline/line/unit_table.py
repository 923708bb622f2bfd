"""The table of unit data: a CSV, alone or with a TOML file that says what becomes of its columns.

::

    units.csv     serial,key,imei,/usr/cert.pem       units.toml    csv = "units.csv"
                  SN0001,4f...,,-----BEGIN...                       name = "meter"
                                                                    [[file]]
                                                                    path = "/usr/meter.ini"
                                                                    template = "meter.ini"      # id=${serial}

A CSV alone follows the conventions of ``package.units``: the first column names the unit, columns named ``/usr/...`` or
``/bak/...`` are files, the others go into ``/usr/unit.json``. A column ``imei`` reserves its row for that module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import Final

from moduline.errors import BadFormat, BadRecipe, NoSuchFile, StorageFailed, Text
from moduline.line.luhn import is_luhn_right
from moduline.line.unit_rows import Row, Rows
from moduline.package.units import DEFAULT_FILE, MAX_BYTES, NAME, Unit, check_place, read_units
from moduline.profiles.schema import Table

IMEI_COLUMN: Final = "imei"
IMEI_DIGITS: Final = 15
MAX_TEMPLATE_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class UnitTable:
    """Every unit there is data for.

    Args:
        name: under which given rows are kept; the same table, however it grows, keeps its name.
        units: in their order.
        rows: the same, with the IMEI each is reserved for.
    """

    name: str
    units: tuple[Unit, ...]
    rows: Rows


def read_table_file(path: Path) -> UnitTable:
    """The table in a ``.csv`` or ``.toml`` file.

    Raises:
        NoSuchFile, StorageFailed: a file cannot be read.
        BadFormat, BadOption, TooBig: the CSV is wrong.
        BadRecipe: the TOML file is wrong.
    """
    if path.suffix.lower() != ".toml":
        return make_table(path.stem, read_units(_read(path)))
    top = Table.parse(_read(path), path.name)
    file, place = path.parent / top.text("csv"), top.text("json", DEFAULT_FILE)
    name, templates = top.text("name", file.stem), _read_templates(top, path.parent)
    if not name.strip() or not name.isprintable() or len(name) > 64:
        top.refuse("name", "1 to 64 printable characters", "应为 1 至 64 个可打印字符")
    top.end()
    units = read_units(_read(file), place or DEFAULT_FILE)
    if not place:
        units = tuple(replace(unit, files=_without(unit.files, DEFAULT_FILE)) for unit in units)
    filled = tuple(_filled(unit, templates, path.name) for unit in units)
    if not all(unit.files for unit in filled):
        top.refuse("json", "the units have no file at all", "单元没有任何文件")
    return make_table(name, filled)


def make_table(name: str, units: Sequence[Unit]) -> UnitTable:
    """The table of some units.

    Raises:
        BadFormat: an IMEI that is none, or twice.
    """
    rows: list[Row] = []
    seen: set[str] = set()
    for unit in units:
        imei = next((text.strip() for column, text in unit.values.items() if column.casefold() == IMEI_COLUMN), "")
        if imei and not (len(imei) == IMEI_DIGITS and is_luhn_right(imei)):
            raise _broken(unit.row, "'{imei}' is no IMEI", "“{imei}”不是 IMEI", imei)
        if imei in seen:
            raise _broken(unit.row, "IMEI {imei} occurs twice", "IMEI {imei} 重复出现", imei)
        seen |= {imei} - {""}
        rows.append(Row(unit.name, imei))
    return UnitTable(name, tuple(units), Rows(rows))


def _read_templates(top: Table, folder: Path) -> dict[str, Template]:
    """Text by path on the module."""
    found: dict[str, Template] = {}
    for table in top.tables("file", ()):
        path = table.text("path")
        check_place(path)
        if path in found:
            table.refuse("path", "it occurs twice", "重复出现")
        if table.has("text") == table.has("template"):
            table.refuse("template", "either text or template", "text 与 template 二选一")
        if table.has("text"):
            text = table.text("text")
        else:
            data = _read(folder / table.text("template"))
            if len(data) > MAX_TEMPLATE_BYTES:
                table.refuse("template", "the file is too large", "文件过大")
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                table.refuse("template", "not UTF-8", "不是 UTF-8 编码")
        template = Template(text)
        if not template.is_valid():
            table.refuse("template", "a $ that begins no ${{column}}; write $$", "存在无效的 $；请写作 $$")
        table.end()
        found[path] = template
    return found


def _filled(unit: Unit, templates: Mapping[str, Template], name: str) -> Unit:
    """The unit with the files that templates make of its columns."""
    files = dict(unit.files)
    for number, (path, template) in enumerate(templates.items()):
        unknown = sorted(set(template.get_identifiers()) - set(unit.values))
        if unknown:
            why = Text("no column '{column}'", "没有列“{column}”")
            raise BadRecipe(path=name, key=f"file[{number}]", reason=why, column=unknown[0])
        files[path] = template.substitute(unit.values).encode("utf-8")
    return replace(unit, files=files)


def _without(files: Mapping[str, bytes], path: str) -> dict[str, bytes]:
    return {one: data for one, data in files.items() if one != path}


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            reason = Text("not a file", "不是文件") if path.exists() else Text("no such file", "文件不存在")
            raise NoSuchFile(path=str(path), reason=reason)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as wrong:
        raise StorageFailed(path=str(path), reason=getattr(wrong, "strerror", None) or str(wrong)) from wrong


def _broken(row: int, en: str, zh: str, imei: str) -> BadFormat:
    reason = Text(f"line {{row}}: {en}", f"第 {{row}} 行：{zh}")
    return BadFormat(format=NAME, reason=reason, offset=0, row=row, imei=imei[:32])
