"""``pack build``: a project and a stock package become a production package; ``check``, ``new``: the project itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.build_explain import explained, show_explained
from moduline.cli.language import current, say
from moduline.cli.output import DryRunFlag, JsonFlag, note, out, print_json, print_table
from moduline.cli.package_change import extract_project, made_package
from moduline.cli.sizes import size_of
from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text
from moduline.image.remarks import Remark, Skipped
from moduline.release import app_fota as archive
from moduline.release import output, starter, twins
from moduline.release.examine import Examined, examine
from moduline.release.imports import imported_names
from moduline.release.keeping import keep, now_in_names, read_base
from moduline.release.produce import FREE_BYTES_MIN, Options, Prepared, Produced, finish, prepare

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help=say("project folder", "工程目录"))]
ModuleOption = Annotated[
    str, typer.Option("--module", metavar="M", help=say("module, such as ec600u", "型号，如 ec600u"))
]

OnlyOption = Annotated[
    str, typer.Option("--only", metavar="usr|bak|both", help=say("which image is renewed", "更新哪个分区镜像"))
]
SplitOption = Annotated[
    str, typer.Option("--split", metavar="BYTES", help=say("size of the user area (UNISOC)", "用户分区大小（仅展锐）"))
]
ExplainFlag = Annotated[
    bool, typer.Option("--explain", help=say("every file and what it rests on", "列出每个文件及其依据"))
]
AppFotaFlag = Annotated[
    bool, typer.Option("--app-fota", help=say("also an archive for app_fota", "同时生成 app_fota 升级归档"))
]
FromOption = Annotated[
    Path | None, typer.Option("--from", metavar="FILE", help=say("a production package", "量产固件包"))
]
EncryptFileOption = Annotated[
    list[str] | None,
    typer.Option("--encrypt-file", metavar="PATH", help=say("compile only this one", "仅编译该脚本")),
]


def register(pack: typer.Typer) -> None:
    """Add ``build`` to ``pack``."""

    @pack.command(
        help=say(
            "Merge a project into a stock package; no module needed, same bytes every time. "
            "Example: moduline pack build my_project --base stock.zip -o out/ · --only usr · --split 0x40000 --explain",
            "将工程合并到基础固件包，无需连接模组，每次结果一致。"
            "示例：moduline pack build my_project --base stock.zip -o out/ · --only usr · --split 0x40000 --explain",
        )
    )
    def build(
        folder: FolderArgument,
        base: Annotated[Path, typer.Option("--base", metavar="FILE", help=say("stock package", "基础固件包"))],
        module: ModuleOption = "",
        profile: Annotated[str, typer.Option("--profile", metavar="P", help=say("vendor convention", "厂商约定"))] = "",
        encrypt: Annotated[
            bool | None,
            typer.Option("--encrypt/--no-encrypt", help=say("compile scripts to .mpy", "将脚本编译为 .mpy")),
        ] = None,
        encrypt_file: EncryptFileOption = None,
        backup: Annotated[
            list[str] | None,
            typer.Option("--backup", metavar="PATH", help=say("file to back up, or all", "需备份的文件，或 all")),
        ] = None,
        only: OnlyOption = "both",
        split: SplitOption = "",
        explain: ExplainFlag = False,
        app_fota: AppFotaFlag = False,
        to: Annotated[
            str, typer.Option("-o", "--output", metavar="OUT", help=say("file or folder", "文件或目录"))
        ] = ".",
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        user_bytes = size_of(split, "--split") if split else None
        named = tuple(encrypt_file or ())
        options = Options(module, profile, encrypt, tuple(backup or ()), only, user_bytes, named, now_in_names())
        prepared = prepare(folder, read_base(base), options, base.name)
        show_remarks(prepared.remarks)
        produced = finish(prepared)
        path = output.choose_path(to, produced.name)
        output.must_not_be(path, base)
        extra = {path.with_name(archive.name_of(produced)): archive.archive(produced)} if app_fota else {}
        if not dry_run:
            keep(produced, path)
            for place, data in extra.items():
                output.write_whole(place, data)
        if as_json:
            facts = facts_of(produced, path) | {"written": not dry_run, "app_fota": [str(one) for one in extra]}
            print_json(facts | ({"explain": explained(produced)} if explain else {}))
            return
        show(produced, path, is_written=not dry_run)
        if explain:
            show_explained(produced)
        for place, data in extra.items():
            note("for app_fota: {path}, {size} bytes", "app_fota 归档：{path}，{size} 字节", path=place, size=len(data))


def register_top(app: typer.Typer) -> None:
    """Add ``check`` and ``new`` to the tree."""

    @app.command(
        help=say(
            "Check a project: rules, syntax, language of the module, imports, size; nothing is run. "
            "Example: moduline check my_project · moduline check my_project --strict --json",
            "检查工程：规则、语法、模组语言版本、导入、大小，不运行任何脚本。"
            "示例：moduline check my_project · moduline check my_project --strict --json",
        )
    )
    def check(
        folder: FolderArgument,
        module: ModuleOption = "",
        strict: Annotated[bool, typer.Option("--strict", help=say("notices fail, too", "提示也视为失败"))] = False,
        as_json: JsonFlag = False,
    ) -> None:
        examined = examine(folder, module)
        show_remarks(examined.remarks)
        examined.must_be_sound(is_strict=strict)
        if as_json:
            print_json({"ok": True} | check_facts(examined))
        else:
            show_check(examined)

    @app.command(
        help=say(
            "Make a project folder, empty or from a production package. "
            "Example: moduline new my_project --module ec600u · moduline new again --from QUEC_TEST_1.0.0.zip",
            "新建工程目录，或由量产固件包还原。"
            "示例：moduline new my_project --module ec600u · moduline new again --from QUEC_TEST_1.0.0.zip",
        )
    )
    def new(
        folder: FolderArgument,
        module: ModuleOption = "",
        source: FromOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        if source is not None:
            if module:
                raise BadOption(name="--module", reason=Text("the package says which it is", "型号由固件包说明"))
            extract_project(made_package(source), folder, yes=False, dry_run=False, as_json=as_json)
            return
        written = starter.create(folder, module or starter.DEFAULT_MODULE)
        if as_json:
            print_json({"ok": True, "folder": str(folder), "files": written})
        else:
            out().print("\n".join(f"{folder / name}" for name in written), markup=False)


def show_remarks(remarks: Iterable[Remark]) -> None:
    """Every remark on stderr, as ``file:line: reason``."""
    words = {"error": say("error", "错误"), "notice": say("notice", "提示")}
    for one in remarks:
        note("{place} [{word}]", "{place} [{word}]", place=one.say(current()), word=words[one.severity])


def show(produced: Produced, path: Path, *, is_written: bool) -> None:
    """The decisions, what was left out, and the result, for people."""
    prepared = produced.prepared
    lang = current()
    rows = [(one.name, one.value, one.reason.say(lang, **one.facts)) for one in prepared.decisions]
    rows += [("/usr", listed(produced.trees.user.files()), free_of(produced.images.user_free_bytes))]
    rows += [("/bak", listed(produced.trees.backup.files()), free_of(produced.images.backup_free_bytes))]
    columns = [say("what", "项目"), say("decided", "结果"), say("because", "依据")]
    print_table(columns, [[escape(str(cell)) for cell in row] for row in rows])
    show_skipped(prepared)
    if produced.images.user_free_bytes < FREE_BYTES_MIN:
        note("/usr is almost full; the module itself needs some room", "/usr 即将写满，模组自身也需要空间")
    size = f"{len(produced.data)} {say('bytes', '字节')}"
    head = f"{path}" if is_written else say("would write {path}", "将写入 {path}", path=path)
    out().print(f"{head}  {size}  sha256 {sha256_hex(produced.data)}", markup=False)
    if produced.twins:
        count = len(produced.twins)
        beside = twins.path_beside(path)
        note(
            "{count} twins for virtual modules: {path}",
            "虚拟模组用孪生字节码 {count} 个：{path}",
            count=count,
            path=beside,
        )


def show_skipped(prepared: Prepared) -> None:
    """What is not merged and what is not compiled, each with its reason, on stderr."""
    for one in prepared.project.skipped:
        note("left out {path}: {reason}", "未合并 {path}：{reason}", path=one.path, reason=one.reason)
    if prepared.scripts:
        for one in prepared.kept:
            note("not compiled {path}: {reason}", "未编译 {path}：{reason}", path=one.path, reason=one.reason)


def listed(files: Iterable[str]) -> str:
    """Names of files, shortened when there are many."""
    names = list(files)
    shown = names if len(names) <= 8 else [*names[:7], f"… +{len(names) - 7}"]
    return ", ".join(shown) or "-"


def free_of(free_bytes: int) -> str:
    """Free room in words."""
    return say("{free} bytes free", "剩余 {free} 字节", free=free_bytes)


def facts_of(produced: Produced, path: Path) -> dict[str, Any]:
    """The result as JSON facts."""
    prepared = produced.prepared
    return {
        "ok": True,
        "path": str(path),
        "name": produced.name,
        "bytes": len(produced.data),
        "sha256": sha256_hex(produced.data),
        "project": prepared.project.name,
        "version": prepared.project.version,
        "decisions": [
            {"name": one.name, "value": one.value, "reason": one.reason.say(current(), **one.facts)}
            for one in prepared.decisions
        ],
        "user": {"files": list(produced.trees.user.files()), "free_bytes": produced.images.user_free_bytes},
        "backup": {"files": list(produced.trees.backup.files()), "free_bytes": produced.images.backup_free_bytes},
        "skipped": skipped_rows(prepared.project.skipped),
        "not_compiled": skipped_rows(prepared.kept),
        "remarks": remark_rows(prepared.remarks),
        "twins": len(produced.twins),
    }


def skipped_rows(skipped: Iterable[Skipped]) -> list[dict[str, str]]:
    """Files left out, as JSON facts."""
    return [{"path": one.path, "reason": one.reason.say(current())} for one in skipped]


def remark_rows(remarks: Iterable[Remark]) -> list[dict[str, Any]]:
    """Remarks as JSON facts."""
    return [
        {
            "severity": one.severity,
            "slug": one.slug,
            "path": one.path,
            "line": one.line,
            "reason": one.reason.say(current(), **one.facts),
            "remedy": one.remedy.say(current(), **one.facts),
        }
        for one in remarks
    ]


def check_facts(examined: Examined) -> dict[str, Any]:
    """The result of ``check`` as JSON facts."""
    project = examined.project
    return {
        "project": project.name,
        "version": project.version,
        "module": examined.module.slug if examined.module else None,
        "files": list(project.tree.files()),
        "bytes": project.tree.content_bytes,
        "free_bytes": examined.free_bytes,
        "skipped": skipped_rows(project.skipped),
        "imports": sorted({one.name for one in imported_names(project)}),
        "remarks": remark_rows(examined.remarks),
    }


def show_check(examined: Examined) -> None:
    """The result of ``check`` for people."""
    project = examined.project
    for one in project.skipped:
        note("left out {path}: {reason}", "未合并 {path}：{reason}", path=one.path, reason=one.reason)
    room = "" if examined.free_bytes is None else ", " + free_of(examined.free_bytes)
    out().print(
        say(
            "{title}: {count} files, {size} bytes{room}",
            "{title}：{count} 个文件，{size} 字节{room}",
            title=project.title or say("no name", "未命名"),
            count=len(project.tree.files()),
            size=project.tree.content_bytes,
            room=room,
        ),
        markup=False,
    )
    if examined.module is None:
        note("no module named; language and size were not checked", "未指定型号，未检查语言版本与大小")
