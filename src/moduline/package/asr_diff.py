"""What differs between two ASR packages: members by their content, the script by its commands, then the zip itself.

Source: platform-asr 1.2, 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, zip_longest

from moduline.formats.container import asr, zip_members
from moduline.formats.container.asr import AsrPackage
from moduline.formats.container.asr_script import ScriptCommand
from moduline.package.asr import asr_of
from moduline.package.difference import ENTRY_PLACE, HEADER_PLACE, SCRIPT_PLACE, Difference, shown_bytes
from moduline.package.parts import FirmwarePackage


def diff(before: FirmwarePackage, after: FirmwarePackage) -> Iterator[Difference]:
    """Every difference, in the order folder, members, script, zip."""
    old, new = asr_of(before), asr_of(after)
    if old.root != new.root:
        yield Difference(HEADER_PLACE, "folder", "changed", old.root, new.root)
    yield from _members(old, new)
    yield from _script(old, new)
    yield from _directory(old, new)


def _members(old: AsrPackage, new: AsrPackage) -> Iterator[Difference]:
    """Members by name; the script's content is compared by its commands."""
    for name, data in old.members.items():
        if name not in new.members:
            yield Difference(ENTRY_PLACE, name, "removed", shown_bytes(data))
    for name, data in new.members.items():
        if name not in old.members:
            yield Difference(ENTRY_PLACE, name, "added", "", shown_bytes(data))
        elif old.members[name] != data and name != asr.SCRIPT_NAME:
            yield Difference(ENTRY_PLACE, name, "data", shown_bytes(old.members[name]), shown_bytes(data))
    kept = [name for name in old.members if name in new.members]
    followers = dict(pairwise([*kept, ""]))
    for name, follower in pairwise([*(name for name in new.members if name in old.members), ""]):
        if followers[name] != follower:
            yield Difference(ENTRY_PLACE, name, "moved")


def _script(old: AsrPackage, new: AsrPackage) -> Iterator[Difference]:
    if old.script.text == new.script.text and old.script.has_bom == new.script.has_bom:
        return
    before, after = list(old.script.commands), list(new.script.commands)
    added = [one for one in after if one.keys not in [other.keys for other in before]]
    removed = [one for one in before if one.keys not in [other.keys for other in after]]
    if not added and not removed:
        is_same = [one.keys for one in before] == [one.keys for one in after]
        what = "style" if is_same else "moved"
        yield Difference(SCRIPT_PLACE, asr.SCRIPT_NAME, what, shown_bytes(_text(old)), shown_bytes(_text(new)))
    for first, second in zip_longest(removed, added):
        one = second or first
        what = "changed" if first and second else "added" if second else "removed"
        yield Difference(SCRIPT_PLACE, one.partition or one.image or one.command, what, _shown(first), _shown(second))


def _directory(old: AsrPackage, new: AsrPackage) -> Iterator[Difference]:
    """Times, attributes and comments of members both have; names and contents were compared before."""
    first, second = _rows(old), _rows(new)
    for name, row in first.items():
        if name in second and row != second[name]:
            yield Difference(HEADER_PLACE, name, "directory", row, second[name])


def _rows(source: AsrPackage) -> dict[str, str]:
    return {
        info.filename[
            len(source.root) :
        ]: f"{'-'.join(map(str, info.date_time))} {info.external_attr:x} {info.comment!r}"
        for info in zip_members.list_members(source.data)
        if info.filename.startswith(source.root)
    }


def _text(source: AsrPackage) -> bytes:
    return source.members[asr.SCRIPT_NAME]


def _shown(command: ScriptCommand | None) -> str:
    return "" if command is None else ", ".join(f"{key}={value}" for key, value in command.keys)
