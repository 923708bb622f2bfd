"""The caller asked something wrong: exit 2."""

from __future__ import annotations

from moduline.errors.tree import Text, UsageError


class BadOption(UsageError):
    """An option or argument has a value that cannot be meant."""

    code = "ML-E0201"
    slug = "usage.bad-option"
    text = Text("{name}: {reason}", "{name}：{reason}")
    hint = Text("see --help of the command", "请查看该命令的 --help")


class BadAddress(UsageError):
    """A port address that follows none of the grammar's forms."""

    code = "ML-E0202"
    slug = "usage.bad-address"
    text = Text("'{address}' is not a port address", "“{address}” 不是有效的端口地址")
    hint = Text(
        "use auto, a device path, virt:NAME, imei:…, usb:1-2.4, slot:A3, tcp:HOST:PORT or rfc2217://HOST:PORT",
        "可用：auto、设备路径、virt:名称、imei:…、usb:1-2.4、slot:A3、tcp:主机:端口、rfc2217://主机:端口",
    )


class UnknownModule(UsageError):
    """No profile of that module name."""

    code = "ML-E0203"
    slug = "usage.unknown-module"
    text = Text("no module profile named '{name}'", "没有名为“{name}”的型号配置")
    hint = Text("known modules: {known}", "已知型号：{known}")


class NoSuchFile(UsageError):
    """A file or folder named by the user does not exist or is of the wrong kind."""

    code = "ML-E0204"
    slug = "usage.no-such-file"
    text = Text("{path}: {reason}", "{path}：{reason}")
    hint = Text("check the path", "请检查路径")


class UnknownOrder(UsageError):
    """No work order of that name."""

    code = "ML-E0205"
    slug = "usage.unknown-order"
    text = Text("no work order '{order}'", "没有工单“{order}”")
    hint = Text(
        "moduline gang order list shows them; name a FILE to begin one",
        "用 moduline gang order list 查看；指定 FILE 可新建",
    )


class NoSuchRecord(UsageError):
    """No record of that id, IMEI or number."""

    code = "ML-E0206"
    slug = "usage.no-such-record"
    http_status = 404
    text = Text("no record '{given}'", "没有记录“{given}”")
    hint = Text("`moduline gang report` shows them", "用 `moduline gang report` 查看")
