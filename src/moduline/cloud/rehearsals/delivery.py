"""How an artifact's files reach a module: which verbs the module's script calls, and what they must lead to.

::

    one or two containers of docs/spec/patch.md   fota().httpDownload(url1=..., url2=...)
    .py, .mpy                                     app_fota: download, set_update_flag, restart
    .py with .py.mdl beside it                    usr.script_patch: the same, fetching what changed

Whatever else a file may be, a virtual module cannot try it, and ``recognised`` says why in both languages.

Source: device-api 7, 8; docs/design/firmware-update.md, script-updates.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from moduline.delta import codecs
from moduline.delta.side import SCRIPT_ROLE
from moduline.errors import FormatError, NotRehearsable, Text
from moduline.formats import littlefs, patch, script_patch
from moduline.profiles.module import ModuleProfile

HOST: Final = "updates.rehearsal"
"""Name of the server that modules fetch from; it exists nowhere else."""
SCRIPTS: Final = "scripts"
SCRIPT_SUFFIXES: Final = (".py", ".mpy")
FOLDER: Final = "/usr/"
HELPER: Final = "script_patch.py"
FIRMWARE_WRITES: Final = frozenset({"apn_cfg.json", "system_config.json", "checksum.json"})
"""Files of ``/usr`` that the firmware itself writes while it boots."""
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,60}", re.ASCII)
_NO_PATCH: Final = Text(
    "'{name}' is neither a patch of this platform nor a script (whole packages are burnt, not updated to)",
    "“{name}”既不是本平台的差分包，也不是脚本（整包用于烧录，不用于升级）",
)
_MIXED: Final = Text("patches and scripts do not go together", "差分包与脚本不能混用")
_NO_STAGE: Final = Text("its containers are no complete set", "差分包各阶段不完整")
_NO_MODEL: Final = Text("{model} takes no '{kind}' packages", "{model} 不支持“{kind}”升级包")
_ALONE: Final = Text(
    "'{name}' needs the whole file beside it, for modules that have another old one",
    "“{name}”须与完整文件一同上传，供旧文件不同的模组下载",
)
_NO_HELPER: Final = Text(
    "the source package has no {helper}, which fetches patches of scripts", "源版本包中没有用于下载脚本差分的 {helper}"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An update as a module gets it.

    Attributes:
        kind: ``diff``, ``full``, ``mini`` or ``scripts``.
        files: bytes by path on the server.
        patches: the containers, in order; none of scripts.
        scripts: the whole new files by path below ``/usr``; none of containers.
        rows: of ``script_patch``; empty: plain ``app_fota``.
    """

    kind: str
    files: Mapping[str, bytes] = field(repr=False)
    patches: tuple[patch.Patch, ...] = field(default=(), repr=False)
    scripts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    rows: tuple[Mapping[str, object], ...] = ()

    @property
    def regions(self) -> tuple[patch.PatchRegion, ...]:
        """Of all containers, in order."""
        return tuple(region for one in self.patches for region in one.regions)

    @property
    def firmware(self) -> tuple[patch.PatchRegion, ...]:
        """Those that hold firmware: their bytes do not change while it runs."""
        return tuple(one for one in self.regions if one.role != SCRIPT_ROLE)

    @property
    def renews_firmware(self) -> bool:
        """Whether another firmware runs afterwards, whose version the module reports."""
        return bool(self.firmware)

    @property
    def replaces_scripts(self) -> bool:
        """Whether the script area is replaced as a whole, user files with it."""
        return any(one.role == SCRIPT_ROLE for one in self.regions)

    def new_scripts(self) -> dict[str, bytes]:
        """Files of ``/usr`` that must be there afterwards."""
        if not self.patches:
            return dict(self.scripts)
        found: dict[str, bytes] = {}
        for region in self.regions:
            if region.role == SCRIPT_ROLE and codecs.codec_of(region.codec).is_whole:
                image = littlefs.read_image(codecs.decode(region))
                found = {name: data for name, data in image.entries if data is not None}
        return {name: data for name, data in found.items() if name not in FIRMWARE_WRITES}

    def verbs(self, port: int) -> str:
        """What the module's script calls; it restarts the module or raises.

        Args:
            port: of the server.
        """
        base = f"http://{HOST}:{port}/"
        if self.patches:
            urls = ", ".join(f"url{number}={base + name!r}" for number, name in enumerate(self.files, 1))
            return f"import fota\nif fota().httpDownload({urls}) == -1:\n    raise OSError('httpDownload gives -1')\n"
        if self.rows:
            return _PATCHED.format(base=base, rows=json.dumps(json.dumps(self.rows)))
        return _PLAIN.format(base=base, files=[(f"{FOLDER}{name}", len(data)) for name, data in self.scripts.items()])


