"""``ls``, ``cat``, ``cp``, ``rm``, ``mkdir``, ``sync``: the files of one running module; ``:`` marks its side."""

from __future__ import annotations

import os
import posixpath
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, TypeVar

import typer

from moduline.cli import output
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, JsonlFlag, YesFlag, note, print_json
from moduline.cli.remote import PortOption, confirm, progress, run_async, show_noise, tell
from moduline.errors import BadOption, NoSuchFile, NoSuchRemoteFile, StorageFailed
from moduline.events import Reporter
from moduline.remote import reach
from moduline.remote.files import HOME, ModuleFiles, RemoteEntry, absolute
from moduline.remote.sync import SyncPlan, is_left_out, plan_sync, run_sync, verify_sync
from moduline.testing.project import load_project
from moduline.testing.project_files import scripts_of

T = TypeVar("T")

RecursiveFlag = Annotated[bool, typer.Option("-r", "--recursive", help="folders too / 包含子目录")]


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """Folders to make, then files to copy, as (source, target); ``:`` marks the module side."""

    folders: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""
    _register_ls(app)
    _register_cat(app)
    _register_cp(app)
    _register_rm(app)
    _register_mkdir(app)
    _register_sync(app)


def with_files(port: str, work: Callable[[ModuleFiles], Awaitable[T]], report: Reporter = tell) -> T:
    """Result of ``work`` on the files of the module at ``port``."""

    async def session() -> T:
        async with await reach.open_repl(port, show_noise) as repl:
            if repl.has_interrupted_boot:
                note("main.py was interrupted", "已中断正在运行的 main.py")
            return await work(ModuleFiles(repl, report))

    return run_async(session())


def _register_ls(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "List a folder of the module, :/usr if none is given. Example: moduline ls :/usr --port virt:m1",
            "列出模组上的目录，默认 :/usr。示例：moduline ls :/usr --port virt:m1",
        )
    )
    def ls(
        path: Annotated[str, typer.Argument(metavar="[:PATH]")] = ":/usr",
        port: PortOption = "auto",
        recursive: RecursiveFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        async def look(files: ModuleFiles) -> tuple[tuple[RemoteEntry, ...], int, int]:
            return await files.list_folder(path, is_recursive=recursive), *await files.free_bytes(path)

        entries, free, total = with_files(port, look)
        if as_json:
            facts = [{"name": entry.name, **asdict(entry)} for entry in entries]
            print_json({"ok": True, "path": absolute(path), "free_bytes": free, "entries": facts})
            return
        for entry in entries:
            name = entry.path if recursive else entry.name
            sys.stdout.write(f"{'' if entry.is_folder else entry.size_bytes:>10}  {name}{'/' * entry.is_folder}\n")
        if total:
            note("{free} of {total} bytes free", "剩余 {free} 字节，共 {total} 字节", free=free, total=total)


def _register_cat(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "Print files of the module, byte for byte. Example: moduline cat :/usr/main.py --port virt:m1",
            "原样输出模组上的文件内容。示例：moduline cat :/usr/main.py --port virt:m1",
        )
    )
    def cat(paths: Annotated[list[str], typer.Argument(metavar=":PATH...")], port: PortOption = "auto") -> None:
        async def fetch(files: ModuleFiles) -> None:
            for path in paths:
                sys.stdout.buffer.write(await files.read(path))
            sys.stdout.buffer.flush()

        with_files(port, fetch)


