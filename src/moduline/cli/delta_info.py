"""``delta apply`` and ``delta info``: what a patch gives, what it is, and which module takes which kind."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.delta_words import NewPath, OldArgument, PatchArgument, direction_of, shown
from moduline.cli.disk import read_file, write_file
from moduline.cli.key import key_of
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, print_facts, print_json, print_table
from moduline.delta import apply, check_signature, codecs, read_side
from moduline.delta.abilities import abilities_of
from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text
from moduline.formats import patch
from moduline.formats.patch import Patch, PatchRegion
from moduline.profiles import catalog

TrustOption = Annotated[
    str,
    typer.Option(
        "--trust", metavar="KEY", help=say("refuse what this public key did not sign", "仅接受该公钥签名的差分包")
    ),
]


def register_apply(noun: typer.Typer) -> None:
    """Add ``apply`` to ``delta``."""

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
        output: NewPath,
        trust: TrustOption = "",
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        found = patch.read(read_file(file))
        _must_be_trusted(found, trust)
        data = apply(read_side(read_file(old), old.name), found)
        if not dry_run:
            write_file(output, data)
        facts = {
            "path": str(output),
            "direction": direction_of(found) if as_json else shown(direction_of(found), found),
            "source": found.source_version,
            "target": found.target_version,
            "bytes": len(data),
            "sha256": sha256_hex(data),
            "is_dry_run": dry_run,
        }
        print_facts(facts if as_json else {k: escape(str(v)) for k, v in facts.items()}, as_json=as_json)


def register_info(noun: typer.Typer) -> None:
    """Add ``info`` to ``delta``."""

    @noun.command(
        help=say(
            "What a patch is: kind, models, versions, parts; --modules: which module takes which kind. "
            "Example: moduline delta info v1-v2.bin",
            "差分包概况：类型、型号、版本、组成；--modules：各型号支持的类型。示例：moduline delta info v1-v2.bin",
        )
    )
    def info(
        file: Annotated[Path | None, typer.Argument(metavar="[PATCH]", help=say("patch", "差分包"))] = None,
        modules: Annotated[
            bool, typer.Option("--modules", help=say("which module takes which kind", "各型号支持的类型"))
        ] = False,
        trust: TrustOption = "",
        as_json: JsonFlag = False,
    ) -> None:
        if modules:
            _tell_modules(as_json=as_json)
            return
        if file is None:
            raise BadOption(name="PATCH", reason=Text("name a file, or --modules", "请指定文件，或使用 --modules"))
        data = read_file(file)
        found = patch.read(data)
        _must_be_trusted(found, trust)
        _tell(found, data, as_json=as_json)


def _must_be_trusted(found: Patch, trust: str) -> None:
    """Stop when a key is named and did not sign.

    Raises:
        BadOption: no key.
        PatchUntrusted: another one signed, or nobody.
    """
    if trust:
        check_signature(found, key_of(trust, "--trust").public)


def _tell(found: Patch, data: bytes, *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, **_facts(found), "bytes": len(data), "sha256": sha256_hex(data)})
        return
    rows = {
        "kind": f"{found.kind} {found.stage}/{found.stage_count}",
        "direction": shown(direction_of(found), found),
        "models": ", ".join(found.models) or "?",
        "chip": found.chip or "?",
        "store": found.place or say("anywhere", "不限"),
        "bytes": f"{len(data)} ({_share(len(data), sum(one.new_bytes for one in found.regions))})",
        "spare_bytes": _spare(found),
        "signed": found.key_id.hex() if found.is_signed else say("no", "否"),
        "sha256": sha256_hex(data),
    }
    print_facts({name: escape(str(value)) for name, value in rows.items()}, as_json=False)
    columns = [say("part", "部分"), say("address", "地址"), say("codec", "编码"), say("old", "旧"), say("new", "新")]
    columns += [say("in the patch", "包内"), say("saved", "节省"), say("spare", "备份区")]
    print_table(columns, [_row(one) for one in found.regions])


def _spare(found: Patch) -> str:
    if not found.spare_bytes:
        return say("0 (whole parts: none is needed)", "0（完整内容，无需备份区）")
    return say(
        "{spare}, in erase units of {block}",
        "{spare}，擦除单位 {block}",
        spare=found.spare_bytes,
        block=found.block_bytes,
    )


def _row(one: PatchRegion) -> tuple[str, ...]:
    return (
        one.role,
        f"0x{one.address:08x}",
        codecs.codec_of(one.codec).name,
        str(one.old_bytes) if one.is_checked else say("any", "任意"),
        str(one.new_bytes),
        str(len(one.data)),
        f"{one.new_bytes - len(one.data)} ({100 - 100 * len(one.data) / max(one.new_bytes, 1):.1f} %)",
        str(codecs.spare_bytes(one)),
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"


def _facts(found: Patch) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "stage": found.stage,
        "stage_count": found.stage_count,
        "set_id": found.set_id.hex(),
        "models": list(found.models),
        "chip": found.chip,
        "source": found.source_version,
        "target": found.target_version,
        "direction": direction_of(found),
        "store": found.place,
        "block_bytes": found.block_bytes,
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
                "codec_name": codecs.codec_of(one.codec).name,
                "data_bytes": len(one.data),
                "saved_bytes": one.new_bytes - len(one.data),
                "spare_bytes": codecs.spare_bytes(one),
            }
            for one in found.regions
        ],
    }


# ---- which module takes which kind -----------------------------------------------------------------------------------


def _tell_modules(*, as_json: bool) -> None:
    """The table of the FOTA-package dialogue, from the profiles."""
    profiles = [catalog.module(slug) for slug in catalog.modules()]
    if as_json:
        print_json({"ok": True, "modules": [asdict(abilities_of(one)) for one in profiles]})
        return
    columns = [say("module", "型号"), say("chip", "平台"), "diff", "full", "mini", "write/verify"]
    columns += [say("update store", "升级分区"), "/usr", say("erase unit", "擦除单位")]
    rows = []
    for one in map(asdict, map(abilities_of, profiles)):
        marks = [say("yes", "支持") if one[name] else "-" for name in ("diff", "full", "mini", "steps")]
        sizes = [f"{one[name] >> 10} KiB" for name in ("store_bytes", "usr_bytes", "block_bytes")]
        rows.append((one["module"], one["chip"], *marks, *sizes))
    print_table(columns, rows)
