"""The last step of ``rescue``: the burner writes the script areas of a module anew, from a package.

Every module can be led to download mode, whatever its main.py does. What is written are the package's own script areas
with a main.py in them renamed, or an image of the user's; nothing else changes, see ``burn --only scripts``.

Source: device-api T03 (only re-flashing recovers); platform-unisoc 4; platform-asr 1.8; platform-eigencomm 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from moduline import burn as burning
from moduline.burn import BurnPlan, Order
from moduline.cli.burn_view import show_plan, single_reporter
from moduline.cli.disk import read_file
from moduline.errors import BadOption, Text
from moduline.formats import checksum, littlefs
from moduline.image.set_aside import MAIN, set_aside_main
from moduline.package import FirmwarePackage, merge, read_package, write_package
from moduline.profiles.module import BACKUP_FS, USER_FS
from moduline.remote.rescue import Reburnt, Ways


def with_burner(ways: Ways, package: Path | None, image: Path | None, *, as_jsonl: bool) -> Ways:
    """The same ways, and the burner as the last of them; shows what it will write.

    Raises:
        BadOption: an image without a package.
        FormatError, MissingArea, TooBig: the package is broken, or the image does not fit it.
    """
    if package is None:
        reason = Text("it needs --package, which says where the area is", "需同时指定 --package 以确定分区位置")
        raise BadOption(name="--image", reason=reason)
    order = _order(read_package(read_file(package), package.name), package.name, image)
    show_plan(order.plan, as_json=False, is_result=False)

    async def reburn() -> Reburnt:
        record = await burning.run_job(ways.address, order, report=single_reporter(as_jsonl=as_jsonl))
        record.raise_error()
        if not record.is_pass:
            raise RuntimeError(record.error_message)
        return Reburnt("", was_protected=False, lost_files=_lost(order.plan))

    return replace(ways, reburn=reburn, reburn_step="burn")


def _lost(plan: BurnPlan) -> tuple[str, ...]:
    roles = {action.role.removeprefix("erase_") for action in plan.actions if action.verb in {"write", "erase"}}
    return tuple(folder for role, folder in ((USER_FS, "/usr"), (BACKUP_FS, "/bak")) if role in roles)


def _order(package: FirmwarePackage, name: str, image: Path | None) -> Order:
    """Nothing but the script areas; the version is not compared, because it is not written."""
    images = {USER_FS: read_file(image)} if image is not None else _silenced(package)
    changed = merge(package, images) if images else package
    order = burning.make_order(write_package(changed), name, only="scripts", is_checked=False)
    return replace(order, plan=replace(order.plan, version=None))


def _silenced(package: FirmwarePackage) -> Mapping[str, bytes]:
    """The package's own image of /usr with its main.py renamed; nothing where there is none that would start."""
    part = package.by_role(USER_FS)
    if part is None or not part.data or littlefs.recognise(part.data) is None:
        return {}
    found = littlefs.read_image(part.data)
    if MAIN not in {path for path, _ in found.entries}:
        return {}
    backup = package.by_role(BACKUP_FS)
    listed = None
    if backup is not None and backup.data and littlefs.recognise(backup.data) is not None:
        listed = dict(littlefs.read_image(backup.data).entries).get(checksum.LIST_NAME)
    done = set_aside_main(part.data, found.geometry, listed)
    return {USER_FS: done.image} if done is not None else {}
