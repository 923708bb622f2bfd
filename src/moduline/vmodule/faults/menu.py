"""The words of faults as a menu: each with what it does in a sentence, and what has to be filled in.

::

    FaultKind("cut-flash", ..., word="cut@{operation}", blanks=(Blank("operation", ..., default="100"),))
        .fill({"operation": "7"}) -> "cut@7"

Every word of ``faults.words`` has its row; a word with blanks is checked by ``parse_faults`` like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from moduline.errors import Text

Group = Literal["power", "cable", "bytes", "answers", "surroundings"]

GROUPS: Final[Mapping[Group, Text]] = {
    "power": Text("Flash and power", "Flash 与供电"),
    "cable": Text("Cable", "USB 线"),
    "bytes": Text("Bytes on the wire", "线路字节"),
    "answers": Text("Answers", "应答"),
    "surroundings": Text("Surroundings", "外部环境"),
}
"""Headings of the menu, in its order."""


@dataclass(frozen=True, slots=True)
class Blank:
    """Something to fill in.

    Attributes:
        name: in the word.
        label: what it is.
        default: what stands there at first.
        kind: a whole number, a number, a port of the module, a part of its package, or a registration.
        least: smallest number.
        most: largest number.
    """

    name: str
    label: Text
    default: str
    kind: Literal["integer", "number", "role", "part", "registration"] = "integer"
    least: float = 0
    most: float = 999_999_999


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the menu.

    Attributes:
        slug: names it.
        group: heading.
        label: what it is called.
        explanation: what it does, in a sentence.
        word: the word of ``faults.words``, with its blanks.
        blanks: what has to be filled in.
        is_moment: it is over as soon as it has happened, and never on the list.
    """

    slug: str
    group: Group
    label: Text
    explanation: Text
    word: str
    blanks: tuple[Blank, ...] = ()
    is_moment: bool = False

    def fill(self, given: Mapping[str, str]) -> str:
        """The word with its blanks filled in; what is not given stands as it does at first."""
        return self.word.format(**{one.name: given.get(one.name) or one.default for one in self.blanks})


_SECONDS: Final = Blank("seconds", Text("after, seconds", "多少秒后"), "5", "number", 0, 86_400)
_PERCENT: Final = Blank("percent", Text("percent of the content", "内容百分比"), "45", "number", 1, 100)
_BYTES: Final = Blank("bytes", Text("after, bytes", "多少字节后"), "4096", least=1, most=9_999_999_999)
_ROLE: Final = Blank("role", Text("port", "端口"), "repl", "role")
_ONE_IN: Final = Blank("one_in", Text("one byte in", "每多少字节一个"), "10000", least=1)
_SEED: Final = Blank("seed", Text("seed", "随机种子"), "1")


def _row(
    slug: str,
    group: Group,
    label: tuple[str, str],
    explanation: tuple[str, str],
    word: str = "",
    *blanks: Blank,
    is_moment: bool = False,
) -> FaultKind:
    return FaultKind(slug, group, Text(*label), Text(*explanation), word or slug, blanks, is_moment)


