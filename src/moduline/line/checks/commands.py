"""Checks that the user words: an AT command, an expression, a script of the user's own with its verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text
from moduline.line.checks.kind import LoadFile
from moduline.line.checks.radio import read_command
from moduline.line.checks.repl_code import run_code, value_of
from moduline.line.checks.under_test import Role, UnderTest
from moduline.line.checks.wanted import LIMIT_KEYS, Key, Measured, Wanted, limit_keys, read_pattern, shown
from moduline.profiles.schema import Table
from moduline.remote import snippets
from moduline.wire import rawrepl

MAX_SCRIPT_BYTES: Final = 256 << 10
MAX_LIMITS: Final = 50
OK: Final = "ok"
DETAIL: Final = "detail"


@dataclass(frozen=True, slots=True)
class AtCheck:
    """An AT command is accepted, and its answer is as expected."""

    TITLE: ClassVar[Text] = Text("an AT command", "AT 命令")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("command", Text("what is sent", "发送的命令")),
        Key("result", Text("final result that is expected", "期望的最终结果"), "OK"),
        Key(
            "pattern",
            Text(
                "found in the answer; its first group, if any, is the value",
                "应在应答中匹配；有分组时取第一个分组为数值",
            ),
        ),
        *limit_keys("min", "max", "equals"),
    )
    settle_s: ClassVar[float] = 0.0

    command: str
    result: str
    pattern: re.Pattern[str] | None
    wanted: Wanted

    @property
    def role(self) -> Role:
        """The AT port."""
        return "at"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> AtCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        return cls(
            command=read_command(table),
            result=table.text("result", "OK"),
            pattern=read_pattern(table, "pattern"),
            wanted=Wanted.read(table, ("min", "max", "equals")),
        )

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Send it and look at the answer."""
        answer = await (await unit.at()).ask(self.command, limit_s)
        text = "\n".join(answer.lines)[:8192]
        limits = " ".join(filter(None, [self.pattern and f"/{self.pattern.pattern}/", self.wanted.told()]))
        if answer.result != self.result:
            return Measured(shown(answer.result), limits or self.result, is_good=False)
        if self.pattern is None:
            judged = self.wanted.judge(text, unit.facts.row)
            return Measured(judged.value or answer.result, judged.limits or self.result, judged.is_good)
        found = self.pattern.search(text)
        if found is None:
            return Measured(shown(text), limits, is_good=False)
        value = found[1] if self.pattern.groups and found[1] is not None else found[0]
        judged = self.wanted.judge(value, unit.facts.row)
        return Measured(judged.value, limits, judged.is_good)