_PLAIN: Final = """\
import app_fota, ql_fs
from misc import Power
stage = '/usr/.updater'
new = app_fota.new()
for name, size in {files!r}:
    for left in (2, 1, 0):
        if new.download({base!r} + name.rsplit('/', 1)[-1], name) == 0 and ql_fs.path_getsize(stage + name) == size:
            break
        if not left:
            raise OSError('app_fota does not get ' + name)
        ql_fs.rmdirs(stage)
new.set_update_flag()
Power.powerRestart()
"""
_PATCHED: Final = """\
import app_fota, ujson
from misc import Power
from usr import script_patch
new = app_fota.new()
failed = script_patch.fetch(new, {base!r}, ujson.loads({rows}))
if failed:
    raise OSError('script_patch does not get ' + ', '.join(failed))
new.set_update_flag()
Power.powerRestart()
"""


def recognised(files: Sequence[tuple[str, bytes]]) -> Delivery:
    """What the files of an artifact are.

    Args:
        files: name and bytes, in the order of the artifact.

    Raises:
        NotRehearsable: a virtual module cannot try them.
        FormatError: a patch is damaged.
    """
    are_patches = [patch.is_patch(data) for _, data in files]
    if all(are_patches):
        return _of_patches([data for _, data in files])
    if any(are_patches):
        raise NotRehearsable(reason=_MIXED)
    names = [name for name, _ in files]
    for name in names:
        if not name.lower().endswith((*SCRIPT_SUFFIXES, script_patch.ENDING)) or not _NAME.fullmatch(name):
            raise NotRehearsable(reason=_NO_PATCH, name=name)
    return _of_scripts(dict(files))


def must_be_taken(delivery: Delivery, profile: ModuleProfile, scripts: Sequence[str]) -> None:
    """Stop where the module has no such update.

    Args:
        delivery: the update.
        profile: of the module.
        scripts: names of the files of ``/usr`` that the source version has.

    Raises:
        NotRehearsable: it has none.
    """
    quirks = profile.quirks
    takes = {"full": quirks.has_fota_full, "mini": quirks.has_fota_mini}
    if not takes.get(delivery.kind, True):
        raise NotRehearsable(reason=_NO_MODEL, model=profile.identity.model, kind=delivery.kind)
    if any("patch" in row for row in delivery.rows) and HELPER not in scripts:
        raise NotRehearsable(reason=_NO_HELPER, helper=HELPER)


def _of_patches(files: Sequence[bytes]) -> Delivery:
    patches = tuple(patch.read(data) for data in files)
    if len(patches) != patches[0].stage_count:
        raise NotRehearsable(reason=_NO_STAGE)
    return Delivery(patches[0].kind, {f"{number}.bin": data for number, data in enumerate(files, 1)}, patches)


def _of_scripts(files: Mapping[str, bytes]) -> Delivery:
    ending = script_patch.ENDING
    whole = {name: data for name, data in files.items() if not name.endswith(ending)}
    rows: list[dict[str, object]] = []
    for name in files:
        if name.removesuffix(ending) not in whole:
            raise NotRehearsable(reason=_ALONE, name=name)
    for name, data in whole.items():
        row = {"file_name": FOLDER + name, "url": name, "bytes": len(data), "sha256": _hex(data)}
        delta = files.get(name + ending)
        if delta is not None:
            row |= {"patch": name + ending, "patch_bytes": len(delta)} | _old_of(delta)
        rows.append(row)
    has_patches = any("patch" in row for row in rows)
    return Delivery(SCRIPTS, dict(files), scripts=whole, rows=tuple(rows) if has_patches else ())


def _old_of(delta: bytes) -> dict[str, object]:
    """What a row says of the file that a patch is for; a damaged patch is left to the module to find out."""
    try:
        old = script_patch.read(delta).old_sha256
    except FormatError:
        return {}
    return {"old_sha256": old.hex()} if any(old) else {}


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
