"""The rules of scripts, read from their syntax tree; nothing is ever run.

``main.py`` must give the project's name and version as plain string constants at module level::

    PROJECT_NAME = 'QUEC_TEST'          yes
    PROJECT_NAME: str = 'QUEC_TEST'     yes
    PROJECT_NAME = 'QUEC' + '_TEST'     no: only running it would tell
    if X: PROJECT_NAME = 'QUEC_TEST'    no: not at module level

Scripts are parsed with the grammar of this Python, which takes all that the module takes and more; what the module's
older language refuses is found by its own compiler (``release.compile``). Two things are forgiven as the module
forgives them: tabs mixed with blanks (a tab reaches the next multiple of eight) and comments that are not UTF-8.

Source: device-api 2.3, T02; seed S0.
"""

from __future__ import annotations

import ast
import codecs
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from moduline.errors import BadOption, Text
from moduline.image.remarks import ERROR, NOTICE, Remark

VALUE_CHARS_MAX: Final = 80
TAB_COLUMNS: Final = 8
# What no file name on Windows, macOS or Linux may hold; lone surrogates have no bytes at all.
_UNSAFE: Final = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f\ud800-\udfff]')
_LEADING: Final = re.compile(r"^[ \t]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One parsed script; ``tree`` is None when it cannot be parsed, which is among the remarks."""

    path: str
    tree: ast.Module | None
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A module-level string constant; ``value`` is empty when there is none, which is among the remarks."""

    value: str
    remarks: tuple[Remark, ...]


def parse(path: str, source: bytes) -> Script:
    """The syntax tree of a script, and what is wrong with its text."""
    remarks: list[Remark] = []
    if source.startswith(codecs.BOM_UTF8):
        remarks.append(_remark(ERROR, "bom", path, 1, "{what}", "{what}", what=_BOM, remedy=_SAVE_PLAIN))
        source = source.removeprefix(codecs.BOM_UTF8)
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = source.count(b"\n", 0, wrong.start) + 1
        remarks.append(_remark(NOTICE, "not-utf8", path, line, "not UTF-8", "不是 UTF-8 编码", remedy=_SAVE_PLAIN))
        text = source.decode("utf-8", "replace")
    tree, complaints = _tree(path, text)
    return Script(path, tree, (*remarks, *complaints))


def constant(script: Script, name: str) -> Constant:
    """The value of a constant that names the project; checked to be safe in a file name."""
    if script.tree is None:
        return Constant("", ())
    remedy = Text("write {name} = '...' at the start of a line", "请顶格书写 {name} = '...'")
    found = list(_assignments(script.tree, name))
    if not found:
        inner = _first_store(script.tree, name)
        if inner:
            en, zh = "{name} is not set at module level by a plain assignment", "{name} 未在模块顶层以简单赋值定义"
            return Constant("", (_remark(ERROR, "not-plain", script.path, inner, en, zh, remedy, name=name),))
        en, zh = "{name} is missing", "缺少 {name}"
        return Constant("", (_remark(ERROR, "missing", script.path, 1, en, zh, remedy, name=name),))
    line, node = found[-1]
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        en, zh = "{name} is not a plain string constant", "{name} 不是字符串常量"
        return Constant("", (_remark(ERROR, "not-string", script.path, line, en, zh, remedy, name=name),))
    remarks = list(_judge_value(script.path, line, name, node.value))
    if len(found) > 1:
        en, zh = "{name} is assigned {count} times; the last one counts", "{name} 被赋值 {count} 次，以最后一次为准"
        remarks.append(_remark(NOTICE, "twice", script.path, line, en, zh, remedy, name=name, count=len(found)))
    return Constant(node.value, tuple(remarks))


def with_constant(source: bytes, name: str, value: str) -> bytes:
    """The script with another value of such a constant; nothing else of it changes.

    Raises:
        BadOption: the value is none for a file name, or there is no plain assignment to change.
    """
    for remark in _judge_value("-", 0, name, value):
        if remark.severity == ERROR:
            raise BadOption(**dict(remark.facts) | {"name": name, "reason": remark.reason})
    script = parse("-", source)
    found = list(_assignments(script.tree, name)) if script.tree is not None else []
    node = found[-1][1] if found else None
    lead = len(codecs.BOM_UTF8) if source.startswith(codecs.BOM_UTF8) else 0
    lines = source[lead:].split(b"\n")
    if not isinstance(node, ast.Constant) or node.end_lineno != node.lineno or node.end_col_offset is None:
        raise BadOption(name=name, reason=Text("{name} is not a plain string on one line", "{name} 不是单行字符串常量"))
    line = lines[node.lineno - 1]
    lines[node.lineno - 1] = line[: node.col_offset] + repr(value).encode() + line[node.end_col_offset :]
    made = source[:lead] + b"\n".join(lines)
    if constant(parse("-", made), name).value != value:  # lone carriage returns or broken UTF-8 before it
        raise BadOption(name=name, reason=Text("change it in the file itself", "请直接在文件中修改"))
    return made


_BOM: Final = Text("the file begins with a byte order mark, which the module refuses", "文件以 BOM 开头，模组无法识别")
_SAVE_PLAIN: Final = Text("save it as UTF-8 without a byte order mark", "请以无 BOM 的 UTF-8 保存")
_FIX_LINE: Final = Text("correct that line", "请修改该行")


def _tree(path: str, text: str) -> tuple[ast.Module | None, list[Remark]]:
    try:
        return _parse(text), []
    except TabError as wrong:
        tree, remarks = _tree_of_expanded(path, text)
        en, zh = "tabs and blanks are mixed; a tab counts as up to 8 columns", "混用制表符与空格；制表符最多按 8 列计"
        remedy = Text("indent with blanks only", "请只用空格缩进")
        return tree, [_remark(NOTICE, "tabs", path, wrong.lineno or 1, en, zh, remedy), *remarks]
    except SyntaxError as wrong:
        return None, [_syntax(path, wrong)]
    except (ValueError, RecursionError, MemoryError):
        en, zh = "it cannot be parsed: a zero byte, or nested too deep", "无法解析：含有空字符或嵌套过深"
        return None, [_remark(ERROR, "syntax", path, 1, en, zh, _FIX_LINE)]


def _tree_of_expanded(path: str, text: str) -> tuple[ast.Module | None, list[Remark]]:
    """The tree as the module sees it, with the tabs before each line widened."""
    try:
        return _parse(_LEADING.sub(lambda match: match[0].expandtabs(TAB_COLUMNS), text)), []
    except SyntaxError as wrong:
        return None, [_syntax(path, wrong)]


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful escapes are the user's business, not this parser's
        return ast.parse(text)


def _syntax(path: str, wrong: SyntaxError) -> Remark:
    en, zh = "syntax error: {detail}", "语法错误：{detail}"
    return _remark(ERROR, "syntax", path, wrong.lineno or 1, en, zh, _FIX_LINE, detail=wrong.msg)


def _assignments(tree: ast.Module, name: str) -> Iterator[tuple[int, ast.expr | None]]:
    """(line, value) of each plain assignment to ``name`` at module level."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            if any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
                yield node.lineno, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            yield node.lineno, node.value


def _first_store(tree: ast.Module, name: str) -> int:
    """Line of the first other place where ``name`` is set; 0 for none."""
    stores = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name)
    return min((node.lineno for node in stores if isinstance(node.ctx, ast.Store)), default=0)


