"""``delta make`` and ``adiff``: patches between two firmwares."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.delta_info import register_apply, register_info
from moduline.cli.delta_rehearse import erase_unit_of, register_rehearse
from moduline.cli.delta_scripts import register_scripts
from moduline.cli.delta_words import NewArgument, OldArgument, PatchArgument, shown
from moduline.cli.disk import read_file, write_file
from moduline.cli.language import current, say
from moduline.cli.output import DryRunFlag, JsonFlag, JsonlFlag, note, out, print_facts, print_json
from moduline.cli.sizes import size_of
from moduline.delta import Made, Side, make, read_side, target_of, told
from moduline.delta.choice import AUTO, names
from moduline.delta.codecs import codec_of
from moduline.delta.make import KINDS, user_image_of
from moduline.delta.target import Target
from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text
from moduline.events import Event, Step, to_json
from moduline.formats import patch
from moduline.profiles import catalog

SLOW_BYTES = 1 << 19
"""From this size on it is told what takes the time."""
STORED = ("packed", "plain")

SpareOption = Annotated[
    str, typer.Option("--spare", metavar="BYTES", help=say("spare flash of the module", "模组的备份区大小"))
]
BlockOption = Annotated[
    str, typer.Option("--block", metavar="BYTES", help=say("erase unit of the module", "模组的擦除单位"))
]
CodecOption = Annotated[
    str,
    typer.Option(
        "--codec",
        metavar="|".join(names()),
        help=say(
            "auto: the smallest that the module can apply; whole: all of it; others: what changed, applied in place",
            "auto：模组可应用的最小方式；whole：完整内容；其他：仅差异，原地升级",
        ),
    ),
]
BackOption = Annotated[
    Path | None,
    typer.Option(
        "--back", metavar="PATCH", help=say("also write the patch from NEW to OLD", "同时生成由 NEW 回到 OLD 的差分包")
    ),
]


KindOption = Annotated[
    str,
    typer.Option(
        "--kind",
        metavar="|".join(KINDS),
        help=say("firmware | scripts | both, in two files", "固件 | 脚本 | 两者（两个文件）"),
    ),
]
StoreOption = Annotated[
    str,
    typer.Option(
        "--store", metavar="fs|fp", help=say("where the patch will lie on the module", "差分包在模组上的存放位置")
    ),
]
ModuleOption = Annotated[
    str,
    typer.Option("--module", metavar="M", help=say("the module, where the files do not say it", "文件未注明时的型号")),
]
RoleOption = Annotated[
    str,
    typer.Option(
        "--role", metavar="ROLE", help=say("what bare images are: system, app, modem ...", "单独镜像的用途，如 modem")
    ),
]
UserFsOption = Annotated[
    Path | None,
    typer.Option("--user-fs", metavar="FILE", help=say("customer_fs.bin for full, mini", "用于 full、mini")),
]
OldScriptsOption = Annotated[
    bool,
    typer.Option(
        "--old-scripts",
        help=say(
            "full, mini: the module's scripts are still those in OLD, byte for byte",
            "full、mini：模组上的脚本分区仍与 OLD 完全一致",
        ),
    ),
]
StoredOption = Annotated[
    str,
    typer.Option(
        "--stored",
        metavar="|".join(STORED),
        help=say("how the module keeps parts that are compressed", "压缩部分在模组上的存放形式"),
    ),
]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was typed, whichever command."""

    old: Path
    new: Path
    output: Path
    back: Path | None = None
    kind: str = "diff"
    place: str = ""
    spare: str = ""
    block: str = ""
    codec: str = AUTO
    user_fs: Path | None = None
    uses_old_scripts: bool = False
    is_stored_plain: bool = False
    module: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class _View:
    """How it is told, and whether anything is written."""

    as_json: bool
    as_jsonl: bool
    dry_run: bool = False

    @property
    def is_for_people(self) -> bool:
        return not self.as_json and not self.as_jsonl

    def report(self, event: Event) -> None:
        """Every event for programs; for people one line for each thing that takes seconds."""
        if self.as_jsonl:
            print_json(to_json(event))
        elif isinstance(event, Step) and event.state == "begin" and event.facts.get("bytes", 0) >= SLOW_BYTES:
            note("{role}: {codec}, {bytes} bytes ...", "{role}：{codec}，{bytes} 字节……", **event.facts)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""
    noun = typer.Typer(
        no_args_is_help=True,
        help=say("Patches: from one firmware to another.", "差分包：从一个固件到另一个固件。"),
        rich_markup_mode=None,
    )
    app.add_typer(noun, name="delta")
    _register_make(noun)
    register_apply(noun)
    register_info(noun)
    register_rehearse(noun)
    register_scripts(noun)
    register_adiff(app)


