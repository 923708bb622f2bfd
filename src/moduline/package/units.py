"""Factory parameters: the same package for every unit but for a file or two, made without building anything again.

::

    CSV    serial,key,/usr/cert.pem      unit SN0001: /usr/unit.json  {"serial": "SN0001", "key": "4f..."}
           SN0001,4f...,-----BEGIN...                 /usr/cert.pem   -----BEGIN...

A column whose name is a path below ``/usr/`` or ``/bak/`` is a file; the others together are one JSON file. The first
column names the unit. The images of a unit hold what those of the package hold, in the same order and geometry, and
its files behind it; where the package has a file of that name already, the unit's takes its place.

Source: issue of the production line (a file per unit from a CSV); device-api 2.1 (mounts).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from moduline.errors import BadFormat, BadOption, MissingArea, Text, TooBig
from moduline.formats.checksum import LIST_NAME, SWITCH_NAME
from moduline.formats.littlefs import Entries, FsGeometry, check_path, read_image, write_image
from moduline.package.containers import container_of
from moduline.package.merge import merge
from moduline.package.parts import FirmwarePackage, FsArea
from moduline.profiles import catalog

NAME: Final = "CSV"
DEFAULT_FILE: Final = "/usr/unit.json"
ROLE_OF_MOUNT: Final[Mapping[str, str]] = {"/usr/": "user_fs", "/bak/": "backup_fs"}
ENCODINGS: Final = ("utf-8-sig", "gb18030")  # what editors and Chinese spreadsheets write
MAX_BYTES: Final = 64 << 20
MAX_UNITS: Final = 100_000
MAX_FIELD_BYTES: Final = 1 << 20
_SAFE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit.

    Attributes:
        name: value of its first column; fit for a file name.
        row: number of its line in the CSV, from 2.
        values: columns that are no files, by name.
        files: content by absolute path on the module, such as ``/usr/unit.json``.
    """

    name: str
    row: int
    values: Mapping[str, str]
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Area:
    area: FsArea
    entries: Entries
    geometry: FsGeometry


def read_units(data: bytes, file: str = DEFAULT_FILE) -> tuple[Unit, ...]:
    """The units of a CSV: comma, semicolon or tab between columns, UTF-8 or GB 18030.

    Args:
        data: the file, its first line the names of the columns.
        file: where the columns that are no files go, as JSON.

    Raises:
        BadFormat: no such table, a line of another length, a name twice or not fit for a file, no unit at all.
        BadOption: ``file`` or a column is no path a module can have, or one the module itself writes.
        TooBig: more units or longer fields than a production run has.
    """
    check_place(file)
    rows = _rows(data)
    if not rows or not rows[0]:
        raise _broken(1, "it has no head", "缺少表头")
    head = [name.strip() for name in rows[0]]
    places = [name for name in head if name.startswith(tuple(ROLE_OF_MOUNT))]
    for name in places:
        check_place(name)
    if len(set(head)) != len(head) or not all(head) or head[0] in places:
        raise _broken(1, "its head has an empty or double name, or begins with a file", "表头有空名、重名或首列为文件")
    units: dict[str, Unit] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        if len(row) != len(head):
            raise _broken(number, "{have} columns, the head has {need}", "有 {have} 列，表头为 {need} 列",
                          have=len(row), need=len(head))  # fmt: skip
        unit = _unit(number, dict(zip(head, row, strict=True)), head[0], places, file)
        if unit.name.casefold() in units:
            raise _broken(number, "unit '{unit}' occurs twice", "单元“{unit}”重复出现", unit=unit.name)
        units[unit.name.casefold()] = unit
    if not units:
        raise _broken(1, "it names no unit", "没有任何单元")
    return tuple(units.values())


