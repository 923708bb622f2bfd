"""The script area of a virtual module read, changed and written back while its power is off.

This is what a host does with a real module in download mode when nothing else stops its main.py. Where the protocol of
a platform is modelled, hosts do it over the wire; this is for all of them, through the rack that owns the flash.

Source: device-api 2.3, T03; docs/design/virtual-module.md.
"""

from __future__ import annotations

from moduline.errors import FormatError
from moduline.formats import checksum, littlefs
from moduline.formats.littlefs.volume import FsGeometry
from moduline.image.set_aside import SetAside, set_aside_main
from moduline.vmodule.boot import BootCode, BootSystem
from moduline.vmodule.interpreter.plan import MountPlan
from moduline.vmodule.module import VirtualModule

USER_MOUNT = "/usr"
BACKUP_MOUNT = "/bak"


def set_main_aside(module: VirtualModule) -> SetAside | None:
    """Rename main.py in a module without power; None when there is nothing that would start by itself.

    Raises:
        FormatError: its script area is damaged.
        TooBig: its script area is full to the last block.
    """
    flash = module.file.memory
    decision = BootCode(module.identity, flash, module.file.path).decide()
    mounts = {one.path: one for one in decision.mounts} if isinstance(decision, BootSystem) else {}
    user, backup = mounts.get(USER_MOUNT), mounts.get(BACKUP_MOUNT)
    if user is None:
        return None
    area = flash.read(user.offset, user.size_bytes)
    if littlefs.recognise(area) is None:
        return None  # never mounted: the module would format it
    backup_list = _list_of(flash.read(backup.offset, backup.size_bytes)) if backup is not None else None
    done = set_aside_main(area, _geometry(user), backup_list)
    if done is not None:
        flash.erase(user.offset, user.size_bytes)
        flash.program(user.offset, done.image)
    return done


def _geometry(mount: MountPlan) -> FsGeometry:
    return FsGeometry(
        kind=mount.kind,
        block_bytes=mount.block_bytes,
        block_count=mount.size_bytes // mount.block_bytes,
        read_bytes=mount.read_bytes,
        program_bytes=mount.program_bytes,
        usable_blocks=mount.driven_blocks,
    )


def _list_of(backup: bytes) -> bytes | None:
    """The list of protected files in a backup area; None where there is none that is switched on."""
    try:
        files = dict(littlefs.read_image(backup).entries)
        switch = files.get(checksum.SWITCH_NAME)
        is_on = switch is not None and checksum.read_switch(switch)
    except FormatError:
        return None
    return files.get(checksum.LIST_NAME) if is_on else None
