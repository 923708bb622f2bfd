"""The same package in another shell: what the vendor's tools and download pages put around it.

::

    pac       the bare container of UNISOC chips
    zip       pac in a zip with platform_config.json    ASR: the package itself, which is a zip
    bin       the same bytes as zip under the suffix .bin, as QuecPython firmware is named; EigenComm: with the
              platform_config.json that their zip has not
    binpkg    EigenComm: the binpkg alone, without agentboot and file systems
    release   a zip that holds the .bin, as on download pages

Nothing inside the container changes, so converting there and back gives the same container. Only ``zip`` and ``bin``
differ in nothing but the name of the file: that rename is all the vendor's tools do.

Source: platform-unisoc 1; platform-asr 1.1; platform-eigencomm 1.1.
"""

from __future__ import annotations

import json
from typing import Final

from moduline.errors import BadOption, Text
from moduline.formats.container import zip_members
from moduline.formats.container.platform_config import CONFIG_NAME
from moduline.package.containers import container_of
from moduline.package.parts import FirmwarePackage

KINDS: Final = ("pac", "binpkg", "zip", "bin", "release")
_SUFFIXES: Final = {"release": "zip"}


def kinds_of(package: FirmwarePackage) -> tuple[str, ...]:
    """The kinds a package can be converted to."""
    row = container_of(package)
    native = row.ending.removeprefix(".")
    return (*row.own_kinds, *((native,) if native == "pac" else ()), "zip", "bin", "release")


def suffix_of(kind: str) -> str:
    """The suffix of a file of that kind, without the dot."""
    return _SUFFIXES.get(kind, kind)


def to_kind(package: FirmwarePackage, kind: str, stem: str, platform: str = "") -> bytes:
    """The bytes of the package in that kind of shell; the same package gives the same bytes.

    Args:
        package: the package, in whatever shells.
        kind: one of ``kinds_of(package)``.
        stem: name of the files inside, without suffix.
        platform: word of the platform_config.json around it; empty takes the chip's slug.

    Raises:
        BadOption: a kind this container cannot have.
    """
    if kind not in kinds_of(package):
        why = Text("'{kind}' is none of {known}", "“{kind}”不在可用范围内：{known}")
        raise BadOption(name="--to", reason=why, kind=kind, known=", ".join(kinds_of(package)))
    row = container_of(package)
    inner = row.reshape(package, kind, stem) if row.reshape is not None else row.write(package)
    ending = row.ending
    if kind in row.own_kinds or (kind == ending.removeprefix(".") and kind != "zip"):
        return inner
    is_zip_itself = zip_members.is_zip(inner)
    bundle = inner if is_zip_itself else _bundle(inner, f"{stem}{ending}", platform or package.chip)
    return zip_members.write_members([(f"{stem}.bin", bundle)]) if kind == "release" else bundle


def _bundle(inner: bytes, name: str, platform: str) -> bytes:
    """A zip with the package and the word that names its platform."""
    config = json.dumps({"platform": platform}).encode("ascii")
    return zip_members.write_members([(CONFIG_NAME, config), (name, inner)])
