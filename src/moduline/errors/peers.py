"""The other end of a wire misbehaved: silence, refusals, wrong answers, scripts that raise."""

from __future__ import annotations

from moduline.errors.tree import PeerError, Text


class PortGone(PeerError):
    """The port vanished while in use: cable out or power cut."""

    code = "ML-E0601"
    slug = "port.gone"
    text = Text("{port} vanished", "{port} 已断开")
    hint = Text("check cable and power", "请检查线缆与供电")


class NoAnswer(PeerError):
    """The peer did not answer in time."""

    code = "ML-E0602"
    slug = "peer.no-answer"
    text = Text("no answer to {what} within {seconds} s", "{what} 在 {seconds} 秒内无应答")
    hint = Text("re-power the module and try again", "请给模组重新上电后再试")


class BadAnswer(PeerError):
    """The peer answered something the protocol does not allow here."""

    code = "ML-E0603"
    slug = "peer.bad-answer"
    text = Text("unexpected answer to {what}: {answer}", "{what} 的应答不符合预期：{answer}")
    hint = Text("re-power the module and try again", "请给模组重新上电后再试")


class WrongModule(PeerError):
    """Package and module do not belong together."""

    code = "ML-E0701"
    slug = "burn.wrong-module"
    exit_code = 7
    text = Text("package is for {package}, module is {module}", "固件包适用于 {package}，模组为 {module}")
    hint = Text("choose the package of this module", "请选择与模组匹配的固件包")


class WrongVersion(PeerError):
    """After the burn the module reports another version than the package's."""

    code = "ML-E0702"
    slug = "burn.wrong-version"
    exit_code = 7
    text = Text(
        "module reports {found} after the burn, package is {expected}", "烧录后版本为 {found}，固件包为 {expected}"
    )
    hint = Text(
        "burn again; if it stays, the package is not what it says", "请重新烧录；若仍不符，则固件包内容与标注不一致"
    )


class WrongUnit(PeerError):
    """A module that was burnt with the unit data of another one."""

    code = "ML-E0704"
    slug = "burn.wrong-unit"
    exit_code = 7
    text = Text(
        "the module is {after}, but it was burnt with the unit data of {before}",
        "该模组为 {after}，却写入了 {before} 的单元数据",
    )
    hint = Text(
        "another module stood here before; burn this one again, it gets its own",
        "此位置之前是另一个模组；请重新烧录，将写入其自己的数据",
    )


class WriteFailed(PeerError):
    """The module refused or failed to write."""

    code = "ML-E0901"
    slug = "burn.write-failed"
    exit_code = 9
    text = Text("{part}: module answered {answer} to {what}", "{part}：{what} 的应答为 {answer}")
    hint = Text("re-power the module; the job continues", "请给模组重新上电，任务会继续")


class VerifyFailed(PeerError):
    """What was read back is not what was written."""

    code = "ML-E0902"
    slug = "burn.verify-failed"
    exit_code = 9
    text = Text("{part} differs at 0x{address:08x} after writing", "{part} 写入后在 0x{address:08x} 处不一致")
    hint = Text(
        "re-power and burn again; if it stays, the flash is worn", "请重新上电后再烧录；若仍失败，Flash 可能已损坏"
    )


class IdentityLost(PeerError):
    """After the burn the module has another IMEI, or none."""

    code = "ML-E0907"
    slug = "burn.identity-lost"
    exit_code = 9
    text = Text("IMEI was {before} before the burn and is {after} now", "烧录前 IMEI 为 {before}，现为 {after}")
    hint = Text(
        "the module's own NV block was saved: `moduline nv list`, then burn again with --restore-nv FILE",
        "模组原有的 NV 数据已保存：用 `moduline nv list` 查看，再加 --restore-nv 文件 重新烧录",
    )


class NvDamaged(PeerError):
    """The module's NV block, with IMEI and radio calibration, is damaged, and no saved one is proven to be its own."""

    code = "ML-E0908"
    slug = "burn.nv-damaged"
    exit_code = 9
    text = Text(
        "the NV block of {address} is {state}; nothing was changed. Last saved at this place: {saved} (IMEI {imei})",
        "{address} 的 NV 数据{state}，未做任何更改。此位置最近的备份：{saved}（IMEI {imei}）",
    )
    hint = Text(
        "compare that IMEI with the label on the module; if it is the same, burn with --restore-nv FILE; "
        "`moduline nv list` shows all",
        "请核对该 IMEI 与模组标签；一致时加 --restore-nv 文件 重新烧录；`moduline nv list` 列出全部备份",
    )


class WindowMissed(PeerError):
    """The module did not enter download mode, or left it before the burn began."""

    code = "ML-E0604"
    slug = "burn.window-missed"
    text = Text("{where} did not stay in download mode", "{where} 未能保持在下载模式")
    hint = Text(
        "hold the boot pin while powering on, or power-cycle and try again", "请按住 BOOT 上电，或重新上电后再试"
    )


class ScriptRaised(PeerError):
    """A script raised on the module."""

    code = "ML-E1001"
    slug = "remote.script-raised"
    exit_code = 10
    text = Text("the script raised on the module: {last_line}", "脚本在模组上抛出异常：{last_line}")
    hint = Text("the traceback is above", "回溯信息见上文")