MENU: Final[tuple[FaultKind, ...]] = (
    _row(
        "cut-operation",
        "power",
        ("power cut at a flash operation", "在某次 Flash 操作前掉电"),
        (
            "The supply breaks off just before the numbered program or erase, counted from now.",
            "从现在起计数，在第 N 次写或擦之前掉电。",
        ),
        "cut@{operation}",
        Blank("operation", Text("operation", "第几次操作"), "100"),
    ),
    _row(
        "tear-operation",
        "power",
        ("power cut inside a flash operation", "在某次 Flash 操作中掉电"),
        (
            "As above, but in the middle: part of the page or sector is left half done.",
            "同上，但在操作中途掉电：该页或扇区只完成一部分。",
        ),
        "tear@{operation}:{seed}",
        Blank("operation", Text("operation", "第几次操作"), "100"),
        _SEED,
    ),
    _row(
        "cut-seconds",
        "power",
        ("power cut after a time", "定时掉电"),
        ("The supply breaks off after so many seconds.", "若干秒后掉电。"),
        "cut@{seconds}s",
        _SECONDS,
    ),
    _row(
        "cut@boot",
        "power",
        ("power cut at the next boot", "下次启动时掉电"),
        ("The next boot ends in darkness before any port appears.", "下次启动时，在端口出现之前掉电。"),
    ),
    _row(
        "cut-percent",
        "power",
        ("power cut during a burn", "烧录到一定比例时掉电"),
        (
            "The supply breaks off when so much of the package was received; needs an earlier whole burn.",
            "收到固件包的该比例时掉电；此前须完整烧录过一次。",
        ),
        "cut@download:{percent}%",
        _PERCENT,
    ),
    _row(
        "cut-download-bytes",
        "power",
        ("power cut after bytes of a burn", "烧录若干字节后掉电"),
        ("The supply breaks off when so many bytes of a burn were received.", "烧录收到若干字节后掉电。"),
        "cut@download:{bytes}",
        _BYTES,
    ),
    _row(
        "cut-port-bytes",
        "power",
        ("power cut after bytes on a port", "端口传输若干字节后掉电"),
        ("The supply breaks off when so many bytes passed over that port.", "该端口传输若干字节后掉电。"),
        "cut@{role}:{bytes}",
        _ROLE,
        _BYTES,
    ),
    _row(
        "power-seconds",
        "power",
        ("power comes back after a time", "定时上电"),
        ("A dark module gets its supply back after so many seconds.", "若干秒后恢复供电。"),
        "power@{seconds}s",
        Blank("seconds", Text("after, seconds", "多少秒后"), "20", "number", 0, 86_400),
    ),
    _row(
        "watchdog",
        "power",
        ("watchdog bites", "看门狗复位"),
        ("The watchdog restarts the module now.", "看门狗立即复位模组。"),
        is_moment=True,
    ),
    _row(
        "unplug",
        "cable",
        ("pull the cable", "拔出 USB"),
        ("USB ports vanish now, the module runs on.", "USB 端口立即消失，模组继续运行。"),
        is_moment=True,
    ),
    _row(
        "replug",
        "cable",
        ("put the cable in", "插回 USB"),
        ("The ports of the present state appear again.", "当前状态的端口重新出现。"),
        is_moment=True,
    ),
    _row(
        "unplug-seconds",
        "cable",
        ("pull the cable after a time", "定时拔出 USB"),
        ("USB ports vanish after so many seconds.", "若干秒后 USB 端口消失。"),
        "unplug@{seconds}s",
        _SECONDS,
    ),
    _row(
        "replug-seconds",
        "cable",
        ("put the cable in after a time", "定时插回 USB"),
        ("The ports come back after so many seconds.", "若干秒后端口恢复。"),
        "replug@{seconds}s",
        Blank("seconds", Text("after, seconds", "多少秒后"), "8", "number", 0, 86_400),
    ),
    _row(
        "unplug-percent",
        "cable",
        ("pull the cable during a burn", "烧录到一定比例时拔出 USB"),
        (
            "The ports vanish when so much of the package was received; needs an earlier whole burn.",
            "收到固件包的该比例时端口消失；此前须完整烧录过一次。",
        ),
        "unplug@{percent}%",
        _PERCENT,
    ),
    _row(
        "unplug-port-bytes",
        "cable",
        ("pull the cable after bytes on a port", "端口传输若干字节后拔出 USB"),
        ("The ports vanish when so many bytes passed over that port.", "该端口传输若干字节后 USB 端口消失。"),
        "unplug@{role}:{bytes}",
        _ROLE,
        _BYTES,
    ),
    _row(
        "reenumerate@exec",
        "cable",
        ("port comes anew with the loader", "加载程序启动时端口重新枚举"),
        (
            "The download port vanishes and comes back when the first loader starts, as on some real modules.",
            "首个加载程序启动时下载口消失并重新出现，与部分真实模组相同。",
        ),
    ),
    _row(
        "drop",
        "bytes",
        ("bytes get lost", "丢失字节"),
        ("One byte in so many is lost, both ways, on every port.", "所有端口双向，每若干字节丢失一个。"),
        "drop@1/{one_in}:{seed}",
        _ONE_IN,
        _SEED,
    ),
    _row(
        "flip",
        "bytes",
        ("bits change", "位翻转"),
        ("One bit of one byte in so many changes, both ways, on every port.", "所有端口双向，每若干字节翻转一位。"),
        "flip@1/{one_in}:{seed}",
        _ONE_IN,
        _SEED,
    ),
    _row(
        "slow",
        "bytes",
        ("slow port", "端口变慢"),
        ("A port moves only so many bytes a second, each way.", "该端口每秒每方向只传输若干字节。"),
        "slow@{role}:{rate}",
        _ROLE,
        Blank("rate", Text("bytes a second", "字节每秒"), "300", least=1, most=10_000_000),
    ),
    _row(
        "fragment",
        "bytes",
        ("every byte alone", "逐字节发送"),
        ("Every byte of the download port travels alone.", "下载口的每个字节单独到达。"),
    ),
    _row(
        "silent",
        "answers",
        ("download port is silent", "下载口无应答"),
        ("The download port answers nothing.", "下载口不作任何应答。"),
    ),
    _row(
        "at-silent",
        "answers",
        ("AT port is silent", "AT 口无应答"),
        (
            "The AT port answers nothing; a burn then needs the boot pin.",
            "AT 口不作任何应答；此时烧录需要按住 BOOT。",
        ),
    ),
    _row(
        "repl-silent",
        "answers",
        ("REPL is silent", "REPL 无应答"),
        ("Nothing of the REPL reaches the host.", "REPL 的输出不再到达电脑。"),
    ),
    _row(
        "hang",
        "answers",
        ("interpreter stands still", "解释器停滞"),
        ("Scripts stop where they are; only a restart frees them.", "脚本停在原处，只有重启才能恢复。"),
    ),
    _row(
        "verify-error",
        "answers",
        ("a part fails its check", "某部分校验失败"),
        ("The end of that part is answered with a check error.", "该部分写完时应答校验错误。"),
        "verify-error@{part}",
        Blank("part", Text("part", "部分"), "", "part"),
    ),
    _row(
        "log-frames",
        "answers",
        ("log frames in between", "夹杂日志帧"),
        ("An unasked log frame goes before every answer.", "每个应答之前插入一个日志帧。"),
    ),
    _row(
        "bad-check-answered",
        "answers",
        ("wrong check values are answered", "校验错误时仍应答"),
        (
            "A frame with a wrong check value is answered with an error instead of silence.",
            "收到校验值错误的帧时应答错误，而不是沉默。",
        ),
    ),
    _row(
        "greet-anew",
        "answers",
        ("loader greets again", "加载程序重新握手"),
        ("ASR: a loader that was called forgets the link and greets again.", "ASR：加载程序启动后重新握手。"),
    ),
    _row(
        "wrong-model",
        "answers",
        ("package is refused as foreign", "拒绝固件包（型号不符）"),
        (
            "UIS8850: every erase is refused, as when the package is for another model.",
            "UIS8850：拒绝所有擦除，如同固件包属于其他型号。",
        ),
    ),
    _row(
        "sim-out",
        "surroundings",
        ("take the card out", "取出 SIM 卡"),
        ("There is no card until it is put in.", "在插回之前没有 SIM 卡。"),
    ),
    _row(
        "sim-in",
        "surroundings",
        ("put the card in", "插入 SIM 卡"),
        ("The card is there again.", "SIM 卡恢复。"),
        is_moment=True,
    ),
    _row(
        "no-network",
        "surroundings",
        ("no network", "无网络"),
        ("No cell is heard.", "搜不到任何小区。"),
    ),
    _row(
        "network",
        "surroundings",
        ("network is back", "恢复网络"),
        ("Cells are heard again.", "重新搜到小区。"),
        is_moment=True,
    ),
    _row(
        "data-drop",
        "surroundings",
        ("data call breaks off", "数据连接断开"),
        ("Every data call breaks off; wanted ones are dialled again.", "所有数据连接断开，需要的会重新拨号。"),
        is_moment=True,
    ),
    _row(
        "rssi",
        "surroundings",
        ("fixed signal", "固定信号强度"),
        ("The signal as AT+CSQ counts it: 0 to 31, 99 for none.", "AT+CSQ 的取值：0 至 31，99 为无信号。"),
        "rssi={value}",
        Blank("value", Text("signal", "信号"), "9", most=99),
    ),
    _row(
        "registration",
        "surroundings",
        ("how the network treats the card", "网络注册结果"),
        ("Home, roaming, refused, or no answer at all.", "本地、漫游、拒绝或无应答。"),
        "registration={kind}",
        Blank("kind", Text("registration", "注册结果"), "denied", "registration"),
    ),
    _row(
        "battery",
        "surroundings",
        ("fixed supply voltage", "固定供电电压"),
        ("The supply in millivolts, as scripts and AT+CBC see it.", "供电电压（毫伏），脚本与 AT+CBC 均可见。"),
        "battery={millivolts}",
        Blank("millivolts", Text("millivolts", "毫伏"), "3400", most=6000),
    ),
    _row(
        "clear",
        "surroundings",
        ("end all faults", "清除全部故障"),
        ("Everything that is on ends, the cable is put in.", "结束所有故障，并插回 USB。"),
        is_moment=True,
    ),
)
"""Every fault there is."""


def kind_of(slug: str) -> FaultKind:
    """The row of that slug.

    Raises:
        KeyError: there is none.
    """
    return {one.slug: one for one in MENU}[slug]
