"""The error tree: every failure a user can meet, with its code, exit code and both languages.

::

    ModulineError
    ├── UsageError        the caller asked something wrong
    ├── FormatError       the input is wrong (file, image, package, recording)
    ├── PeerError         the other end of a wire misbehaved
    ├── WorldError        ports, files, storage, network failed
    └── Refusal           possible, but against a rule (policy, size, model, the user said no)

A code is ``ML-E`` + exit code (two digits) + running number (two digits). Errors carry *facts* as keyword
arguments; the sentence is composed from them, so a fact named in a text must be given. Exit codes are a promise
(docs/reference/errors.md); a bug is none of these: it is an assertion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages; ``{name}`` is replaced by the fact of that name."""

    en: str
    zh: str

    def say(self, lang: str, **facts: Any) -> str:
        """The sentence in ``lang`` ("en" or "zh") with the facts filled in; a fact may be a Text itself."""
        plain = {name: value for name, value in facts.items() if not isinstance(value, Text)}
        spoken = plain | {name: fact.say(lang, **plain) for name, fact in facts.items() if isinstance(fact, Text)}
        return (self.zh if lang == "zh" else self.en).format_map(_Facts(spoken))

    def __str__(self) -> str:
        return self.en


class _Facts(dict[str, Any]):
    """Facts for a template; an unknown one shows as ``?`` instead of raising inside an error."""

    def __missing__(self, key: str) -> str:
        return "?"


class ModulineError(Exception):
    """Root of the tree; only its leaves are raised.

    Args:
        facts: what failed, where, what was expected; numbers and short strings, ready for JSON.
    """

    code: ClassVar[str] = ""
    slug: ClassVar[str] = ""
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    text: ClassVar[Text] = Text("internal fault", "内部故障")
    hint: ClassVar[Text] = Text("please report this", "请反馈此问题")

    def __init__(self, **facts: Any) -> None:
        super().__init__(facts)
        self.facts = facts

    def message(self, lang: str = "en") -> str:
        """What failed and where, one sentence."""
        return self.text.say(lang, **self.facts)

    def remedy(self, lang: str = "en") -> str:
        """What the user can do about it, one sentence."""
        return self.hint.say(lang, **self.facts)

    def __str__(self) -> str:
        return f"{self.code} {self.message()}"


class UsageError(ModulineError):
    """The caller asked something wrong."""

    exit_code = 2
    http_status = 400


class FormatError(ModulineError):
    """The input is wrong."""

    exit_code = 8
    http_status = 422


class PeerError(ModulineError):
    """The other end of a wire misbehaved."""

    exit_code = 6
    http_status = 502


class WorldError(ModulineError):
    """Ports, files, storage or the network failed."""

    exit_code = 1
    http_status = 503


class Refusal(ModulineError):
    """Possible, but against a rule."""

    exit_code = 15
    http_status = 409


# ---- usage ---------------------------------------------------------------------------------------------------


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


# ---- ports ---------------------------------------------------------------------------------------------------


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


# ---- files and formats -----------------------------------------------------------------------------------------


class BadFormat(FormatError):
    """Bytes that break the rules of their format."""

    code = "ML-E0801"
    slug = "format.broken"
    text = Text("{format}: {reason} at offset {offset}", "{format}：偏移 {offset} 处{reason}")
    hint = Text("the file is damaged or of another kind; fetch it again", "文件已损坏或类型不符，请重新获取")


class BadChecksum(FormatError):
    """A stored check value does not match the bytes."""

    code = "ML-E0802"
    slug = "format.checksum"
    text = Text("{format}: {name} is {found}, expected {expected}", "{format}：{name} 为 {found}，应为 {expected}")
    hint = Text("the file is damaged; fetch it again", "文件已损坏，请重新获取")


class UnknownFormat(FormatError):
    """Content that no reader recognises."""

    code = "ML-E0803"
    slug = "format.unknown"
    text = Text("{name}: not a known {kind}", "{name}：不是已知的{kind}")
    hint = Text("supported: {supported}", "支持：{supported}")


class Unsupported(FormatError):
    """A valid input that asks for something not implemented or not documented."""

    code = "ML-E0804"
    slug = "format.unsupported"
    text = Text("{format}: {reason}", "{format}：{reason}")
    hint = Text("{remedy}", "{remedy}")


class BadProject(FormatError):
    """A project folder that may not be merged."""

    code = "ML-E0805"
    slug = "project.rule"
    text = Text("{path}:{line}: {reason}", "{path}:{line}：{reason}")
    hint = Text("{remedy}", "{remedy}")


class BadRecipe(FormatError):
    """A TOML file of ours (profile, recipe, scenario, project) that breaks its schema."""

    code = "ML-E0806"
    slug = "recipe.broken"
    text = Text("{path}: {key}: {reason}", "{path}：{key}：{reason}")
    hint = Text("see docs/reference for the keys", "字段说明见 docs/reference")


