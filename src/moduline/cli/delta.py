"""``delta make|apply|info|rehearse`` and ``adiff``: patches between two firmwares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.delta_rehearse import erase_unit_of, register_rehearse
from moduline.cli.disk import read_file, write_file
from moduline.cli.language import current, say
from moduline.cli.output import DryRunFlag, JsonFlag, note, print_facts, print_json
from moduline.cli.sizes import size_of
from moduline.delta import InPlace, Made, Side, apply, compare, make, read_side
from moduline.delta.make import CODECS, KINDS, user_image_of
from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text, TooBig
from moduline.formats import patch
from moduline.formats.patch import Patch
from moduline.profiles import catalog

OldArgument = Annotated[Path, typer.Argument(metavar="OLD", help=say("what runs before", "升级前的固件"))]
NewArgument = Annotated[Path, typer.Argument(metavar="NEW", help=say("what shall run afterwards", "升级后的固件"))]
PatchArgument = Annotated[Path, typer.Argument(metavar="PATCH", help=say("patch", "差分包"))]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""
    noun = typer.Typer(
        no_args_is_help=True,
        help=say("Patches: from one firmware to another.", "差分包：从一个固件到另一个固件。"),
        rich_markup_mode=None,
    )
    app.add_typer(noun, name="delta")
    _register_make(noun)
    _register_apply(noun)
    _register_info(noun)
    register_rehearse(noun)
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
        kind: Annotated[
            str,
            typer.Option(
                "--kind",
                metavar="|".join(KINDS),
                help=say("firmware | scripts | both, in two files", "固件 | 脚本 | 两者（两个文件）"),
            ),
        ] = "diff",
        store: Annotated[
            str,
            typer.Option(
                "--store",
                metavar="fs|fp",
                help=say("where the patch will lie on the module", "差分包在模组上的存放位置"),
            ),
        ] = "",
        spare: Annotated[
            str, typer.Option("--spare", metavar="BYTES", help=say("spare flash of the module", "模组的备份区大小"))
        ] = "",
        codec: Annotated[
            str,
            typer.Option(
                "--codec",
                metavar="|".join(CODECS),
                help=say("all of it | what changed, applied in place", "完整内容 | 仅差异，原地升级"),
            ),
        ] = "whole",
        block: Annotated[
            str, typer.Option("--block", metavar="BYTES", help=say("erase unit of the module", "模组的擦除单位"))
        ] = "4096",
        user_fs: Annotated[
            Path | None,
            typer.Option("--user-fs", metavar="FILE", help=say("customer_fs.bin for full, mini", "用于 full、mini")),
        ] = None,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        before, after = (read_side(read_file(path), path.name) for path in (old, new))
        image = _user_image(kind, after, user_fs)
        in_place = _in_place(codec, block, spare)
        made = make(before, after, kind, place=_place(store), user_image=image, in_place=in_place)
        _must_fit(made, spare)
        _write(made, before, after, output, dry_run=dry_run, as_json=as_json)


def _register_apply(noun: typer.Typer) -> None:
    @noun.command(
        "apply",
        help=say(
            "Old plus patch gives new, on this computer. Example: moduline delta apply v1.pac v1-v2.bin -o new.pac",
            "在本机由旧固件与差分包得到新固件。示例：moduline delta apply v1.pac v1-v2.bin -o new.pac",
        ),
    )
    def apply_patch(
        old: OldArgument,
        file: PatchArgument,
        output: Annotated[Path, typer.Option("-o", "--output", metavar="NEW")],
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        found = patch.read(read_file(file))
        data = apply(read_side(read_file(old), old.name), found)
        if not dry_run:
            write_file(output, data)
        facts = {
            "path": str(output),
            "target": found.target_version,
            "bytes": len(data),
            "sha256": sha256_hex(data),
            "is_dry_run": dry_run,
        }
        _print(facts, as_json=as_json)


def _register_info(noun: typer.Typer) -> None:
    @noun.command(
        help=say(
            "What a patch is: kind, models, versions, parts. Example: moduline delta info v1-v2.bin",
            "差分包概况：类型、型号、版本、组成。示例：moduline delta info v1-v2.bin",
        )
    )
    def info(file: PatchArgument, as_json: JsonFlag = False) -> None:
        data = read_file(file)
        found = patch.read(data)
        if as_json:
            print_json({"ok": True, **_info(found), "bytes": len(data), "sha256": sha256_hex(data)})
            return
        _print({**dict(patch.describe(found)), "direction": _shown(_direction(found), found)}, as_json=False)


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
        as_json: JsonFlag = False,
    ) -> None:
        before, after = (read_side(read_file(path), path.name) for path in (old, new))
        made = make(before, after, place=_place(store, "-l"))
        _must_fit(made, "")
        _write(made, before, after, output, dry_run=False, as_json=as_json)


def _in_place(codec: str, block: str, spare: str) -> InPlace | None:
    if codec not in CODECS:
        why = Text("'{codec}' is not whole or mapped", "“{codec}”不是 whole 或 mapped")
        raise BadOption(name="--codec", reason=why, codec=codec)
    if codec == "whole":
        return None
    return InPlace(erase_unit_of(block), size_of(spare, "--spare") if spare else None)


def _place(store: str, option: str = "--store") -> str:
    if store not in patch.PLACES.values() or (not store and option == "-l"):
        raise BadOption(name=option, reason=Text("'{given}' is not fs or fp", "“{given}”不是 fs 或 fp"), given=store)
    return store


def _user_image(kind: str, new: Side, file: Path | None) -> bytes | None:
    """The scripts' file system for full and mini: the named file, else the package's; asked for on a terminal."""
    if kind == "diff":
        if file is not None:
            raise BadOption(name="--user-fs", reason=Text("only for full and mini", "仅用于 full 与 mini"))
        return None
    if file is None and user_image_of(new) is None and sys.stdin.isatty():
        file = Path(typer.prompt(say("user image (customer_fs.bin)", "用户分区文件（customer_fs.bin）"), err=True))
    return read_file(file) if file is not None else None


def _must_fit(made: Made, spare: str) -> None:
    """Stop when the patch has no room where it is to lie, or needs more spare flash than there is.

    Raises:
        TooBig: either of them.
    """
    if spare:
        have, need = size_of(spare, "--spare"), max(one.spare_bytes for one in made.patches)
        if need > have:
            raise TooBig(what=Text("the spare area", "备份区"), need=need, have=have)
    first = made.patches[0]
    profile = next(filter(None, map(catalog.module_of_model, first.models)), None)
    role = {"fs": "user_fs", "fp": "update_store"}.get(first.place, "")
    place = profile.partition(role) if profile is not None and role else None
    need = sum(map(len, made.files))
    if place is not None and need > place.size_bytes:
        raise TooBig(
            what=Text(f"the patch in {place.role}", f"{place.role} 中的差分包"), need=need, have=place.size_bytes
        )


def _write(made: Made, old: Side, new: Side, output: Path, *, dry_run: bool, as_json: bool) -> None:
    paths = (
        [output] if len(made.files) == 1 else [_numbered(output, number) for number in range(1, len(made.files) + 1)]
    )
    for path, data in zip(paths, made.files, strict=True):
        if not dry_run:
            write_file(path, data)
    for warning in made.warnings:
        note(warning.en, warning.zh)
    if made.direction == "downgrade":
        note(
            "this patch leads back: it makes {target} out of {source}",
            "注意：此差分包为降级，由 {source} 变为 {target}",
            source=old.version,
            target=new.version,
        )
    first = made.patches[0]
    facts: dict[str, Any] = {
        "path": str(paths[0]) if len(paths) == 1 else [str(path) for path in paths],
        "kind": first.kind,
        "direction": made.direction if as_json else _shown(made.direction, first),
        "source": first.source_version,
        "target": first.target_version,
        "new_bytes": sum(region.new_bytes for one in made.patches for region in one.regions),
        "patch_bytes": sum(map(len, made.files)),
        "spare_bytes": max(one.spare_bytes for one in made.patches),
        "sha256": [sha256_hex(data) for data in made.files],
        "is_dry_run": dry_run,
    }
    if as_json:
        facts["warnings"] = [warning.say(current()) for warning in made.warnings]
    _print(facts, as_json=as_json)


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}_{number}{path.suffix}")


def _direction(found: Patch) -> str:
    return compare(found.source_version, found.target_version)


def _shown(direction: str, found: Patch) -> str:
    """The direction in words, with the versions."""
    words = {
        "upgrade": say("upgrade", "升级"),
        "downgrade": say("downgrade", "降级"),
        "same": say("same version", "版本相同"),
        "unknown": say("direction not known by version", "无法由版本判断方向"),
    }
    return f"{words[direction]}: {found.source_version or '?'} -> {found.target_version or '?'}"


def _info(found: Patch) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "stage": found.stage,
        "stage_count": found.stage_count,
        "models": list(found.models),
        "chip": found.chip,
        "source": found.source_version,
        "target": found.target_version,
        "direction": _direction(found),
        "store": found.place,
        "spare_bytes": found.spare_bytes,
        "is_signed": found.is_signed,
        "key_id": found.key_id.hex() if found.is_signed else "",
        "regions": [
            {
                "role": one.role,
                "address": one.address,
                "old_bytes": one.old_bytes,
                "old_sha256": one.old_sha256.hex() if one.is_checked else "",
                "new_bytes": one.new_bytes,
                "new_sha256": one.new_sha256.hex(),
                "codec": one.codec,
                "data_bytes": len(one.data),
            }
            for one in found.regions
        ],
    }


def _print(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_facts(facts, as_json=True)
        return
    rows = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in facts.items()}
    print_facts({name: escape(str(value)) for name, value in rows.items()}, as_json=False)
