"""Possible, but against a rule: size, policy, or the user said no."""

from __future__ import annotations

from moduline.errors.tree import Refusal, Text


class ReplProtected(Refusal):
    """The REPL is locked by ``misc.replEnable`` or a password."""

    code = "ML-E1501"
    slug = "remote.repl-protected"
    text = Text("the REPL of the module is locked: {answer}", "模组的 REPL 已锁定：{answer}")
    hint = Text("unlock it on the module, or burn the package again", "请在模组上解锁，或重新烧录固件包")


class RemoteFull(Refusal):
    """No space left on the module's file system."""

    code = "ML-E1302"
    slug = "remote.full"
    exit_code = 13
    http_status = 413
    text = Text("{path}: no space on the module for {need} bytes", "{path}：模组剩余空间不足，需要 {need} 字节")
    hint = Text("`moduline rm` frees space", "用 `moduline rm` 释放空间")


class TooBig(Refusal):
    """Content that does not fit its place."""

    code = "ML-E1301"
    slug = "size.too-big"
    exit_code = 13
    http_status = 413
    text = Text("{what} needs {need} bytes, {have} are available", "{what} 需要 {need} 字节，仅有 {have} 字节")
    hint = Text("remove files or choose a larger area", "请删减文件或选择更大的分区")


class PatchMisfit(Refusal):
    """A patch that was made for another source."""

    code = "ML-E1701"
    slug = "patch.misfit"
    exit_code = 17
    text = Text("the patch does not fit: {reason}", "差分包与源不符：{reason}")
    hint = Text("make a patch from exactly the firmware that runs", "请用当前正在运行的固件版本制作差分包")


class SpareTooSmall(Refusal):
    """An update in place that needs more spare flash than the module has."""

    code = "ML-E1303"
    slug = "patch.spare-too-small"
    exit_code = 13
    text = Text(
        "an update in place needs {need} bytes of spare flash, {have} are available",
        "原地升级需要 {need} 字节备份区，仅有 {have} 字节",
    )
    hint = Text(
        "make the patch with --codec auto, which takes a whole part where a difference does not fit, or with whole; "
        "other ways: smaller erase units (--block) if the flash has them, --spare BYTES if the module has more",
        "请用 --codec auto（放不下差异时自动改用完整内容）或 whole；若 Flash 支持更小的擦除单位可用 --block，"
        "若模组确有更多空间可用 --spare 指定",
    )


class PatchPartMissing(Refusal):
    """A part of the firmware that only one side has."""

    code = "ML-E0705"
    slug = "patch.part-missing"
    exit_code = 7
    text = Text("{file} has no part '{role}', {other} has one", "{file} 没有“{role}”部分，而 {other} 有")
    hint = Text(
        "a patch changes parts that both have; use complete packages of one kind, or burn the new one",
        "差分包只能更新两者都有的部分；请使用同类的完整固件包，或直接烧录新固件",
    )


class StoredPacked(Refusal):
    """A difference of content that the module keeps compressed in its flash."""

    code = "ML-E1702"
    slug = "patch.stored-packed"
    exit_code = 17
    text = Text(
        "'{role}' lies {packing}-compressed in the flash: a module would have to compress it again to the same bytes",
        "“{role}”在 Flash 中以 {packing} 压缩存放：模组须重新压缩出完全相同的字节",
    )
    hint = Text(
        "make it with --codec auto or whole; --stored plain if the boot code of the module keeps it uncompressed",
        "请用 --codec auto 或 whole；若模组的引导代码以未压缩形式存放，请加 --stored plain",
    )


class PatchForeign(Refusal):
    """Old and new firmware, or patch and module, are of different models or chips."""

    code = "ML-E0703"
    slug = "patch.foreign"
    exit_code = 7
    text = Text("{ours} is not {theirs}", "{ours} 与 {theirs} 不是同一型号")
    hint = Text("use packages and patches of one model", "请使用同一型号的固件包与差分包")