def _register_make(noun: typer.Typer) -> None:
    @noun.command(
        "make",
        help=say(
            "Old and new package (or image) become a patch; the old one is what runs before. "
            "Example: moduline delta make v1.pac v2.pac -o v1-v2.bin",
            "由新旧固件包（或镜像）制作差分包；旧的是升级前正在运行的版本。"
            "示例：moduline delta make v1.pac v2.pac -o v1-v2.bin",
        ),
    )
    def make_patch(
        old: OldArgument,
        new: NewArgument,
        output: Annotated[Path, typer.Option("-o", "--output", metavar="PATCH")],
        kind: KindOption = "diff",
        store: StoreOption = "",
        spare: SpareOption = "",
        codec: CodecOption = AUTO,
        block: BlockOption = "",
        user_fs: UserFsOption = None,
        old_scripts: OldScriptsOption = False,
        stored: StoredOption = STORED[0],
        module: ModuleOption = "",
        role: RoleOption = "",
        back: BackOption = None,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        if stored not in STORED:
            raise BadOption(name="--stored", reason=Text("packed or plain", "可用 packed 或 plain"))
        wish = _Wish(
            old,
            new,
            output,
            back,
            kind,
            _place(store, "--store"),
            spare,
            block,
            codec,
            user_fs,
            old_scripts,
            stored == "plain",
            module,
            role,
        )
        _make(wish, _View(as_json, as_jsonl, dry_run))


def register_adiff(app: typer.Typer) -> None:
    """Add ``adiff``, the vendor tool's own command line."""

    @app.command(
        help=say(
            "The vendor tool's command line; OLD is the version before. "
            "Example: moduline adiff -l fs system_old.img system_new.img FotaFile.bin",
            "兼容厂商工具的命令行；OLD 为升级前版本。"
            "示例：moduline adiff -l fs system_old.img system_new.img FotaFile.bin",
        )
    )
    def adiff(
        old: OldArgument,
        new: NewArgument,
        output: PatchArgument,
        store: Annotated[str, typer.Option("-l", metavar="fs|fp", help=say("where it will lie", "存放位置"))],
        back: BackOption = None,
        spare: SpareOption = "",
        block: BlockOption = "",
        codec: CodecOption = AUTO,
        module: ModuleOption = "",
        role: RoleOption = "",
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        wish = _Wish(
            old,
            new,
            output,
            back,
            place=_place(store, "-l"),
            spare=spare,
            block=block,
            codec=codec,
            module=module,
            role=role,
        )
        _make(wish, _View(as_json, as_jsonl))


def _place(store: str, option: str) -> str:
    if store not in patch.PLACES.values() or (not store and option == "-l"):
        raise BadOption(name=option, reason=Text("'{given}' is not fs or fp", "“{given}”不是 fs 或 fp"), given=store)
    return store


def _make(wish: _Wish, view: _View) -> None:
    """Make one patch, or both ways; nothing is written before all of it is made."""
    module = catalog.module(wish.module) if wish.module else None
    old, new = (told(read_side(read_file(path), path.name), module, wish.role) for path in (wish.old, wish.new))
    jobs = [(old, new, wish.output, _user_image(wish, new))]
    if wish.back is not None:
        jobs.append((new, old, wish.back, None))
    made = [(_made(wish, before, after, image, view), to) for before, after, to, image in jobs]
    results = [(one, _paths(one, to)) for one, to in made]
    targets = [path.resolve() for _, paths in results for path in paths]
    if len(set(targets)) < len(targets):
        raise BadOption(name="--back", reason=Text("it is the same file as PATCH", "与 PATCH 是同一文件"))
    for one, paths in results:
        for path, data in zip(paths, one.files, strict=True):
            if not view.dry_run:
                write_file(path, data)
        _remark(one)
    facts = [_facts(one, paths, is_for_people=view.is_for_people) for one, paths in results]
    if not view.is_for_people:
        back = {"back": facts[1]} if len(facts) > 1 else {}
        kind = {"event": "patch"} if view.as_jsonl else {}
        print_json({**kind, "ok": True, **facts[0], **back, "is_dry_run": view.dry_run})
        return
    for number, rows in enumerate(facts):
        if number:
            out().print()
        _print({**rows, "is_dry_run": True} if view.dry_run else rows)


def _made(wish: _Wish, old: Side, new: Side, image: bytes | None, view: _View) -> Made:
    spare = size_of(wish.spare, "--spare") if wish.spare else None
    target = target_of(old, wish.place, erase_unit_of(wish.block) if wish.block else 0, spare)
    made = make(
        old,
        new,
        wish.kind,
        codec=wish.codec,
        target=target,
        user_image=image,
        uses_old_scripts=wish.uses_old_scripts,
        is_stored_plain=wish.is_stored_plain,
        report=view.report,
    )
    _say_what_is_not_known(made, target)
    return made


def _say_what_is_not_known(made: Made, target: Target) -> None:
    need = max(one.spare_bytes for one in made.patches)
    if need and made.spare_have is None and target.place:
        note(
            "it needs {need} bytes of spare flash; whether the module has them is not known (--module M or --spare "
            "BYTES checks it)",
            "需要 {need} 字节备份区；无法得知模组是否具备（可用 --module 或 --spare 指定）",
            need=need,
        )


def _user_image(wish: _Wish, new: Side) -> bytes | None:
    """The scripts' file system for full and mini: the named file, else the package's; asked for on a terminal."""
    file = wish.user_fs
    if wish.kind == "diff":
        if file is not None or wish.uses_old_scripts:
            name = "--user-fs" if file is not None else "--old-scripts"
            raise BadOption(name=name, reason=Text("only for full and mini", "仅用于 full 与 mini"))
        return None
    if file is None and user_image_of(new) is None and sys.stdin.isatty():
        file = Path(typer.prompt(say("user image (customer_fs.bin)", "用户分区文件（customer_fs.bin）"), err=True))
    return read_file(file) if file is not None else None


def _remark(made: Made) -> None:
    """What the user should know, on stderr."""
    for warning in made.warnings:
        note("{text}", "{text}", text=warning.say(current()))
    first = made.patches[0]
    if made.direction == "downgrade":
        note(
            "this patch leads back: it makes {target} out of {source}",
            "注意：此差分包为降级，由 {source} 变为 {target}",
            source=first.source_version,
            target=first.target_version,
        )


def _facts(made: Made, paths: list[Path], *, is_for_people: bool) -> dict[str, Any]:
    first = made.patches[0]
    regions = [region for one in made.patches for region in one.regions]
    facts: dict[str, Any] = {
        "path": str(paths[0]) if len(paths) == 1 else [str(path) for path in paths],
        "kind": first.kind,
        "direction": shown(made.direction, first) if is_for_people else made.direction,
        "source": first.source_version,
        "target": first.target_version,
        "codecs": [f"{region.role}: {codec_of(region.codec).name}" for region in regions]
        if is_for_people
        else {region.role: codec_of(region.codec).name for region in regions},
        "new_bytes": sum(region.new_bytes for region in regions),
        "patch_bytes": sum(map(len, made.files)),
        "spare_bytes": max(one.spare_bytes for one in made.patches),
        "spare_have": made.spare_have,
        "sha256": [sha256_hex(data) for data in made.files],
    }
    if is_for_people:
        facts["spare_have"] = "?" if made.spare_have is None else made.spare_have
    else:
        facts["warnings"] = [warning.say(current()) for warning in made.warnings]
    return facts


def _paths(made: Made, output: Path) -> list[Path]:
    """One file, or numbered ones for a set."""
    if len(made.files) == 1:
        return [output]
    return [output.with_name(f"{output.stem}_{number}{output.suffix}") for number in range(1, len(made.files) + 1)]


def _print(facts: dict[str, Any]) -> None:
    """Facts for people; what stands in the direction already is left out."""
    facts = {name: value for name, value in facts.items() if name not in {"source", "target"}}
    rows = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in facts.items()}
    print_facts({name: escape(str(value)) for name, value in rows.items()}, as_json=False)
