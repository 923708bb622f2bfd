"""Buttons that people made for themselves: a name and what is sent. Kept per account, carried as JSON.

::

    {"moduline": "commands", "commands": [{"name": "Free memory", "text": "import gc; gc.mem_free()"}]}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from moduline.errors import BadOption, BadRecipe, Text
from moduline.web.studio.terminal_history import keep_json

MOST: Final = 60
NAME_LIMIT: Final = 40
TEXT_LIMIT: Final = 8000
KIND: Final = "commands"


@dataclass(frozen=True, slots=True)
class Command:
    """A button: what stands on it, and what is sent; several lines are sent in paste mode."""

    name: str
    text: str


def commands_file(data: Path, account: int, kind: str) -> Path:
    """Where the buttons of an account are kept; ``kind`` is ``repl`` or ``at``."""
    return data / "terminal" / f"commands-{kind}-{account}.json"


def checked(name: str, text: str, others: Iterable[str] = ()) -> Command:
    """A button, when it can be one.

    Raises:
        BadOption: no name, no text, too long, or a name that is there already.
    """
    name, text = name.strip(), text.replace("\r\n", "\n").strip("\n")
    if not 0 < len(name) <= NAME_LIMIT or not name.isprintable():
        reason = Text("1 to {limit} characters", "须为 1 至 {limit} 个字符")
        raise BadOption(name="name", reason=reason, limit=NAME_LIMIT)
    if name in set(others):
        raise BadOption(name="name", reason=Text("there is one of that name", "已有同名按钮"))
    if not text.strip() or len(text) > TEXT_LIMIT:
        reason = Text("1 to {limit} characters", "须为 1 至 {limit} 个字符")
        raise BadOption(name="text", reason=reason, limit=TEXT_LIMIT)
    return Command(name, text)


def read_commands(path: Path) -> list[Command]:
    """The buttons of a file; none when there is no such file.

    Raises:
        BadRecipe: the file is not what ``write_commands`` writes.
    """
    try:
        return parse_commands(path.read_bytes(), str(path))
    except FileNotFoundError:
        return []
    except OSError as cause:
        raise BadRecipe(path=str(path), key=KIND, reason=cause.strerror or str(cause)) from cause


def write_commands(path: Path, commands: Sequence[Command]) -> None:
    """Keep the buttons.

    Raises:
        StorageFailed: they cannot be written.
        BadOption: they are too many.
    """
    if len(commands) > MOST:
        raise BadOption(name=KIND, reason=Text("at most {limit}", "最多 {limit} 个"), limit=MOST)
    keep_json(path, _told(commands))


def export_commands(commands: Sequence[Command]) -> str:
    """The buttons as a file to carry."""
    return json.dumps(_told(commands), ensure_ascii=False, indent=1) + "\n"


def parse_commands(data: bytes, name: str) -> list[Command]:
    """The buttons of a file that somebody carried here.

    Args:
        data: the file.
        name: what it is called, for messages.

    Raises:
        BadRecipe: it is no such file.
    """
    try:
        raw = json.loads(data.decode("utf-8-sig"))
        found = [(str(one["name"]), str(one["text"])) for one in raw["commands"]]
        if raw.get("moduline") != KIND or len(found) > MOST:
            raise ValueError(f"moduline = {raw.get('moduline')!r}, {len(found)} commands")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as cause:
        raise BadRecipe(path=name, key=KIND, reason=str(cause)) from cause
    commands: list[Command] = []
    for label, text in found:
        try:
            commands.append(checked(label, text, [one.name for one in commands]))
        except BadOption as cause:
            raise BadRecipe(path=name, key=f"commands: {label[:NAME_LIMIT]}", reason=cause.message()) from cause
    return commands


def merged(own: Sequence[Command], more: Sequence[Command]) -> list[Command]:
    """Both; of one name the newer text counts, in the place of the older."""
    texts = {one.name: one.text for one in own} | {one.name: one.text for one in more}
    return [Command(name, text) for name, text in texts.items()]


def _told(commands: Sequence[Command]) -> dict[str, Any]:
    return {"moduline": KIND, "commands": [asdict(one) for one in commands]}
