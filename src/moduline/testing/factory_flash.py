"""Flash files as a module leaves the factory with them: firmware, NV and a project, made once and then only copied.

A copy costs milliseconds; programming a package costs hundreds. All flashes of one session share the two stages::

    firmware of a model ──▶ + file systems of a project ──▶ flash.bin of each module
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Final

from moduline.errors import StorageFailed
from moduline.release.firmware import stock_package
from moduline.testing.project import Images
from moduline.vmodule.factory import program_package, read_firmware
from moduline.vmodule.facts import ModuleIdentity, identity_of
from moduline.vmodule.flash_file import FlashFile
from moduline.vmodule.nv_store import factory_block

FLASH_NAME: Final = "flash.bin"
RACK: Final = "test"


class FactoryFlash:
    """The flashes of one session.

    Args:
        folder: where the shared ones are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Path] = {}

    def place(self, folder: Path, identity: ModuleIdentity, images: Images | None, package: bytes | None) -> None:
        """Put a flash file into a module's folder.

        Args:
            folder: of the module; made.
            identity: who it is.
            images: file systems; None leaves them erased, as in a new module.
            package: firmware; None takes our own for that model.

        Raises:
            StorageFailed: no space.
        """
        source = self._with_images(identity, images, package)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / FLASH_NAME)
        except OSError as cause:
            raise StorageFailed(path=str(folder), reason=cause.strerror or str(cause)) from cause

    def _with_images(self, identity: ModuleIdentity, images: Images | None, package: bytes | None) -> Path:
        firmware = self._firmware(identity, package)
        if images is None:
            return firmware
        digest = hashlib.sha256(firmware.name.encode())
        for role, data in images.by_role.items():
            digest.update(role.encode() + hashlib.sha256(data).digest())
        key = digest.hexdigest()[:32]
        if key not in self._made:
            made = self._folder / f"{key}.bin"
            shutil.copyfile(firmware, made)
            with FlashFile(made, identity.geometry) as file:
                for role, data in images.by_role.items():
                    write_area(file, identity, role, data)
            self._made[key] = made
        return self._made[key]

    def _firmware(self, identity: ModuleIdentity, package: bytes | None) -> Path:
        slug = identity.profile.slug
        key = f"{slug}-{hashlib.sha256(package).hexdigest()[:16] if package is not None else 'stock'}"
        if key not in self._made:
            made = self._folder / f"{key}.bin"
            anyone = identity_of(slug, "m1", RACK)
            with FlashFile(made, anyone.geometry) as file:
                nv = anyone.storage(file.flash).nv
                nv.write_block(factory_block(anyone.factory_imei, anyone.factory_imei, anyone.chip.entry.nv_bytes))
                program_package(anyone, file.memory, read_firmware(package or stock_package(slug)))
            self._made[key] = made
        return self._made[key]


def write_area(file: FlashFile, identity: ModuleIdentity, role: str, data: bytes) -> None:
    """Erase the partition of that role and program an image into it."""
    partition = identity.profile.partition(role)
    assert partition is not None, f"{identity.profile.slug} has no {role}"
    offset = identity.offset_of(partition)
    file.memory.erase(offset, partition.size_bytes)
    file.memory.program(offset, data)
