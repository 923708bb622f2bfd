"""From a scenario file to a Scenario; strict: an unknown key, a wrong value, a missing file is a message with its key.

::

    seed = 7
    title = "a meter in a basement"

    [defaults]                  # every key of a module may stand here
    module = "ec600u"
    contents = "meter"

    [[modules]]
    name = "m"                  # m1, m2 ... when count is given
    count = 16
    faults = ["at-silent"]

    [modules.only.m5]           # what differs for one of them
    faults = ["drop@repl:1/10000"]

    [[modules.timeline]]
    at_s = 12.5
    fault = "unplug"

The whole list of keys is in docs/guide/scenario.md; a test keeps it complete.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from moduline.errors import BadOption, NoSuchFile, UnknownModule
from moduline.profiles import catalog
from moduline.profiles.schema import Table
from moduline.vmodule.faults import check_parts, parse_faults
from moduline.vmodule.scenario.layers import Layer, LayeredTable
from moduline.vmodule.scenario.plan import ModulePlan, Scenario, TimelineEntry
from moduline.vmodule.scenario.surroundings import READERS, read_surroundings

MAX_MODULES: Final = 256
MAX_TIMELINE: Final = 10_000
MAX_SEED: Final = (1 << 53) - 1
_BARE: Final = set('/\\:*?"<>| \t\r\n\0,=')

TOP_KEYS: Final = ("title", "seed", "defaults", "modules")
PLACE_KEYS: Final = ("name", "count", "slot", "only")
MODULE_KEYS: Final = (
    "module",
    "package",
    "blank",
    "contents",
    "off",
    "realistic",
    "tcp",
    "faults",
    "timeline",
    *READERS,
)
"""Keys of a module; those of ``PLACE_KEYS`` stand in ``[[modules]]`` only, these in ``[defaults]`` and ``only`` too."""


def read_scenario(data: bytes, path: Path) -> Scenario:
    """What a scenario file says.

    Args:
        data: content of the file.
        path: of the file; relative paths in it count from its folder.

    Raises:
        BadRecipe: a key is unknown, missing, or has a value that cannot be meant.
    """
    top = Table.parse(data, str(path))
    title = top.text("title", "")
    seed = top.number("seed", 0)
    if seed > MAX_SEED:
        top.refuse("seed", "at most {most}", "最大 {most}", most=MAX_SEED)
    defaults = top.value("defaults", {})
    if not isinstance(defaults, dict):
        top.refuse("defaults", "it must be a table", "应为表")
    _only_known(Table(defaults, str(path), "defaults"), MODULE_KEYS)
    raw = top.value("modules", [])
    if not isinstance(raw, list) or not raw or not all(isinstance(entry, dict) for entry in raw):
        top.refuse("modules", "it must be one or more [[modules]]", "应为一个或多个 [[modules]]")
    top.end()
    reader = _Reader(path, seed, defaults)
    for index, entry in enumerate(raw):
        reader.add(entry, f"modules[{index}]")
    return Scenario(path, title, seed, tuple(reader.modules))


def read_scenario_file(path: Path) -> Scenario:
    """The scenario in a file.

    Raises:
        NoSuchFile: it cannot be read.
        BadRecipe: see :func:`read_scenario`.
    """
    try:
        data = path.read_bytes()
    except OSError as cause:
        raise NoSuchFile(path=str(path), reason=cause.strerror or str(cause)) from cause
    return read_scenario(data, path.absolute())


def _only_known(table: Table, known: tuple[str, ...]) -> None:
    for key in table.names():
        if key not in known:
            table.refuse(key, "unknown key", "未知字段")


class _Reader:
    """Modules of one file, one entry after the other.

    Args:
        path: of the file.
        seed: of the scenario.
        defaults: below every module.
    """

    def __init__(self, path: Path, seed: int, defaults: dict[str, Any]) -> None:
        self.modules: list[ModulePlan] = []
        self._path = path
        self._seed = seed
        self._defaults: Layer = (defaults, "defaults")

    def add(self, entry: dict[str, Any], prefix: str) -> None:
        """One or, with ``count``, several modules."""
        own = {key: value for key, value in entry.items() if key not in PLACE_KEYS}
        place = Table({key: entry[key] for key in PLACE_KEYS if key in entry}, str(self._path), prefix)
        _only_known(Table(own, str(self._path), prefix), MODULE_KEYS)
        name, slot = self._plain(place, "name", place.text("name", "m")), place.text("slot", "")
        has_count = place.has("count")
        count = place.number("count", 1)
        if not 1 <= count <= MAX_MODULES - len(self.modules):
            place.refuse("count", "1 to {most} modules in a rack", "一个机架 1 至 {most} 个模组", most=MAX_MODULES)
        names = [f"{name}{number}" for number in range(1, count + 1)] if has_count else [name]
        only = place.value("only", {})
        if not isinstance(only, dict):
            place.refuse("only", "it must be a table", "应为表")
        exceptions = Table(only, str(self._path), f"{prefix}.only")
        for exception in exceptions.names():
            if exception not in names:
                en, zh = "no module of that name; there are {names}", "没有该名称的模组；现有 {names}"
                exceptions.refuse(exception, en, zh, names=", ".join(names))
        for index, one in enumerate(names):
            if any(module.name == one for module in self.modules):
                place.refuse("name", "'{one}' stands there twice", "“{one}”重复", one=one)
            layers: list[Layer] = [self._defaults, (own, prefix)]
            if one in only:
                exceptions.table(one)
                _only_known(Table(only[one], str(self._path), f"{prefix}.only.{one}"), MODULE_KEYS)
                layers.append((only[one], f"{prefix}.only.{one}"))
            suffix = str(index + 1) if slot and has_count else ""
            self.modules.append(self._module(LayeredTable(layers, str(self._path)), one, slot + suffix))

    def _module(self, table: Table, name: str, slot: str) -> ModulePlan:
        number = len(self.modules) + 1
        plan = ModulePlan(
            name=name,
            number=number,
            module=self._slug(table),
            slot=slot,
            package=self._package(table),
            is_blank=table.flag("blank", False),
            contents=self._contents(table),
            is_off=table.flag("off", False),
            is_realistic=table.flag("realistic", False),
            is_tcp=table.flag("tcp", False),
            seed=self._seed * MAX_MODULES + number,
            surroundings=read_surroundings(table),
        )
        if plan.is_blank and (plan.package is not None or plan.contents):
            table.refuse("blank", "a blank module has no package and no contents", "空白模组不能有 package 或 contents")
        plan = replace(plan, faults=self._faults(table, plan.module), timeline=self._timeline(table, plan.module))
        table.end()
        return plan

    def _slug(self, table: Table) -> str:
        name = table.text("module", "ec600u")
        try:
            return catalog.module(name).slug
        except UnknownModule as unknown:
            known = unknown.facts["known"]
            table.refuse(
                "module",
                "no module '{name}'; known: {known}",
                "没有型号“{name}”；已知：{known}",
                name=name,
                known=known,
            )

    def _package(self, table: Table) -> Path | None:
        given = table.text("package", "")
        if not given:
            return None
        path = self._path.parent / given
        if not path.is_file():
            table.refuse("package", "no such file: {missing}", "文件不存在：{missing}", missing=str(path))
        return path

    def _contents(self, table: Table) -> tuple[Path, ...]:
        if not table.has("contents"):
            return ()
        given = table.value("contents")
        places = [given] if isinstance(given, str) else given
        if not isinstance(places, list) or not all(isinstance(one, str) and one for one in places):
            table.refuse("contents", "it must be a folder, or a list of files", "应为目录或文件列表")
        paths = tuple(self._path.parent / one for one in places)
        for path in paths:
            if not path.exists():
                table.refuse("contents", "no such file: {missing}", "文件不存在：{missing}", missing=str(path))
        return paths

    def _faults(self, table: Table, slug: str) -> tuple[str, ...]:
        words = table.texts("faults", [])
        for word in words:
            self._check_fault(table, "faults", word, slug)
        return words

    def _timeline(self, table: Table, slug: str) -> tuple[TimelineEntry, ...]:
        entries = []
        rows = table.tables("timeline", [])
        if len(rows) > MAX_TIMELINE:
            table.refuse("timeline", "at most {most} entries", "最多 {most} 项", most=MAX_TIMELINE)
        for row in rows:
            at_s, word = row.seconds("at_s"), row.text("fault")
            if not 0 <= at_s < 1e9:
                row.refuse("at_s", "seconds from 0 on", "应为不小于 0 的秒数")
            self._check_fault(row, "fault", word, slug)
            row.end()
            entries.append(TimelineEntry(at_s, word))
        return tuple(entries)

    @staticmethod
    def _check_fault(table: Table, key: str, words: str, slug: str) -> None:
        try:
            check_parts(parse_faults(words), catalog.module(slug))
        except BadOption as wrong:
            reason = wrong.facts["reason"]
            facts = {name: fact for name, fact in wrong.facts.items() if name not in {"name", "reason"}}
            table.refuse(key, reason.en, reason.zh, **facts)

    @staticmethod
    def _plain(table: Table, key: str, name: str) -> str:
        if not name or name.startswith(".") or _BARE & set(name) or len(name) > 64 or name == "all":
            table.refuse(key, "'{name}' is no plain name", "“{name}”不是普通名称", name=name)
        return name


def describe(scenario: Scenario) -> list[dict[str, object]]:
    """The modules as plain values, for ``virt check``."""
    return [
        {
            "name": one.name,
            "number": one.number,
            "module": one.module,
            "slot": one.slot or f"A{one.number}",
            "package": str(one.package or ""),
            "is_blank": one.is_blank,
            "contents": [str(path) for path in one.contents],
            "is_off": one.is_off,
            "seed": one.seed,
            "surroundings": sorted(one.surroundings),
            "faults": list(one.faults),
            "timeline": [{"at_s": entry.at_s, "fault": entry.fault} for entry in one.timeline],
        }
        for one in scenario.modules
    ]