class UnitMerger:
    """A package whose images are read once, for as many units as there are.

    Args:
        package: a production package, with images in the areas that units have files for.
        module: slug of its module; empty takes the one the package is for.

    Raises:
        UnknownModule: ``module`` is none.
    """

    def __init__(self, package: FirmwarePackage, module: str = "") -> None:
        self._package = package
        found = catalog.module(module) if module else catalog.module_of_model(package.model)
        self._fs = found.fs if found is not None else None
        self._areas: dict[str, _Area] = {}

    def images(self, unit: Unit) -> dict[str, bytes]:
        """The images of one unit, by the role of their areas; only those it has files for.

        Raises:
            MissingArea: the package has no image for a file of the unit.
            TooBig: the files do not fit.
            FormatError: an image of the package is damaged.
        """
        by_role: dict[str, dict[str, bytes]] = {}
        for path, data in unit.files.items():
            by_role.setdefault(ROLE_OF_MOUNT[path[:5]], {})[path[5:]] = data
        return {role: self._image(role, files, unit) for role, files in by_role.items()}

    def package(self, unit: Unit) -> FirmwarePackage:
        """The package of one unit.

        Raises:
            MissingArea, TooBig, FormatError: see ``images``.
        """
        return merge(self._package, self.images(unit))

    def _image(self, role: str, files: Mapping[str, bytes], unit: Unit) -> bytes:
        base = self._areas.get(role) or self._areas.setdefault(role, self._read(role))
        left = dict(files)
        entries = [(path, left.pop(path) if path in left else data) for path, data in base.entries]
        try:
            return write_image([*entries, *left.items()], base.geometry)
        except TooBig as wrong:
            what = Text("the files of unit {unit}", "单元 {unit} 的文件")
            raise TooBig(what=what, need=wrong.facts["need"], have=wrong.facts["have"], unit=unit.name) from wrong

    def _read(self, role: str) -> _Area:
        area, part = self._package.area(role), self._package.by_role(role)
        if area is None or part is None or not part.data:
            raise MissingArea(role=role, package=self._package.name or self._package.product)
        image = read_image(part.data)
        return _Area(area, image.entries, self._geometry(area, image.geometry))

    def _geometry(self, area: FsArea, found: FsGeometry) -> FsGeometry:
        """That of the image, with the units its driver uses and the blocks it leaves alone."""
        fs = self._fs
        if fs is None:
            return found
        of_base = container_of(self._package).geometry
        if of_base is not None:
            return of_base(self._package, area, fs.read_bytes, fs.program_bytes)
        usable = found.block_count - fs.idle_last_blocks if fs.kind == found.kind else found.usable_blocks
        return replace(found, read_bytes=fs.read_bytes, program_bytes=fs.program_bytes, usable_blocks=usable)


def with_unit(package: FirmwarePackage, unit: Unit, module: str = "") -> FirmwarePackage:
    """The package of one unit; ``UnitMerger`` is quicker for many.

    Raises:
        MissingArea, TooBig, FormatError: see ``UnitMerger.images``.
    """
    return UnitMerger(package, module).package(unit)


def _unit(number: int, values: dict[str, str], name: str, places: Sequence[str], file: str) -> Unit:
    if not _SAFE.fullmatch(values[name]):
        why = "'{unit}' cannot name a file: letters, digits, . _ -", "“{unit}”不能用作文件名：仅限字母、数字与 . _ -"
        raise _broken(number, *why, unit=values[name][:64])
    for column, value in values.items():
        if len(value) > MAX_FIELD_BYTES:
            raise TooBig(what=column, need=len(value), have=MAX_FIELD_BYTES)
    files = {place: values[place].encode("utf-8") for place in places}
    plain = {column: value for column, value in values.items() if column not in places}
    content = json.dumps(plain, ensure_ascii=False).encode("utf-8")
    return Unit(values[name], number, plain, {file: content} | files)


def _rows(data: bytes) -> list[list[str]]:
    if len(data) > MAX_BYTES:
        raise TooBig(what=NAME, need=len(data), have=MAX_BYTES)
    text = next((text for one in ENCODINGS if (text := _decoded(data, one)) is not None), None)
    if text is None or "\0" in text:
        raise _broken(1, "it is neither UTF-8 nor GB 18030 text", "既不是 UTF-8 也不是 GB 18030 文本")
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    except csv.Error as wrong:
        raise _broken(1, "damaged ({why})", "已损坏（{why}）", why=str(wrong)[:80]) from wrong
    if len(rows) > MAX_UNITS + 1:
        raise TooBig(what=NAME, need=len(rows), have=MAX_UNITS + 1)
    return rows


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def check_place(path: str) -> None:
    """Stop at a path no unit's file may have.

    Raises:
        BadOption: outside ``/usr`` and ``/bak``, not a path of littlefs, or a list of checksums.
    """
    inner = path[5:]
    if path[:5] not in ROLE_OF_MOUNT or not inner or inner in {LIST_NAME, SWITCH_NAME} or len(path) > 200:
        why = Text("'{path}' is no place for a file of a unit", "“{path}”不能存放单元文件")
        raise BadOption(name="--file", reason=why, path=path[:80])
    check_path(inner)


def _broken(row: int, en: str, zh: str, **facts: Any) -> BadFormat:
    reason = Text(f"line {{row}}: {en}", f"第 {{row}} 行：{zh}")
    return BadFormat(format=NAME, reason=reason, offset=0, row=row, **facts)