@dataclass(frozen=True, slots=True)
class ReplCheck:
    """An expression on the module has the expected value."""

    TITLE: ClassVar[Text] = Text("an expression on the module", "模组上的表达式")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("expression", Text("MicroPython expression", "MicroPython 表达式")),
        Key("setup", Text("statements that are run before, such as `import net`", "预先执行的语句，如 `import net`")),
        *limit_keys("min", "max", "equals", "pattern"),
    )
    settle_s: ClassVar[float] = 0.0

    expression: str
    setup: str
    wanted: Wanted

    @property
    def role(self) -> Role:
        """The REPL."""
        return "repl"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> ReplCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        expression, setup = table.text("expression"), table.text("setup", "")
        if not expression.strip() or "\n" in expression:
            table.refuse("expression", "it must be one expression on one line", "应为单行表达式")
        for key, text in (("expression", expression), ("setup", setup)):
            _must_be_code(table, key, text.encode())
        return cls(expression, setup, Wanted.read(table, is_needed=True))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Evaluate it."""
        value = await value_of(await unit.repl(), self.expression, limit_s, self.setup)
        return self.wanted.judge(value, unit.facts.row)


@dataclass(frozen=True, slots=True)
class ScriptCheck:
    """A script of the user's runs on the module, prints its verdict as one line of JSON, and its values are good."""

    TITLE: ClassVar[Text] = Text("a script of your own", "自定义脚本")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("file", Text("the `.py`, beside the recipe", "`.py` 文件，路径相对于配方")),
        Key(
            "sha256",
            Text("of that file, so that whoever locks the recipe locks it too", "该文件的 SHA-256，锁定配方即锁定脚本"),
        ),
        Key(
            "limits",
            Text(
                "for each value of the verdict a table with `min`, `max`, `equals`, `pattern`",
                "为每个返回值指定 `min`、`max`、`equals`、`pattern`",
            ),
        ),
    )
    settle_s: ClassVar[float] = 0.0

    file: str
    source: bytes = field(repr=False)
    limits: Mapping[str, Wanted]

    @property
    def role(self) -> Role:
        """The REPL."""
        return "repl"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> ScriptCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        file = table.text("file")
        limits: dict[str, Wanted] = {}
        if table.has("limits"):
            inner = table.table("limits")
            if len(inner.names()) > MAX_LIMITS:
                table.refuse("limits", "too many values", "数值过多")
            for name in inner.names():
                one = inner.table(name)
                limits[name] = Wanted.read(one, tuple(LIMIT_KEYS), is_needed=True)
                one.end()
        source, locked = load(file), table.text("sha256", "").lower()
        if locked and locked != sha256_hex(source):
            table.refuse("sha256", "{file} is {found}", "{file} 为 {found}", file=file, found=sha256_hex(source))
        if len(source) > MAX_SCRIPT_BYTES:
            table.refuse("file", "larger than {most} bytes", "超过 {most} 字节", most=MAX_SCRIPT_BYTES)
        try:
            compile(source, file, "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as wrong:
            table.refuse("file", "no Python: {why}", "不是有效的 Python：{why}", why=str(wrong))
        _must_be_code(table, "file", source)
        return cls(file, source, limits)

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Run it; ``UNIT`` is the unit's own data by column."""
        repl = await unit.repl()
        row = ",".join(f"{snippets.literal(name)}:{snippets.literal(text)}" for name, text in unit.facts.row.items())
        await run_code(repl, f"UNIT={{{row}}}", limit_s)
        printed = await run_code(repl, self.source, limit_s)
        verdict = find_verdict(printed)
        if verdict is None:
            last = printed.decode("utf-8", "replace").strip().rpartition("\n")[2]
            return Measured(shown(last), self._told(unit.facts.row), is_good=False, detail="it printed no verdict")
        return self._judge(verdict, unit.facts.row)

    def _judge(self, verdict: Mapping[str, Any], row: Mapping[str, str]) -> Measured:
        """By its own word, and by the limits of its values."""
        wrong = [] if verdict.get(OK, True) is True else [f"the script says {shown(verdict[OK])}"]
        for name, wanted in self.limits.items():
            if name not in verdict:
                wrong.append(f"{name} is missing")
            elif not wanted.judge(verdict[name], row).is_good:
                wrong.append(f"{name} is {shown(verdict[name])}")
        values = {name: value for name, value in verdict.items() if name not in {OK, DETAIL}}
        said = shown(verdict[DETAIL]) if DETAIL in verdict else ""
        text = json.dumps(values, ensure_ascii=False) if values else shown(verdict.get(OK, ""))
        return Measured(shown(text), self._told(row), not wrong, "; ".join(filter(None, [*wrong, said])))

    def _told(self, row: Mapping[str, str]) -> str:
        return shown(", ".join(f"{name} {wanted.filled(row)}" for name, wanted in self.limits.items()))


def find_verdict(printed: bytes) -> dict[str, Any] | None:
    """The last line that is a JSON object; None when there is none."""
    for line in reversed(printed.decode("utf-8", "replace").splitlines()):
        if line.lstrip().startswith("{"):
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                return found
    return None


def _must_be_code(table: Table, key: str, source: bytes) -> None:
    try:
        rawrepl.checked_code(source)
    except BadOption as wrong:
        why = wrong.facts["reason"]
        table.refuse(key, why.en, why.zh)
