"""Scripts as patches for ``app_fota``: what a server keeps so that modules fetch only what changed.

::

    old files, new files ──▶ usr/app.py        the whole new file, for modules that have another old one
                             usr/app.py.mdl    its patch, where that is smaller
                             rows              [{"file_name", "url", "bytes", "sha256",
                                                 "patch", "patch_bytes", "old_sha256"}, ...]

The rows are those of ``release.app_fota`` with the patch beside; ``onboard/sdk/script_patch.py`` on the module goes
through them. Every patch was unpacked and compared before this returns.

Source: docs/design/script-updates.md; device-api 8.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from moduline.delta import window as window_coder
from moduline.errors import BadChecksum, BadFormat, PatchMisfit, Text, Unsupported
from moduline.formats import script_patch
from moduline.formats.script_patch import DEFLATE, ENDING, NAME, RAW, WINDOW, ScriptPatch

WINDOW_BITS: Final = 12
"""A module keeps 4 KiB of what it has unpacked."""
LEVEL: Final = 9
ROOT: Final = "usr/"
NO_OLD: Final = bytes(32)
DECODER: Final = "script_window.py"
"""What a module needs in ``/usr`` for patches that read the old file; ``onboard/sdk`` has it."""


@dataclass(frozen=True, slots=True)
class WindowCodec:
    """The codec that reads the old file.

    Attributes:
        make: stream of a new file, given the old one.
        apply: the new file, given the old one, the stream and the length.
    """

    make: Callable[[bytes, bytes], bytes]
    apply: Callable[[bytes, bytes, int], bytes]


SMALL_WINDOW: Final = WindowCodec(partial(window_coder.make, profile="small"), window_coder.apply)
"""The codec that ``script_window.py`` decodes.  Source: docs/spec/window-stream.md"""


def window_for(old: Mapping[str, bytes]) -> WindowCodec | None:
    """The codec that reads the old file, where modules with these scripts have its decoder.

    Args:
        old: content by path below ``/usr``.
    """
    return SMALL_WINDOW if {DECODER, DECODER.replace(".py", ".mpy")} & set(old) else None


@dataclass(frozen=True, slots=True)
class PackedScripts:
    """What goes to the server.

    Attributes:
        files: whole files and patches, by path.
        rows: of ``app_fota.json``.
        unchanged: files that need not be fetched.
        gone: files of the old side that the new one lacks; ``app_fota`` deletes nothing.
    """

    files: Mapping[str, bytes]
    rows: tuple[Mapping[str, Any], ...]
    unchanged: tuple[str, ...]
    gone: tuple[str, ...]


def make_script(old: bytes | None, new: bytes, window: WindowCodec | None = None) -> bytes:
    """The patch file of one script, in its smallest codec.

    Args:
        old: what the module has; None for anything.
        new: what it shall have.
        window: the codec that reads the old file; None: modules cannot unpack it.
    """
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, 9)
    blocks = [(RAW, new), (DEFLATE, packer.compress(new) + packer.flush())]
    if window is not None and old is not None:
        blocks.append((WINDOW, window.make(old, new)))
    codec, block = min(blocks, key=lambda one: len(one[1]))
    made = script_patch.write(
        ScriptPatch(
            codec=codec,
            old_bytes=len(old) if old is not None else 0,
            old_sha256=hashlib.sha256(old).digest() if old is not None else NO_OLD,
            new_bytes=len(new),
            new_sha256=hashlib.sha256(new).digest(),
            data=block,
        )
    )
    assert apply_script(old or b"", made, window) == new
    return made


def apply_script(old: bytes, patch: bytes, window: WindowCodec | None = None) -> bytes:
    """The new file.

    Raises:
        FormatError: the patch is damaged, or gives another file than it should.
        PatchMisfit: it is for another old file.
        Unsupported: a codec that is not known here.
    """
    found = script_patch.read(patch)
    if any(found.old_sha256) and hashlib.sha256(old).digest() != found.old_sha256:
        raise PatchMisfit(reason=Text("it is for another old file", "它适用于其他旧文件"))
    if found.codec == RAW:
        new = found.data
    elif found.codec == DEFLATE:
        new = _inflated(found)
    elif window is None:
        raise Unsupported(
            format=NAME,
            reason=Text("no decoder for its codec", "没有对应的解码器"),
            remedy=Text("update Moduline", "请升级 Moduline"),
        )
    else:
        new = window.apply(old, found.data, found.new_bytes)
    sha256 = hashlib.sha256(new).hexdigest()
    if sha256 != found.new_sha256.hex():
        raise BadChecksum(format=NAME, name="SHA-256", found=sha256, expected=found.new_sha256.hex())
    return new


def pack_scripts(
    old: Mapping[str, bytes], new: Mapping[str, bytes], window: WindowCodec | None = None
) -> PackedScripts:
    """What leads a module from one set of scripts to another.

    Args:
        old: content by path below ``/usr``.
        new: the same.
        window: the codec that reads the old file; None: modules cannot unpack it.
    """
    files: dict[str, bytes] = {}
    rows = []
    for path in sorted(new):
        content, before = new[path], old.get(path)
        if content == before:
            continue
        place = ROOT + path
        row = {"url": quote(place), "file_name": f"/{place}", "bytes": len(content), "sha256": _hex(content)}
        files[place] = content
        patch = make_script(before, content, window)
        if len(patch) < len(content):
            row |= {"patch": quote(place + ENDING), "patch_bytes": len(patch)}
            files[place + ENDING] = patch
            if before is not None:
                row["old_sha256"] = _hex(before)
        rows.append(row)
    unchanged = tuple(path for path in sorted(new) if new[path] == old.get(path))
    return PackedScripts(files, tuple(rows), unchanged, tuple(sorted(set(old) - set(new))))


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _inflated(found: ScriptPatch) -> bytes:
    stream = zlib.decompressobj(WINDOW_BITS)
    try:
        new = stream.decompress(found.data, found.new_bytes + 1)
    except zlib.error as wrong:
        raise BadFormat(format=NAME, reason=Text("the data are damaged", "数据已损坏"), offset=0) from wrong
    if not stream.eof or stream.unused_data or len(new) != found.new_bytes:
        raise BadFormat(format=NAME, reason=Text("the data give another length", "解出的长度不符"), offset=0)
    return new