def _register_cp(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "Copy files to, from or on the module; each is compared by hash and never left half-written. "
            "Example: moduline cp main.py :/usr/ --port virt:m1 · moduline cp -r :/usr backup --port virt:m1",
            "在本机与模组之间（或模组内部）复制文件；逐个按哈希校验，不会留下半个文件。"
            "示例：moduline cp main.py :/usr/ --port virt:m1 · moduline cp -r :/usr backup --port virt:m1",
        )
    )
    def cp(
        paths: Annotated[list[str], typer.Argument(metavar="SOURCE... TARGET")],
        port: PortOption = "auto",
        recursive: RecursiveFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        if len(paths) < 2:
            raise BadOption(name="TARGET", reason=say("missing", "缺少目标"))
        *sources, target = paths
        if not target.startswith(":") and not all(source.startswith(":") for source in sources):
            raise BadOption(
                name="TARGET", reason=say("neither side has ':', the module's mark", "两侧都没有表示模组的“:”")
            )

        async def copy(files: ModuleFiles) -> CopyPlan:
            plan = await _plan_copy(files, sources, target, recursive=recursive)
            if not dry_run:
                await _carry_out(files, plan)
            return plan

        plan = with_files(port, copy, progress(as_jsonl=as_jsonl))
        if as_json or as_jsonl:
            print_json({"ok": True, "dry_run": dry_run, **asdict(plan)})
        else:
            for source, copied_to in plan.files:
                note("{source} -> {target}", "{source} -> {target}", source=source, target=copied_to)


def _register_rm(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "Remove files of the module, with -r folders. Example: moduline rm :/usr/old.py --port virt:m1",
            "删除模组上的文件，-r 删除目录。示例：moduline rm :/usr/old.py --port virt:m1",
        )
    )
    def rm(
        paths: Annotated[list[str], typer.Argument(metavar=":PATH...")],
        port: PortOption = "auto",
        recursive: RecursiveFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        async def remove(files: ModuleFiles) -> list[str]:
            removed: list[str] = []
            for path in paths:
                entry = await files.stat(path)
                inside = await files.list_folder(path, is_recursive=True) if entry.is_folder and recursive else ()
                removed += [entry.path, *(one.path for one in inside)]
                if not dry_run:
                    await files.remove(path, is_recursive=recursive)
            return removed

        removed = with_files(port, remove)
        if as_json:
            print_json({"ok": True, "dry_run": dry_run, "removed": removed})
        elif dry_run:
            sys.stdout.writelines(f"{path}\n" for path in removed)


def _register_mkdir(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "Make a folder on the module, with -p also those above it. "
            "Example: moduline mkdir -p :/usr/a/b --port virt:m1",
            "在模组上创建目录，-p 同时创建上级目录。示例：moduline mkdir -p :/usr/a/b --port virt:m1",
        )
    )
    def mkdir(
        path: Annotated[str, typer.Argument(metavar=":PATH")],
        port: PortOption = "auto",
        parents: Annotated[bool, typer.Option("-p", "--parents", help="and those above / 同时创建上级目录")] = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        async def make(files: ModuleFiles) -> None:
            if not dry_run:
                await files.make_folder(path, with_parents=parents)

        with_files(port, make)
        if as_json:
            print_json({"ok": True, "dry_run": dry_run, "path": absolute(path)})


def _register_sync(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "Make a folder of the module equal to DIR: compares by hash, sends what differs, removes only with "
            "--delete and never what the firmware keeps there. Example: moduline sync usr --port virt:m1 --dry-run",
            "使模组目录与本机 DIR 一致：按哈希比较，只发送有差异的文件；仅在 --delete 时删除多余文件，"
            "且绝不删除固件自身的文件。示例：moduline sync usr --port virt:m1 --dry-run",
        )
    )
    def sync(
        folder: Annotated[str, typer.Argument(metavar="DIR")],
        target: Annotated[str, typer.Argument(metavar="[:PATH]")] = ":/usr",
        port: PortOption = "auto",
        delete: Annotated[bool, typer.Option("--delete", help="remove what DIR lacks / 删除 DIR 中没有的文件")] = False,
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        local = _read_folder(folder)

        async def make_equal(files: ModuleFiles) -> SyncPlan:
            plan = await plan_sync(files, local, target, deletes=delete)
            if not (as_json or as_jsonl):
                _show_sync(plan)
            if not dry_run:
                if plan.removals and delete:
                    confirm(yes=yes)
                await run_sync(files, plan, local)
                if not plan.is_nothing:
                    await verify_sync(files, plan, local, deletes=delete)
            return plan

        plan = with_files(port, make_equal, progress(as_jsonl=as_jsonl))
        if as_json or as_jsonl:
            more = {"added": plan.added, "verified": not dry_run}
            print_json({"ok": True, "dry_run": dry_run, **asdict(plan), **more})
        elif not dry_run and not plan.is_nothing:
            note("done and verified", "已完成并校验")


def _show_sync(plan: SyncPlan) -> None:
    for mark, paths in (("-", plan.removals), ("+", (*plan.folders, *plan.added)), (">", plan.replaced)):
        sys.stdout.writelines(f"{mark} {path}\n" for path in paths)
    note(
        "{added} to add, {replaced} to replace ({size} bytes, {free} free), {unchanged} equal, {removals} to remove, "
        "{extra} only on the module",
        "新增 {added} 个，替换 {replaced} 个（{size} 字节，剩余 {free}），相同 {unchanged} 个，删除 {removals} 个，"
        "仅模组上有 {extra} 个",
        added=len(plan.added),
        replaced=len(plan.replaced),
        size=plan.upload_bytes,
        free=plan.free_bytes,
        unchanged=len(plan.unchanged),
        removals=len(plan.removals),
        extra=len(plan.extra),
    )


# ---- copying ------------------------------------------------------------------------------------------------------


async def _plan_copy(files: ModuleFiles, sources: list[str], target: str, *, recursive: bool) -> CopyPlan:
    """What goes where, in the sense of ``cp``: into a folder that exists, else under the target's own name."""
    onto_module = target.startswith(":")
    into = await _is_folder(files, target) or target.endswith("/") or (onto_module and absolute(target) == HOME)
    if len(sources) > 1 and not into:
        raise BadOption(name="TARGET", reason=say("several sources need a folder", "多个源文件需要目标目录"))
    plan = CopyPlan((), ())
    for source in sources:
        is_remote = source.startswith(":")
        name = posixpath.basename(absolute(source)) if is_remote else _local_name(source)
        place = _join(target, name) if into else _clean(target)
        if is_remote:
            one = await _plan_remote(files, source, place, recursive=recursive)
        else:
            one = _plan_local(source, place, recursive=recursive)
        plan = CopyPlan(plan.folders + one.folders, plan.files + one.files)
    return plan


def _plan_local(source: str, place: str, *, recursive: bool) -> CopyPlan:
    path = Path(source)
    if not path.exists():
        raise NoSuchFile(path=source, reason=say("does not exist", "不存在"))
    if not path.is_dir():
        return CopyPlan((), ((source, place),))
    _need_recursive(source, recursive=recursive)
    tree = _walk(path)
    return CopyPlan(
        (place, *(_join(place, name) for name, inside in tree if inside.is_dir())),
        tuple((str(inside), _join(place, name)) for name, inside in tree if not inside.is_dir()),
    )


async def _plan_remote(files: ModuleFiles, source: str, place: str, *, recursive: bool) -> CopyPlan:
    entry = await files.stat(source)
    if not entry.is_folder:
        return CopyPlan((), ((":" + entry.path, place),))
    _need_recursive(source, recursive=recursive)
    inside = await files.list_folder(entry.path, is_recursive=True)

    def below(one: RemoteEntry) -> str:
        return _join(place, posixpath.relpath(one.path, entry.path))

    return CopyPlan(
        (place, *(below(one) for one in inside if one.is_folder)),
        tuple((":" + one.path, below(one)) for one in inside if not one.is_folder),
    )


async def _carry_out(files: ModuleFiles, plan: CopyPlan) -> None:
    for folder in plan.folders:
        if folder.startswith(":"):
            await files.make_folder(folder, with_parents=True)
        else:
            _make_local_folder(folder)
    for source, target in plan.files:
        if source.startswith(":") and target.startswith(":"):
            await files.copy(source, target)
        elif target.startswith(":"):
            await files.write(target, _read_local(source))
        else:
            _write_local(target, await files.read(source))


async def _is_folder(files: ModuleFiles, path: str) -> bool:
    if not path.startswith(":"):
        return _is_local_folder(path)
    try:
        return (await files.stat(path)).is_folder
    except NoSuchRemoteFile:
        return False


def _need_recursive(source: str, *, recursive: bool) -> None:
    if not recursive:
        raise BadOption(name=source, reason=say("is a folder; add -r", "是目录，请加 -r"))


def _clean(target: str) -> str:
    return ":" + absolute(target) if target.startswith(":") else target


def _join(folder: str, name: str) -> str:
    """``name`` (POSIX, relative) inside ``folder`` of either side.

    Raises:
        BadOption: a name of the module that would leave the folder on this computer.
    """
    if folder.startswith(":"):
        return ":" + absolute(posixpath.join(absolute(folder), name))
    parts = PurePosixPath(name).parts
    if (
        ".." in parts
        or name.startswith("/")
        or (os.name == "nt" and any(set(part) & set('\\:*?"<>|') for part in parts))
    ):
        raise BadOption(name=name, reason=say("not a file name of this computer", "不是本机可用的文件名"))
    return str(Path(folder).joinpath(*parts))


# ---- this computer's side -----------------------------------------------------------------------------------------


def _is_local_folder(path: str) -> bool:
    return Path(path).is_dir()


def _local_name(path: str) -> str:
    return Path(path).resolve().name


def _walk(folder: Path) -> list[tuple[str, Path]]:
    """Relative POSIX name and path of everything below, sorted, without what no module needs."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not is_left_out(name):
            found.append((name, path))
    return found


def _read_folder(folder: str) -> dict[str, bytes | None]:
    path = Path(folder)
    if not path.is_dir():
        raise NoSuchFile(path=folder, reason=say("is not a folder", "不是目录"))
    if (path / "moduline.toml").is_file():
        note("this is a project: what belongs into /usr is sent", "这是工程目录：发送属于 /usr 的文件")
        return dict(scripts_of(load_project(path)))
    return {name: None if inside.is_dir() else _read_local(str(inside)) for name, inside in _walk(path)}


def _read_local(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NoSuchFile(path=path, reason=error.strerror) from error


def _make_local_folder(path: str) -> None:
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(path=path, reason=error.strerror) from error


def _write_local(path: str, data: bytes) -> None:
    """Replace the file in one step."""
    target = Path(path)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        fresh.write_bytes(data)
        fresh.replace(target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StorageFailed(path=path, reason=error.strerror) from error
    if output.verbosity > 0:
        note("{path}: {size} bytes", "{path}：{size} 字节", path=path, size=len(data))