def _judge_value(path: str, line: int, name: str, value: str) -> Iterator[Remark]:
    remedy = Text("use letters, digits, '_', '-' and '.'", "请使用字母、数字、“_”、“-”和“.”")
    shown = value.encode("utf-8", "backslashreplace").decode("utf-8")[:VALUE_CHARS_MAX]
    if not value.strip():
        yield _remark(ERROR, "value-empty", path, line, "{name} is empty", "{name} 为空", remedy, name=name)
    elif _UNSAFE.search(value) or value != value.strip() or value.startswith("."):
        en, zh = "{name} '{value}' cannot be part of a file name", "{name}“{value}”不能用于文件名"
        yield _remark(ERROR, "value-unsafe", path, line, en, zh, remedy, name=name, value=shown)
    elif len(value) > VALUE_CHARS_MAX:
        en, zh = "{name} is longer than {most} characters", "{name} 超过 {most} 个字符"
        yield _remark(ERROR, "value-long", path, line, en, zh, remedy, name=name, most=VALUE_CHARS_MAX)
    elif not value.isascii() or " " in value:
        en, zh = (
            "{name} '{value}' has blanks or other characters that vendor tools refuse in file names",
            "{name}“{value}”含空格或非 ASCII 字符，厂商工具可能无法处理该文件名",
        )
        yield _remark(NOTICE, "value-unusual", path, line, en, zh, remedy, name=name, value=shown)


def _remark(severity: str, slug: str, path: str, line: int, en: str, zh: str, remedy: Text, **facts: Any) -> Remark:
    return Remark(severity, slug, path, line, Text(en, zh), remedy, facts)