class ReplBusy(PeerError):
    """The REPL does not come to a prompt: a script occupies it."""

    code = "ML-E0605"
    slug = "remote.repl-busy"
    text = Text("{port}: a script occupies the REPL", "{port}：脚本正占用 REPL")
    hint = Text(
        "`moduline stop`, or `moduline rescue` if it loops for ever",
        "用 `moduline stop` 停止；死循环时用 `moduline rescue`",
    )


class NoSuchRemoteFile(PeerError):
    """A path that does not exist on the module."""

    code = "ML-E1002"
    slug = "remote.no-such-file"
    exit_code = 10
    text = Text("{path}: {reason}", "{path}：{reason}")
    hint = Text("`moduline ls :/usr` lists the files", "用 `moduline ls :/usr` 查看文件")


class RemoteFileFailed(PeerError):
    """The module refused an operation on a file."""

    code = "ML-E0905"
    slug = "remote.file-failed"
    exit_code = 9
    text = Text("{path}: {operation} failed: {reason}", "{path}：{operation} 失败：{reason}")
    hint = Text(
        "`/bak` is read-only; `moduline ls :/usr` shows what is there", "`/bak` 只读；用 `moduline ls :/usr` 查看"
    )


class RemoteFileDiffers(PeerError):
    """A file on the module is not what was sent."""

    code = "ML-E0906"
    slug = "remote.file-differs"
    exit_code = 9
    text = Text("{path}: the module has {found}, sent was {expected}", "{path}：模组上为 {found}，发送的是 {expected}")
    hint = Text("copy it again; the old file was kept", "请重新复制；原文件未被改动")


class RescueFailed(PeerError):
    """A looping main.py that nothing but burning stops."""

    code = "ML-E0606"
    slug = "remote.rescue-failed"
    text = Text(
        "main.py on {port} does not honour Ctrl-C; tried: {tried}", "{port} 上的 main.py 不响应 Ctrl-C；已尝试：{tried}"
    )
    hint = Text(
        "write the script areas anew: moduline rescue --package PACKAGE --port {address}, "
        "or moduline burn PACKAGE --only scripts --port {address}",
        "请重新烧录脚本区：moduline rescue --package 固件包 --port {address}，"
        "或 moduline burn 固件包 --only scripts --port {address}",
    )


class AtRefused(PeerError):
    """The module answered an AT command with an error."""

    code = "ML-E1003"
    slug = "remote.at-refused"
    exit_code = 10
    text = Text("{command}: {result}", "{command}：{result}")
    hint = Text("check the command in the module's AT manual", "请查阅模组的 AT 命令手册")


class GangPartFailed(PeerError):
    """At least one slot of a gang did not pass."""

    code = "ML-E1201"
    slug = "gang.part-failed"
    exit_code = 12
    text = Text("{failed} of {total} did not pass", "{total} 个中有 {failed} 个未通过")
    hint = Text("re-power the failed slots; the records say why", "请给失败通道重新上电；原因见产线记录")


class DemoFailed(PeerError):
    """A claim of the demo turned out false."""

    code = "ML-E1101"
    slug = "demo.failed"
    exit_code = 11
    text = Text("not true: {claim}; found {found}", "不属实：{claim}；实际为 {found}")
    hint = Text("run with -vv and report it", "请加 -vv 运行并反馈")


class TextNotSeen(PeerError):
    """A module did not print what was waited for."""

    code = "ML-E1102"
    slug = "test.text-not-seen"
    exit_code = 11
    text = Text("the module did not print '{wanted}' ({seconds} s)", "模组未输出“{wanted}”（{seconds} 秒）")
    hint = Text("its console shows what it printed instead", "请查看其控制台输出")


class TestsFailed(PeerError):
    """The user's tests did not pass."""

    __test__ = False  # not a test itself
    code = "ML-E1103"
    slug = "test.failed"
    exit_code = 11
    text = Text("{failed} of {total} tests did not pass", "{total} 项测试中有 {failed} 项未通过")
    hint = Text("what failed is shown above", "失败内容见上文")


class CheckFailed(PeerError):
    """A functional test of a burnt module found something wrong."""

    code = "ML-E1105"
    slug = "check.failed"
    exit_code = 11
    text = Text(
        "check failed: {checks}; found {value}, wanted {limits}", "检测未通过：{checks}；实测 {value}，要求 {limits}"
    )
    hint = Text("the record holds every result; re-power the module to try again", "全部结果见产线记录；重新上电可再试")


class ReplayDiverged(PeerError):
    """A host sent something else than the recorded one."""

    code = "ML-E1104"
    slug = "replay.diverged"
    exit_code = 11
    text = Text(
        "line {line}, port {port}, byte {offset} of the host, after {before}:\n"
        "  expected {expected}\n  found    {found}",
        "第 {line} 行，端口 {port}，主机第 {offset} 字节，位于 {before} 之后：\n  应为 {expected}\n  实为 {found}",
    )
    hint = Text("the client has changed, or the recording is of another one", "客户端已改变，或录制来自其他客户端")


class TotalTimeout(PeerError):
    """The time given for the whole command ran out."""

    code = "ML-E1240"
    slug = "time.total"
    exit_code = 124
    text = Text("not finished within {seconds} s", "未能在 {seconds} 秒内完成")
    hint = Text("give --timeout more seconds", "请增大 --timeout")
