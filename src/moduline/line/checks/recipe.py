"""A recipe: which checks a module must pass, in which order, within which limits; one TOML file.

::

    title = "meter, end of line"          [[check]]               [[check]]
    stop_at_first = false                 kind = "signal"         kind = "script"
                                          min = 12                file = "adc.py"
                                          needs = ["sim"]         limits.vbat = { min = 3500, max = 4200 }

Reading is strict: an unknown key, a wrong type, a name twice, a script that is not there is an error with the line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from moduline.errors import BadRecipe, ModulineError, NoSuchFile, StorageFailed, Text
from moduline.line.checks.commands import AtCheck, ReplCheck, ScriptCheck
from moduline.line.checks.identity import ImeiCheck, ModelCheck, SimCheck, VersionCheck
from moduline.line.checks.kind import MAX_SECONDS, Kind, LoadFile, read_seconds
from moduline.line.checks.radio import RegistrationCheck, SignalCheck, TemperatureCheck, VoltageCheck
from moduline.line.checks.storage import FilesCheck, FreeSpaceCheck
from moduline.line.checks.wanted import Key
from moduline.line.checks.wiring import GpioCheck, UartCheck
from moduline.profiles.schema import MAX_TOML_BYTES, Table

KINDS: Final[Mapping[str, type[Kind]]] = {
    "imei": ImeiCheck,
    "version": VersionCheck,
    "model": ModelCheck,
    "sim": SimCheck,
    "registration": RegistrationCheck,
    "signal": SignalCheck,
    "voltage": VoltageCheck,
    "temperature": TemperatureCheck,
    "files": FilesCheck,
    "free_space": FreeSpaceCheck,
    "at": AtCheck,
    "repl": ReplCheck,
    "script": ScriptCheck,
    "uart": UartCheck,
    "gpio": GpioCheck,
}
"""Every kind of check, by its name in a recipe."""

CHECK_LIMIT_S: Final = 10.0
RECIPE_LIMIT_S: Final = 300.0
MAX_CHECKS: Final = 200
MAX_REPEAT: Final = 1000
RECIPE_KEYS: Final = (
    Key("title", Text("one line for people", "说明")),
    Key(
        "stop_at_first",
        Text("after the first failed check the others are skipped", "首个检查失败后跳过其余检查"),
        "false",
    ),
    Key("limit_s", Text("seconds for everything", "全部检查的总时限（秒）"), "300"),
    Key("check", Text("`[[check]]`: one entry for each check, in their order", "`[[check]]`：按顺序列出每项检查")),
)
CHECK_KEYS: Final = (
    Key("kind", Text("one of the kinds below", "下列种类之一")),
    Key("name", Text("its name in the record; each only once", "在记录中的名称，不可重复"), "the kind"),
    Key("limit_s", Text("seconds that one measurement may take", "单次测量时限（秒）"), "10"),
    Key("repeat", Text("it must be good so many times in a row", "须连续通过的次数"), "1"),
    Key("retries", Text("how often it is tried again when it is not good", "未通过时的重试次数"), "0"),
    Key("retry_s", Text("seconds before each of these", "每次重试前等待的秒数"), "1"),
    Key("optional", Text("a failure is written down, the unit passes nevertheless", "失败仅记录，不影响结果"), "false"),
    Key(
        "needs",
        Text("names of earlier checks; skipped unless all of them passed", "依赖的前置检查；未全部通过则跳过"),
        "[]",
    ),
)
_HEAD: Final = re.compile(r"\s*\[\[\s*check\s*\]\]")
_CHECK_KEY: Final = re.compile(r"check\[(\d+)\](?:\.([A-Za-z0-9_-]+))?")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a recipe.

    Args:
        name: in the record.
        kind: a key of ``KINDS``.
        settings: of its kind.
        limit_s: seconds that one measurement may take.
        repeat: so many times in a row it must be good.
        retries: how often it is tried again.
        retry_s: seconds before that.
        is_optional: whether a failure fails the unit.
        needs: checks that must have passed before.
    """

    name: str
    kind: str
    settings: Kind
    limit_s: float = CHECK_LIMIT_S
    repeat: int = 1
    retries: int = 0
    retry_s: float = 1.0
    is_optional: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a module must pass.

    Args:
        name: of its file.
        checks: in their order.
        title: one line for people.
        is_stopped_at_first: whether a failed check skips the rest.
        limit_s: seconds for everything.
        sha256: of the file and of the scripts it names, so that a work order can lock it.
    """

    name: str
    checks: tuple[Check, ...]
    title: str = ""
    is_stopped_at_first: bool = False
    limit_s: float = RECIPE_LIMIT_S
    sha256: str = ""


def read_recipe_file(path: Path) -> Recipe:
    """The recipe in a file; scripts are read from its folder.

    Raises:
        NoSuchFile, StorageFailed: it, or a script, cannot be read.
        BadRecipe: a key is missing, wrong, unknown or twice.
    """

    def load(name: str) -> bytes:
        return _read_file(path.parent / name)

    return read_recipe(_read_file(path), path.name, load)


def read_recipe(data: bytes, name: str, load: LoadFile) -> Recipe:
    """The recipe in the bytes of a TOML file.

    Args:
        data: the file.
        name: its name, for messages.
        load: gives the scripts that it names.

    Raises:
        BadRecipe: a key is missing, wrong, unknown or twice.
        NoSuchFile, StorageFailed: a script cannot be read.
    """
    digest = hashlib.sha256(data)

    def load_and_hash(file: str) -> bytes:
        content = load(file)
        digest.update(hashlib.sha256(content).digest())
        return content

    try:
        top = Table.parse(data, name)
        checks = _read_checks(top, load_and_hash)
        recipe = Recipe(
            name=name,
            checks=checks,
            title=top.text("title", ""),
            is_stopped_at_first=top.flag("stop_at_first", False),
            limit_s=read_seconds(top, "limit_s", RECIPE_LIMIT_S, 24 * MAX_SECONDS),
            sha256=digest.hexdigest(),
        )
        top.end()
    except BadRecipe as wrong:
        place = _line_of(data, str(wrong.facts["key"]))
        raise BadRecipe(**wrong.facts | {"path": f"{name}:{place}" if place else name}) from wrong
    return recipe


def _read_checks(top: Table, load: LoadFile) -> tuple[Check, ...]:
    checks: dict[str, Check] = {}
    tables = top.tables("check")
    if not tables:
        top.refuse("check", "there is no check", "没有任何检查")
    if len(tables) > MAX_CHECKS:
        top.refuse("check", "more than {most} checks", "检查超过 {most} 项", most=MAX_CHECKS)
    for table in tables:
        kind = table.choice("kind", tuple(KINDS))
        name = table.text("name", kind)
        if not name.strip() or not name.isprintable() or len(name) > 64:
            table.refuse("name", "1 to 64 printable characters", "应为 1 至 64 个可打印字符")
        if name in checks:
            table.refuse("name", "'{name}' occurs twice", "“{name}”重复", name=name)
        check = _read_check(table, name, kind, load)
        for other in check.needs:
            if other not in checks:
                table.refuse("needs", "no earlier check '{other}'", "没有前置检查“{other}”", other=other)
        table.end()
        checks[name] = check
    return tuple(checks.values())


def _read_check(table: Table, name: str, kind: str, load: LoadFile) -> Check:
    repeat, retries = table.number("repeat", 1), table.number("retries", 0)
    for key, count, least in (("repeat", repeat, 1), ("retries", retries, 0)):
        if not least <= count <= MAX_REPEAT:
            table.refuse(key, "it must be {least} to {most}", "应为 {least} 至 {most}", least=least, most=MAX_REPEAT)
    limit_s = read_seconds(table, "limit_s", CHECK_LIMIT_S)
    if limit_s <= 0:
        table.refuse("limit_s", "it must be more than 0", "应大于 0")
    return Check(
        name=name,
        kind=kind,
        limit_s=limit_s,
        repeat=repeat,
        retries=retries,
        retry_s=read_seconds(table, "retry_s", 1.0),
        is_optional=table.flag("optional", False),
        needs=table.texts("needs", ()),
        settings=KINDS[kind].read(table, load),
    )


def _line_of(data: bytes, key: str) -> int:
    """Number of the line where a key stands, or where its check begins; 0 when nobody can tell."""
    lines = data.decode("utf-8", "replace").splitlines()
    found = _CHECK_KEY.match(key)
    heads = [number for number, line in enumerate(lines, 1) if _HEAD.match(line)]
    if found is None:
        first = re.compile(rf"\s*{re.escape(key.partition('.')[0])}\s*[=.]")
        return next((number for number, line in enumerate(lines, 1) if first.match(line)), 0)
    if int(found[1]) >= len(heads):
        return 0
    start = heads[int(found[1])]
    inner = re.compile(rf"\s*(?:\[+\s*check\.)?{re.escape(found[2] or '-')}\b")
    for number, line in enumerate(lines[start:], start + 1):
        if _HEAD.match(line):
            break
        if inner.match(line):
            return number
    return start


def _read_file(path: Path) -> bytes:
    try:
        if not path.is_file():
            reason = Text("not a file", "不是文件") if path.exists() else Text("no such file", "文件不存在")
            raise NoSuchFile(path=str(path), reason=reason)
        if path.stat().st_size > max(MAX_TOML_BYTES, 1 << 20):
            raise NoSuchFile(path=str(path), reason=Text("the file is too large", "文件过大"))
        return path.read_bytes()
    except ModulineError:
        raise
    except (OSError, ValueError) as wrong:
        raise StorageFailed(path=str(path), reason=getattr(wrong, "strerror", None) or str(wrong)) from wrong