class CompileFailed(FormatError):
    """A script that the bytecode compiler rejects."""

    code = "ML-E0807"
    slug = "project.compile"
    text = Text("{path}: {reason}", "{path}：{reason}")
    hint = Text(
        "fix the script; the module's language level is older than desktop Python",
        "请修改脚本；模组的语言版本低于桌面 Python",
    )


class MissingArea(FormatError):
    """A package that does not say where a file system of scripts belongs, and nobody else does."""

    code = "ML-E0808"
    slug = "package.no-area"
    text = Text("{package} does not say where '{role}' belongs", "{package} 未指明“{role}”的位置")
    hint = Text(
        "use a QuecPython package, or name the module so that its table can be used",
        "请使用 QuecPython 固件包，或指定模组型号以使用其分区表",
    )


class AreaConflict(FormatError):
    """An assumed area overlaps something the package writes."""

    code = "ML-E0809"
    slug = "package.area-conflict"
    text = Text(
        "{area} would lie at {address}, {size} bytes, over '{part}'",
        "{area} 位于 {address}（{size} 字节），与“{part}”重叠",
    )
    hint = Text("the module named does not fit this package", "指定的模组型号与该固件包不符")


class BadPackage(FormatError):
    """A package that can be read but must not be burnt."""

    code = "ML-E0810"
    slug = "package.invalid"
    text = Text("{count} errors in {package}; first: {first}", "{package} 有 {count} 处错误；首个：{first}")
    hint = Text("fetch the package again", "请重新获取固件包")


# ---- burning ---------------------------------------------------------------------------------------------------


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
        "burn again; the module's own NV block was saved, the record names the file",
        "请重新烧录；模组原有的 NV 数据已保存，文件名见产线记录",
    )


class WindowMissed(PeerError):
    """The module did not enter download mode, or left it before the burn began."""

    code = "ML-E0604"
    slug = "burn.window-missed"
    text = Text("{where} did not stay in download mode", "{where} 未能保持在下载模式")
    hint = Text(
        "hold the boot pin while powering on, or power-cycle and try again", "请按住 BOOT 上电，或重新上电后再试"
    )


# ---- running module ----------------------------------------------------------------------------------------------


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


class ReplProtected(Refusal):
    """The REPL is locked by ``misc.replEnable`` or a password."""

    code = "ML-E1501"
    slug = "remote.repl-protected"
    text = Text("the REPL of the module is locked: {answer}", "模组的 REPL 已锁定：{answer}")
    hint = Text("unlock it on the module, or burn the package again", "请在模组上解锁，或重新烧录固件包")


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


class RemoteFull(Refusal):
    """No space left on the module's file system."""

    code = "ML-E1302"
    slug = "remote.full"
    exit_code = 13
    http_status = 413
    text = Text("{path}: no space on the module for {need} bytes", "{path}：模组剩余空间不足，需要 {need} 字节")
    hint = Text("`moduline rm` frees space", "用 `moduline rm` 释放空间")


class RescueFailed(PeerError):
    """A looping main.py that nothing but burning stops."""

    code = "ML-E0606"
    slug = "remote.rescue-failed"
    text = Text(
        "main.py on {port} does not honour Ctrl-C; tried: {tried}", "{port} 上的 main.py 不响应 Ctrl-C；已尝试：{tried}"
    )
    hint = Text(
        "burn the scripts area again: moduline burn PACKAGE --port {address}",
        "请重新烧录脚本区：moduline burn 固件包 --port {address}",
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


# ---- flash and storage --------------------------------------------------------------------------------------------


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


class TooBig(Refusal):
    """Content that does not fit its place."""

    code = "ML-E1301"
    slug = "size.too-big"
    exit_code = 13
    http_status = 413
    text = Text("{what} needs {need} bytes, {have} are available", "{what} 需要 {need} 字节，仅有 {have} 字节")
    hint = Text("remove files or choose a larger area", "请删减文件或选择更大的分区")


class StorageFailed(WorldError):
    """Reading or writing a file of this computer failed."""

    code = "ML-E0102"
    slug = "storage.failed"
    text = Text("{path}: {reason}", "{path}：{reason}")
    hint = Text("check space and permissions", "请检查磁盘空间与权限")


class UserSaidNo(Refusal):
    """The user declined the plan."""

    code = "ML-E1601"
    slug = "user.said-no"
    exit_code = 16
    text = Text("nothing was done", "未执行任何操作")
    hint = Text("--yes skips the question", "使用 --yes 可跳过确认")


class TotalTimeout(PeerError):
    """The time given for the whole command ran out."""

    code = "ML-E1240"
    slug = "time.total"
    exit_code = 124
    text = Text("not finished within {seconds} s", "未能在 {seconds} 秒内完成")
    hint = Text("give --timeout more seconds", "请增大 --timeout")


def leaves(root: type[ModulineError] = ModulineError) -> list[type[ModulineError]]:
    """Every error that can be raised, in the order of definition."""
    subclasses = root.__subclasses__()
    if not subclasses:
        return [root]
    return [leaf for subclass in subclasses for leaf in leaves(subclass)]
