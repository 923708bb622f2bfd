"""``download.json`` of ASR packages: what a burner does, as a list of commands; kept byte for byte.

::

    [ {"command": "require", "group": "0", "name": "product", "value": "arom-tiny"},
      {"command": "call", "group": "0", "image": "preboot.img"},
      {"command": "flash", "group": "1", "image": "app.bin", "partition": "user_app", "weight": 0} ]

or an object whose ``commands`` is such a list. The text is the truth: commands are readings of it, and a change is an
edit of the text at the place where a value stands, so that white space, order and keys nobody knows survive.

Source: platform-asr 1.3 (a real file; strings of the vendor's downloader).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadFormat, Text

NAME: Final = "download.json"
COMMANDS: Final = (
    "require", "reject", "progress", "call", "partition", "flash", "erase", "fuse", "upload", "nop", "boot", "cust",
    "cust-flash", "reboot", "set_active", "upgrade", "go",
)  # fmt: skip
IMAGE_COMMANDS: Final = ("call", "partition", "flash")
MAX_COMMANDS: Final = 512
MAX_BYTES: Final = 1 << 20
BOM: Final = "\ufeff"
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class ScriptCommand:
    """One command.

    Attributes:
        command: its kind, one of ``COMMANDS`` or what nobody has seen yet.
        group: as text; empty when there is none.
        name: of a require, reject or progress.
        value: its value as text.
        image: name of the member it sends.
        partition: what it writes or erases.
        weight: its share of the progress.
        image_size: size it states for its image; None when it does not.
        bootrom: version of the boot ROM it is for; empty for all.
        is_production_only: done only in production.
        keys: every key and value, in the order of the file.
        start: where its object begins in the text.
        end: where it ends.
        spans: where the value of each key stands in the text.
    """

    command: str
    group: str = ""
    name: str = ""
    value: str = ""
    image: str = ""
    partition: str = ""
    weight: int = 0
    image_size: int | None = None
    bootrom: str = ""
    is_production_only: bool = False
    keys: tuple[tuple[str, Any], ...] = field(default=(), repr=False)
    start: int = field(default=0, repr=False, compare=False)
    end: int = field(default=0, repr=False, compare=False)
    spans: tuple[tuple[str, int, int], ...] = field(default=(), repr=False, compare=False)

    @property
    def alternatives(self) -> tuple[str, ...]:
        """The values a require or reject compares with."""
        return tuple(self.value.split("|"))


@dataclass(frozen=True, slots=True)
class DownloadScript:
    """A whole ``download.json``.

    Attributes:
        text: the file, without a byte order mark.
        commands: in the order in which they are done.
        shape: "array" or "object".
        has_bom: the file began with a byte order mark.
    """

    text: str = field(repr=False)
    commands: tuple[ScriptCommand, ...]
    shape: str = "array"
    has_bom: bool = False

    def of(self, *kinds: str) -> tuple[ScriptCommand, ...]:
        """The commands of some kinds."""
        return tuple(one for one in self.commands if one.command in kinds)

    def required(self, name: str) -> tuple[str, ...]:
        """What a require line of that name accepts; empty without one."""
        lines = [one for one in self.of("require") if one.name == name]
        return lines[0].alternatives if lines else ()


def read(data: bytes) -> DownloadScript:
    """The script.

    Raises:
        BadFormat: no JSON of one of the two shapes, or a command without ``command`` (rules json, shape, command).
    """
    if len(data) > MAX_BYTES:
        raise _broken("json", "it is too large", "文件过大", MAX_BYTES)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise _broken("json", "it is not UTF-8", "不是 UTF-8 文本", wrong.start) from wrong
    has_bom = text.startswith(BOM)
    text = text.removeprefix(BOM)
    _parsed(text)
    start = _SPACE.match(text, 0).end()  # type: ignore[union-attr]  # it matches nothing, too
    if text[start] == "[":
        return DownloadScript(text, _commands(text, start), "array", has_bom)
    members = _members(text, start) if text[start] == "{" else ()
    lists = [first for key, first, _ in members if key == "commands" and text[first] == "["]
    if not lists:
        raise _broken("shape", "it is neither a list nor an object with 'commands'", "既不是列表也不含 commands", start)
    return DownloadScript(text, _commands(text, lists[-1]), "object", has_bom)


def write(script: DownloadScript) -> bytes:
    """The file."""
    return ((BOM if script.has_bom else "") + script.text).encode("utf-8")


def make(commands: Sequence[Mapping[str, Any]]) -> DownloadScript:
    """A script of our own, in the layout of the real one."""
    return read(json.dumps(list(commands), indent=3, separators=(",", " : ")).encode("utf-8"))


def with_sizes(script: DownloadScript, sizes: Mapping[str, int]) -> DownloadScript:
    """The script with the stated sizes of some images renewed; commands that state none stay as they are.

    Args:
        script: the script.
        sizes: name of the image to its size in bytes.
    """
    edits = []
    for one in script.commands:
        if one.image in sizes and one.image_size is not None and one.image_size != sizes[one.image]:
            start, end = next((a, b) for key, a, b in one.spans if key == "imageSize")
            edits.append((start, end, _like(script.text[start:end], sizes[one.image])))
    return _edited(script, edits)


def with_flash(script: DownloadScript, image: str, partition: str, after: str, size: int) -> DownloadScript:
    """The script with one more flash command, made like the one of partition ``after`` and put behind it.

    Raises:
        BadFormat: no such command to go behind (rule ``command``).
    """
    model = next((one for one in script.of("flash") if one.partition == after and one.image and after), None)
    if model is None:
        raise _broken("command", "no flash command for '{after}'", "没有“{after}”的 flash 命令", 0, after=after)
    text = script.text[model.start : model.end]
    for key, start, end in sorted(model.spans, key=lambda span: -span[1]):
        old = script.text[start:end]
        values = {"image": json.dumps(image), "partition": json.dumps(partition), "imageSize": _like(old, size)}
        text = text[: start - model.start] + values.get(key, old) + text[end - model.start :]
    index = script.commands.index(model)
    first = index == 0
    before = script.text.rindex("[", 0, model.start) + 1 if first else script.commands[index - 1].end
    lead = script.text[before : model.start].lstrip(",") if first else script.text[before : model.start]
    lead = "," + lead if first else lead
    return _edited(script, [(model.end, model.end, lead + text)])


def _like(old: str, number: int) -> str:
    """A number in the notation of an old one: bare, quoted decimal or quoted hexadecimal."""
    if not old.startswith('"'):
        return str(number)
    return f'"0x{number:x}"' if old.lower().startswith('"0x') else f'"{number}"'


def _edited(script: DownloadScript, edits: Sequence[tuple[int, int, str]]) -> DownloadScript:
    text = script.text
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return read(((BOM if script.has_bom else "") + text).encode("utf-8"))


def _parsed(text: str) -> None:
    """Whether the whole text is JSON; everything after this may rely on it."""
    try:
        json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise _broken("json", "it is no JSON", "不是 JSON", getattr(wrong, "pos", 0)) from wrong


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _elements(text: str, at: int) -> list[tuple[int, int]]:
    """Where the elements of the list at ``at`` stand."""
    found: list[tuple[int, int]] = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        found.append((at, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _members(text: str, at: int) -> tuple[tuple[str, int, int], ...]:
    """Key, start and end of the values of the object at ``at``."""
    found: list[tuple[str, int, int]] = []
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, end = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, end) + 1)
        _, end = _DECODER.raw_decode(text, start)
        found.append((key, start, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return tuple(found)


def _commands(text: str, at: int) -> tuple[ScriptCommand, ...]:
    places = _elements(text, at)
    if len(places) > MAX_COMMANDS:
        raise _broken("command", "more than {limit} commands", "超过 {limit} 条命令", at, limit=MAX_COMMANDS)
    return tuple(_command(text, start, end) for start, end in places)


def _command(text: str, start: int, end: int) -> ScriptCommand:
    spans = _members(text, start) if text[start] == "{" else ()
    keys = tuple((key, json.loads(text[first:last])) for key, first, last in spans)
    by_key = dict(keys)
    kind = by_key.get("command")
    if not isinstance(kind, str) or not kind:
        raise _broken("command", "a command has no 'command'", "存在缺少 command 的命令", start)
    return ScriptCommand(
        command=kind,
        group=_text(by_key.get("group")),
        name=_text(by_key.get("name")),
        value=_text(by_key.get("value")),
        image=_text(by_key.get("image")),
        partition=_text(by_key.get("partition")),
        weight=_number(by_key.get("weight")) or 0,
        image_size=_number(by_key.get("imageSize")),
        bootrom=_text(by_key.get("version-bootrom")),
        is_production_only=by_key.get("productionOnly") in (True, 1, "1", "true"),
        keys=keys,
        start=start,
        end=end,
        spans=spans,
    )


def _text(value: Any) -> str:
    """A text or number as text; anything else as empty."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _number(value: Any) -> int | None:
    """A number, or a text that is one; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = int(value, 0)
        except ValueError:
            return None
    return value if isinstance(value, int) and 0 <= value < 1 << 63 else None


def _broken(rule: str, en: str, zh: str, offset: int, **facts: Any) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset, rule=rule, **facts)
