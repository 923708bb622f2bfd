"""Stock firmware without a container: images by role, as the factory has them in its programmer.

Good for a virtual factory and for patches of bare images. It is not a vendor's container and no burner takes it; every
module of the catalogue has a recipe that gives its firmware in the container of its platform.

::

    stock.json          {"format": 1, "module", "chip", "version", "roles": [...]}
    <role>.img          one for each role: boot, system ...

Source: brief, decision 5; docs/design/virtual-module.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadFormat, Text, Unsupported
from moduline.formats.container import zip_members

NAME: Final = "stock firmware"
MANIFEST: Final = "stock.json"
FORMAT_VERSION: Final = 1
MAX_ROLES: Final = 32
MAX_IMAGE_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class StockFirmware:
    """Images for one kind of module.

    Attributes:
        module: slug of the module it was built for.
        chip: slug of its chip.
        version: what ``modem.getDevFwVersion()`` will say.
        images: what goes to the partition of each role.
    """

    module: str
    chip: str
    version: str
    images: Mapping[str, bytes] = field(repr=False)


def is_stock(data: bytes) -> bool:
    """Whether the bytes are stock firmware in this form."""
    if not zip_members.is_zip(data):
        return False
    try:
        return any(member.filename == MANIFEST for member in zip_members.list_members(data))
    except (BadFormat, Unsupported):
        return False  # some other zip; who reads it says what is wrong with it


def write_stock(firmware: StockFirmware) -> bytes:
    """The file; the same firmware gives the same bytes."""
    manifest = {
        "format": FORMAT_VERSION,
        "module": firmware.module,
        "chip": firmware.chip,
        "version": firmware.version,
        "roles": list(firmware.images),
    }
    members = [(f"{role}.img", data) for role, data in firmware.images.items()]
    return zip_members.write_members([(MANIFEST, json.dumps(manifest).encode("ascii")), *members])


def read_stock(data: bytes) -> StockFirmware:
    """The firmware in a file.

    Raises:
        BadFormat: it is damaged, or something is missing.
        Unsupported: encrypted, or packed in another way than zip writers do.
    """
    zip_members.list_members(data)  # refuses what is beyond a limit before anything is inflated
    try:
        manifest: Any = json.loads(zip_members.read_member(data, MANIFEST))
    except (ValueError, RecursionError) as wrong:
        raise _broken("the manifest is no JSON", "清单不是 JSON") from wrong
    roles = manifest.get("roles") if isinstance(manifest, dict) else None
    if not isinstance(roles, list) or len(roles) > MAX_ROLES or manifest.get("format") != FORMAT_VERSION:
        raise _broken("the manifest has no right 'roles'", "清单缺少正确的“roles”")
    texts = {key: manifest.get(key) for key in ("module", "chip", "version")}
    if not all(isinstance(one, str) for one in (*texts.values(), *roles)):
        raise _broken("the manifest lacks a name", "清单缺少名称")
    images = {role: zip_members.read_member(data, f"{role}.img") for role in roles}
    if any(len(image) > MAX_IMAGE_BYTES for image in images.values()):
        raise _broken("an image is larger than any flash", "镜像大于任何 Flash")
    return StockFirmware(texts["module"], texts["chip"], texts["version"], images)


def _broken(en: str, zh: str) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=0)
