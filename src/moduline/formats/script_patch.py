"""The patch of one script, ``app.py.mdl``: what ``app_fota`` fetches and a helper script on the module unpacks.

::

    0    header  88 bytes: what must be there before, what is there afterwards, how
    88   data    one block of the codec

Small enough for scripts of a few hundred bytes; everything is checked by the two hashes. Reading is strict:
``write(read(x)) == x``. The module's half is ``onboard/sdk/script_patch.py``, which reads this head by itself.

Source: docs/spec/script-patch.md; delta.md 4 (scripts).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from moduline.errors import BadFormat, Text, Unsupported
from moduline.formats.record import Field, RecordTable

NAME: Final = "script patch"
ENDING: Final = ".mdl"
MAGIC: Final = b"MDLNSCR\0"
FORMAT_VERSION: Final = 1
MAX_BYTES: Final = 1 << 20
RAW: Final = 0
DEFLATE: Final = 1
WINDOW: Final = 3
CODECS: Final = {RAW: "raw", DEFLATE: "deflate", WINDOW: "window"}

HEADER: Final = RecordTable(
    "script patch header",
    (
        Field("magic", "bytes:8", "MDLNSCR and NUL"),
        Field("format_version", "u16", "1"),
        Field("codec", "u16", "how the data give the new file: 0 raw, 1 deflate, 3 window"),
        Field("old_bytes", "u32", "length of what must be there before; 0: anything may", "bytes"),
        Field("old_sha256", "bytes:32", "of what must be there before; 0: anything may"),
        Field("new_bytes", "u32", "length of what is there afterwards", "bytes"),
        Field("new_sha256", "bytes:32", "of what is there afterwards"),
        Field("data_bytes", "u32", "length of the data", "bytes"),
    ),
    total_bytes=88,
)


@dataclass(frozen=True, slots=True)
class ScriptPatch:
    """How one file is renewed.

    Attributes:
        codec: 0 raw, 1 deflate, 3 window.
        old_bytes: length of what must be there before; 0 for anything.
        old_sha256: its SHA-256, 32 bytes; zeros for anything.
        new_bytes: length of what is there afterwards.
        new_sha256: its SHA-256, 32 bytes.
        data: the codec's block.
    """

    codec: int
    old_bytes: int
    old_sha256: bytes
    new_bytes: int
    new_sha256: bytes
    data: bytes = field(repr=False)


def read(data: bytes) -> ScriptPatch:
    """The patch in a file.

    Raises:
        BadFormat: no such patch, another length than stated, or sizes that cannot be.
        Unsupported: another version, or an unknown codec.
    """
    head = HEADER.unpack(data)
    if head["magic"] != MAGIC:
        raise _broken("wrong magic", "魔数错误", 0)
    for name, value, is_known in (
        ("format_version", head["format_version"], head["format_version"] == FORMAT_VERSION),
        ("codec", head["codec"], head["codec"] in CODECS),
    ):
        if not is_known:
            raise Unsupported(
                format=NAME,
                reason=Text("{name} {value} is not known", "未知的 {name} {value}"),
                remedy=Text("update Moduline", "请升级 Moduline"),
                name=name,
                value=value,
            )
    if len(data) != HEADER.total_bytes + head["data_bytes"]:
        raise _broken("another length than stated", "长度与声明不符", HEADER.offsets["data_bytes"])
    if max(head["old_bytes"], head["new_bytes"]) > MAX_BYTES:
        raise _broken("too large for a script", "超过脚本的大小上限", HEADER.offsets["old_bytes"])
    has_old = any(head["old_sha256"])
    if (head["codec"] == WINDOW and not has_old) or (not has_old and head["old_bytes"]):
        raise _broken("it does not say what was before", "未指明旧内容", HEADER.offsets["old_sha256"])
    names = ("codec", "old_bytes", "old_sha256", "new_bytes", "new_sha256")
    return ScriptPatch(**{name: head[name] for name in names}, data=data[HEADER.total_bytes :])


def write(patch: ScriptPatch) -> bytes:
    """The file; ``read`` gives the same value."""
    values = {name: getattr(patch, name) for name in ScriptPatch.__dataclass_fields__ if name != "data"}
    head = values | {"magic": MAGIC, "format_version": FORMAT_VERSION, "data_bytes": len(patch.data)}
    return HEADER.pack(head) + patch.data


def describe(patch: ScriptPatch) -> list[tuple[str, str]]:
    """Rows for people."""
    return [
        ("codec", CODECS[patch.codec]),
        ("old", f"{patch.old_bytes} {patch.old_sha256.hex()}" if any(patch.old_sha256) else "-"),
        ("new", f"{patch.new_bytes} {patch.new_sha256.hex()}"),
        ("data", str(len(patch.data))),
    ]


def _broken(en: str, zh: str, offset: int) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset)
