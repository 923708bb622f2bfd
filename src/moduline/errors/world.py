"""Ports, files, storage, flash or this computer failed."""

from __future__ import annotations

from moduline.errors.tree import Text, WorldError


class NoModule(WorldError):
    """No module or port matches the address."""

    code = "ML-E0301"
    slug = "port.no-module"
    exit_code = 3
    text = Text("no module at '{address}'", "在“{address}”没有找到模组")
    hint = Text("`moduline port list` shows what is connected", "用 `moduline port list` 查看已连接的模组")


class SeveralModules(WorldError):
    """``auto`` met more than one candidate."""

    code = "ML-E0401"
    slug = "port.several"
    exit_code = 4
    text = Text("{count} modules match '{address}'", "有 {count} 个模组符合“{address}”")
    hint = Text("choose one: {choices}", "请选择其一：{choices}")


class PortBusy(WorldError):
    """The port exists but cannot be opened."""

    code = "ML-E0501"
    slug = "port.busy"
    exit_code = 5
    text = Text("cannot open {port}: {reason}", "无法打开 {port}：{reason}")
    hint = Text("close the program that holds it, or check permissions", "请关闭占用该端口的程序，或检查权限")


class VirtualRackDown(WorldError):
    """No rack of virtual modules answers."""

    code = "ML-E0302"
    slug = "virt.no-rack"
    exit_code = 3
    text = Text("no rack '{rack}' is up", "机架“{rack}”未运行")
    hint = Text("start it: moduline virt up", "启动：moduline virt up")


class InterpreterMissing(WorldError):
    """The MicroPython interpreter of the virtual module cannot be used on this system."""

    code = "ML-E0101"
    slug = "virt.no-interpreter"
    text = Text("the MicroPython interpreter cannot start: {reason}", "MicroPython 解释器无法启动：{reason}")
    hint = Text(
        "reinstall: pip install --force-reinstall moduline", "请重新安装：pip install --force-reinstall moduline"
    )


class FlashViolation(WorldError):
    """An operation that real NOR flash cannot do, or that our strict model refuses."""

    code = "ML-E0903"
    slug = "nor.violation"
    exit_code = 9
    text = Text(
        "flash {operation} at 0x{address:x}, {size} bytes: {reason}",
        "Flash {operation} 0x{address:x}（{size} 字节）：{reason}",
    )
    hint = Text("the program that drives the flash is wrong", "驱动该 Flash 的程序有误")


class FlashCut(WorldError):
    """Power went away at a flash operation; the flash is dead until the power comes back."""

    code = "ML-E0904"
    slug = "nor.cut"
    exit_code = 9
    text = Text("power cut at flash operation {operation}", "在第 {operation} 次 Flash 操作时断电")
    hint = Text("power on again", "请重新上电")


class StorageFailed(WorldError):
    """Reading or writing a file of this computer failed."""

    code = "ML-E0102"
    slug = "storage.failed"
    text = Text("{path}: {reason}", "{path}：{reason}")
    hint = Text("check space and permissions", "请检查磁盘空间与权限")


class FileChanged(WorldError):
    """A file was to be replaced by somebody who knew another content of it."""

    code = "ML-E0909"
    slug = "storage.file-changed"
    exit_code = 9
    text = Text("{path} has changed since it was read; nothing was written", "{path} 自读取后已被修改；未写入任何内容")
    hint = Text("read it again and repeat your change", "请重新读取后再次修改")


class RecordsUnwritable(WorldError):
    """The records of a gang cannot be written, so nothing more is burnt."""

    code = "ML-E0103"
    slug = "line.records-unwritable"
    text = Text(
        "records cannot be written: {reason}; the gang has stopped, {unkept} tries are in no record",
        "产线记录无法写入：{reason}；烧录已停止，{unkept} 次未能记录",
    )
    hint = Text(
        "make room on the disk, then run it again; keep what is printed above",
        "请清理磁盘后重新运行，并保留上方输出的记录",
    )


class LabelFailed(WorldError):
    """A label could not be handed over to its printer."""

    code = "ML-E1401"
    slug = "label.failed"
    exit_code = 14
    text = Text("no label at {target}: {reason}", "标签未能送达 {target}：{reason}")
    hint = Text(
        "see to the printer, then: moduline gang label RECORD --template FILE --to WHERE",
        "检查打印机后重打：moduline gang label 记录 --template 文件 --to 目标",
    )


class WebhookFailed(WorldError):
    """An address that wants to hear of records does not take them."""

    code = "ML-E1402"
    slug = "webhook.failed"
    exit_code = 14
    text = Text("{url}: {reason}; {waiting} records wait", "{url}：{reason}；{waiting} 条记录等待发送")
    hint = Text(
        "nothing is lost: they are sent when it answers again; see `moduline gang webhook list`",
        "记录不会丢失，对方恢复后自动补发；用 `moduline gang webhook list` 查看",
    )
