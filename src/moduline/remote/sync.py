"""Makes a folder of the module equal to a folder of this computer: a plan first, then exactly that plan.

What the module's own software keeps in ``/usr`` is never removed, and nothing is removed unless asked for. Files are
compared by size first and by hash only when the sizes agree.

Source: device-api 2.1, 2.2, 6.1, 8.2 (files that the firmware creates).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadOption, RemoteFileDiffers, RemoteFileFailed, RemoteFull, Text
from moduline.remote.files import HOME, PART_NAME, ModuleFiles, RemoteEntry, absolute

# Folders and files of a computer that no module needs.
LEFT_OUT: Final = frozenset({"__pycache__", ".git", ".hg", ".venv", ".DS_Store", "Thumbs.db", ".idea", ".vscode"})

# Made by the firmware or its libraries, not by a project: never removed by ``sync``.
KEPT: Final = frozenset(
    f"{HOME}/{name}"
    for name in (
        "apn_cfg.json",
        "system_config.json",
        "checksum.json",
        "user_apn.json",
        "_usr_config.json",
        ".updater",
    )
)


def is_left_out(path: str) -> bool:
    """Whether a path of a computer (relative, with ``/``) is nothing for a module."""
    return bool(LEFT_OUT & set(path.split("/"))) or path.endswith(".pyc")


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What a sync does; all paths are absolute module paths, in the order in which they are dealt with."""

    target: str
    removals: tuple[str, ...]  # files and folders (with all in them) that go
    folders: tuple[str, ...]  # folders that are made
    uploads: tuple[str, ...]  # files that are new or different
    unchanged: tuple[str, ...]
    extra: tuple[str, ...]  # on the module only, and left there
    upload_bytes: int
    replaced: tuple[str, ...] = ()  # those of the uploads that are there already, with other content
    free_bytes: int = 0  # of the file system, before anything is done
    need_bytes: int = 0  # of free space while it is done: content that grows, and the largest file twice

    @property
    def added(self) -> tuple[str, ...]:
        """Those of the uploads that the module does not have yet."""
        return tuple(path for path in self.uploads if path not in self.replaced)

    @property
    def is_nothing(self) -> bool:
        """True when both sides agree already."""
        return not (self.removals or self.folders or self.uploads)


async def plan_sync(
    files: ModuleFiles, local: Mapping[str, bytes | None], target: str = HOME, *, deletes: bool = False
) -> SyncPlan:
    """Compare and decide; changes nothing.

    Args:
        local: relative POSIX path to content, None for a folder; folders above a file may be left out.
        target: folder of the module; it need not exist.
        deletes: remove what the module has and ``local`` has not.

    Raises:
        BadOption: the target is the root, which holds only mounts.
        RemoteFileFailed: a file stands where a folder is wanted, or the reverse, and ``deletes`` is off.
    """
    target = absolute(target)
    if target == "/":
        raise BadOption(name="TARGET", reason=Text("the root holds only mounts", "根目录只有挂载点"))
    wanted = _wanted(local, target)
    there = await _present(files, target)
    clashes = [path for path, data in wanted.items() if path in there and there[path].is_folder != (data is None)]
    if clashes and not deletes:
        reason = Text(
            "a file on one side, a folder on the other; see --delete", "一侧为文件、另一侧为目录；可用 --delete"
        )
        raise RemoteFileFailed(path=clashes[0], operation="sync", reason=reason)
    only_there = [path for path in there if path not in wanted]
    goes = clashes + [path for path in only_there if _is_part(path) or (deletes and not _is_kept(path))]
    stays = {path for path in there if path not in clashes}
    unchanged = await _unchanged(files, wanted, {path: there[path] for path in stays})
    uploads = tuple(path for path, data in wanted.items() if data is not None and path not in unchanged)
    replaced = tuple(path for path in uploads if path in stays)
    sizes = [len(wanted[path] or b"") for path in uploads]
    growth = sum(sizes) - sum(there[path].size_bytes for path in (*replaced, *goes))
    mount = "/" + target.split("/")[1]
    return SyncPlan(
        target=target,
        removals=tuple(path for path in goes if not any(path.startswith(f"{above}/") for above in goes)),
        folders=tuple(path for path, data in wanted.items() if data is None and path not in stays),
        uploads=uploads,
        unchanged=tuple(path for path in wanted if path in unchanged),
        extra=tuple(path for path in only_there if path not in goes),
        upload_bytes=sum(sizes),
        replaced=replaced,
        free_bytes=(await files.free_bytes(mount))[0],
        need_bytes=max(0, growth) + max(sizes, default=0),
    )


async def run_sync(files: ModuleFiles, plan: SyncPlan, local: Mapping[str, bytes | None]) -> None:
    """Carry out a plan made of the same ``local``; each file is replaced atomically, compared by hash, then renamed.

    Raises:
        RemoteFull: it cannot fit; nothing was done.
        RemoteFileFailed, RemoteFull, RemoteFileDiffers: at the first file that fails; what was done stays done.
    """
    wanted = _wanted(local, plan.target)
    if plan.uploads and plan.need_bytes > plan.free_bytes:
        raise RemoteFull(path=plan.target, need=plan.need_bytes)
    for path in plan.removals:
        await files.remove(path, is_recursive=True)
    for path in plan.folders:
        await files.make_folder(path, with_parents=True)
    for path in plan.uploads:
        await files.write(path, wanted[path] or b"")


async def verify_sync(
    files: ModuleFiles, plan: SyncPlan, local: Mapping[str, bytes | None], *, deletes: bool = False
) -> None:
    """Compare everything once more, after a plan was carried out.

    Raises:
        RemoteFileDiffers: the module does not hold what was sent.
    """
    left = await plan_sync(files, local, plan.target, deletes=deletes)
    for path in (*left.uploads, *left.folders, *left.removals):
        found = "other content" if path in left.replaced else "a leftover" if path in left.removals else "nothing"
        raise RemoteFileDiffers(path=path, found=found, expected="what was sent")


def _wanted(local: Mapping[str, bytes | None], target: str) -> dict[str, bytes | None]:
    """Absolute module path to content, folders before what is in them."""
    wanted: dict[str, bytes | None] = {target: None}
    for name in sorted(local):
        above = posixpath.dirname(name)
        missing = []
        while above and posixpath.join(target, above) not in wanted:
            missing.append(posixpath.join(target, above))
            above = posixpath.dirname(above)
        wanted |= dict.fromkeys(reversed(missing))
        wanted[posixpath.join(target, name)] = local[name]
    return wanted


async def _present(files: ModuleFiles, target: str) -> dict[str, RemoteEntry]:
    found = await files.find(target)
    if found is None:
        return {}
    inside = await files.list_folder(target, is_recursive=True) if found.is_folder else ()
    return {entry.path: entry for entry in (found, *inside)}


async def _unchanged(
    files: ModuleFiles, wanted: Mapping[str, bytes | None], there: Mapping[str, RemoteEntry]
) -> frozenset[str]:
    same_size = {
        path: data
        for path, data in wanted.items()
        if data is not None and path in there and there[path].size_bytes == len(data)
    }
    digests = await files.digests(tuple(same_size))
    return frozenset(p for p, digest in digests.items() if digest is not None and digest.matches(same_size[p]))


def _is_part(path: str) -> bool:
    """A write that was cut off left it."""
    return posixpath.basename(path) == PART_NAME


def _is_kept(path: str) -> bool:
    return any(path == kept or path.startswith(f"{kept}/") for kept in KEPT)