class PatchUntrusted(Refusal):
    """A patch without a signature of the key that the module trusts."""

    code = "ML-E1502"
    slug = "patch.untrusted"
    text = Text("the patch is not signed by {key}", "差分包没有密钥 {key} 的签名")
    hint = Text("sign it with the key the module knows", "请用模组信任的密钥签名")


class NvForeign(Refusal):
    """A saved NV block that belongs to another unit."""

    code = "ML-E1503"
    slug = "burn.nv-foreign"
    text = Text(
        "{file} is the NV block of IMEI {saved}, the module is {module}", "{file} 属于 IMEI {saved}，而模组为 {module}"
    )
    hint = Text(
        "burn without --restore-nv, or name this unit's own block; `moduline nv list` shows them",
        "请去掉 --restore-nv，或指定该模组自己的备份；用 `moduline nv list` 查看",
    )


class UserSaidNo(Refusal):
    """The user declined the plan."""

    code = "ML-E1601"
    slug = "user.said-no"
    exit_code = 16
    text = Text("nothing was done", "未执行任何操作")
    hint = Text("--yes skips the question", "使用 --yes 可跳过确认")


class OrderLocked(Refusal):
    """A work order is locked to other bytes."""

    code = "ML-E1504"
    slug = "order.locked"
    text = Text(
        "order {order} is locked to {what} {expected}; {path} is {found}",
        "工单 {order} 已锁定{what} {expected}，而 {path} 为 {found}",
    )
    hint = Text(
        "use the file the order was made with, or make another order: moduline gang order new",
        "请使用该工单锁定的文件，或新建工单：moduline gang order new",
    )


class OrderOver(Refusal):
    """A work order that takes no further unit."""

    code = "ML-E1505"
    slug = "order.over"
    text = Text("order {order} takes no further unit: {reason}", "工单 {order} 不再接受模组：{reason}")
    hint = Text("moduline gang order show {order} tells what it got", "用 moduline gang order show {order} 查看")


class OrderExists(Refusal):
    """A work order of that name is there already, with other content."""

    code = "ML-E1506"
    slug = "order.exists"
    text = Text("order {order} is there already", "工单 {order} 已存在")
    hint = Text("choose another name; orders are never changed", "请换一个工单号；工单建立后不可更改")


class UnitDataExhausted(Refusal):
    """No row of unit data is left for a module."""

    code = "ML-E1507"
    slug = "units.exhausted"
    text = Text(
        "no unit data left for IMEI {imei}: the table has {rows} rows, {given} were given",
        "没有可分配给 IMEI {imei} 的单元数据：表中共 {rows} 行，已分配 {given} 行",
    )
    hint = Text(
        "append rows to the table; given ones are never given again: moduline gang units FILE",
        "请在表中追加新行；已分配的行不会再次分配：moduline gang units 文件",
    )


class UnitDataConflict(Refusal):
    """A row of unit data and a module that do not belong together."""

    code = "ML-E1508"
    slug = "units.conflict"
    text = Text("unit data {unit} of IMEI {imei}: {reason}", "IMEI {imei} 的单元数据 {unit}：{reason}")
    hint = Text(
        "put the table right, or set the module aside; moduline gang units FILE shows what was given",
        "请更正单元数据表，或将该模组另行处理；用 moduline gang units 文件 查看分配情况",
    )


class UnitUnknown(Refusal):
    """A module whose IMEI nobody knows cannot get a row of its own."""

    code = "ML-E1509"
    slug = "units.unknown-module"
    text = Text(
        "{address} does not tell its IMEI, so nobody can say which unit data is its own",
        "{address} 未报告 IMEI，无法确定其单元数据",
    )
    hint = Text(
        "power it without the boot pin, so that its AT port answers first",
        "请先不按住 BOOT 上电，使其 AT 口应答",
    )


class FileUntrusted(Refusal):
    """A file without a signature of the key one trusts, or changed after it was signed."""

    code = "ML-E1514"
    slug = "file.untrusted"
    text = Text("{file} is not signed by {key}", "{file} 没有密钥 {key} 的签名")
    hint = Text(
        "ask whoever made it for the file and its .sig, or name the key that signed it",
        "请向发布者索取文件及其 .sig，或指定其签名密钥",
    )
