"""An EigenComm package in the forms of its generations: bare binpkg, zip of 2023, .bin of 2024.

What the .bin has more is the word of the platform; what lies beside the folder in a zip of 2023 (change log, legal
notice) is not in it, because the vendor's tool takes whatever else it finds there for the folder. What nobody documents
(programmer images) is not made.

Source: platform-eigencomm 1.1; a published list of both layouts; how the vendor's open download tool looks for the
folder.
"""

from __future__ import annotations

import json
from typing import Final

from moduline.errors import BadOption, Text
from moduline.formats.container import eigen, eigen_binpkg, zip_members
from moduline.formats.container.platform_config import CONFIG_NAME
from moduline.package.eigen import CONTAINER, eigen_of, package_of
from moduline.package.parts import FirmwarePackage

PLATFORM: Final = "EIGEN"


def reshape(package: FirmwarePackage, kind: str, stem: str) -> bytes:
    """The package itself as a shell of that kind holds it.

    Args:
        package: any EigenComm package.
        kind: "binpkg", "zip", "bin" or "release".
        stem: name of the folder that a bare binpkg gets.
    """
    source = eigen_of(package)
    if kind == "binpkg":
        return eigen_binpkg.write(source.binpkg)
    data = eigen.make({f"{stem}/{eigen.BINPKG_NAME}": source.data}) if source.is_bare else source.data
    has_word = not source.is_bare and CONFIG_NAME in source.members
    if kind == "zip" or has_word:
        return data
    outside = {name for name in source.members if source.root and not name.startswith(source.root)}
    if outside:
        data = zip_members.remove_members(data, outside)
    return zip_members.add_members(data, [(CONFIG_NAME, config())])


def with_agentboot(package: FirmwarePackage, agentboot: bytes) -> FirmwarePackage:
    """The package with an agentboot for USB; a bare binpkg becomes a zip with both.

    Args:
        package: an EigenComm package.
        agentboot: the image, out of the vendor's package or tool.

    Raises:
        BadOption: a package of another platform, or an empty image.
    """
    if package.container != CONTAINER or not agentboot:
        why = Text("only packages of EigenComm chips have one", "仅移芯平台固件包需要")
        raise BadOption(name="--agentboot", reason=why)
    source = eigen_of(package)
    place = eigen.AGENTBOOTS["agentboot_usb"]
    if source.is_bare:
        changed = eigen.read(eigen.make({place: agentboot, eigen.BINPKG_NAME: source.data}), must_check=False)
    else:
        changed = eigen.with_members(source, {source.root + place: agentboot})
    return package_of(changed, package.shells, package.name)


def config() -> bytes:
    """The platform_config.json of these packages."""
    return json.dumps({"platform": PLATFORM}).encode("ascii")
