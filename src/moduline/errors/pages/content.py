"""Pages of errors about what a user hands in: files, options, projects, packages, tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.errors.pages.page import Page, page

PAGES: Final[Mapping[str, Page]] = {
    "usage.bad-option": page(
        ("a misspelt option, or a value outside of what it takes", "选项拼写错误，或取值超出范围"),
        "moduline burn --help",
        ("shows options and an example", "显示选项与示例"),
    ),
    "usage.bad-address": page(
        ("the text after --port is no address", "--port 后的内容不是有效地址"),
        "moduline port list",
        ("prints addresses ready to paste", "列出可直接使用的地址"),
    ),
    "usage.unknown-module": page(
        ("a misspelt model, or one that has no profile yet", "型号拼写错误，或尚无配置"),
        "moduline virt models",
        ("lists the known models", "列出已知型号"),
        ("use one of the models that are listed", "请使用列表中的型号"),
    ),
    "usage.no-such-file": page(
        ("a misspelt path, or a folder where a file is wanted", "路径有误，或把目录当作文件"),
        "moduline pack list FILE",
        ("shows what is in a package", "显示固件包内容"),
    ),
    "format.broken": page(
        ("a cut download, a file of another kind, or a damaged disk", "下载不完整、文件类型不符或磁盘损坏"),
        "moduline pack verify FILE",
        ("tells every fault and where it is", "列出所有错误及位置"),
    ),
    "format.checksum": page(
        ("the content was changed without its check value", "内容被改动而校验值未更新"),
        "moduline pack verify FILE",
        ("tells which part is damaged", "指出损坏的部分"),
    ),
    "format.unknown": page(
        ("the file is no firmware package, image or patch", "文件不是固件包、镜像或差分包"),
        "moduline pack info FILE",
        ("recognises a file by its content", "按内容识别文件"),
        ("unpack the archive it came in; the message lists what is supported", "请先解压外层压缩包；支持的类型见提示"),
    ),
    "format.unsupported": page(
        (
            "what is asked for is not public or not built; it is refused instead of guessed",
            "该功能未公开或未实现，拒绝猜测执行",
        ),
        "moduline pack info FILE",
        ("shows what is known of a file", "显示文件的已知信息"),
        ("the message says what to do instead", "替代方法见提示"),
    ),
    "project.rule": page(
        (
            "a file name, a script or moduline.toml breaks a rule of the module",
            "文件名、脚本或 moduline.toml 不符合模组规则",
        ),
        "moduline check DIR",
        ("lists every finding with its line", "逐行列出问题"),
        ("follow the message at that line", "请按提示修改对应行"),
    ),
    "recipe.broken": page(
        ("a key is misspelt, missing, or of another type", "字段拼写错误、缺失或类型不符"),
        "moduline check DIR",
        ("reads moduline.toml and says what is wrong", "检查 moduline.toml"),
    ),
    "project.compile": page(
        ("a syntax error, or syntax newer than the module's Python", "语法错误，或使用了模组不支持的新语法"),
        "moduline check DIR",
        ("checks at the module's language level", "按模组语言版本检查"),
    ),
    "package.no-area": page(
        ("a standard firmware package, not a QuecPython one", "标准固件包，而非 QuecPython 固件包"),
        "moduline pack build DIR --base FILE --module ec600u",
        ("names the module", "指定型号"),
    ),
    "package.area-conflict": page(
        ("the module named has another flash layout", "指定型号的 Flash 分区不同"),
        "moduline pack info FILE",
        ("says what the package is for", "显示固件包适用的型号"),
    ),
    "package.invalid": page(
        ("the package is damaged, or was changed by hand", "固件包已损坏或被手工修改"),
        "moduline pack verify FILE",
        ("lists all faults", "列出全部错误"),
    ),
    "size.too-big": page(
        ("more files than the area holds", "文件超出分区容量"),
        "moduline check DIR",
        ("says what each file needs", "显示各文件占用"),
    ),
    "demo.failed": page(
        ("a fault in Moduline, or a computer without memory or disk to spare", "Moduline 故障，或电脑内存、磁盘不足"),
        "moduline demo -vv",
        ("shows every step", "显示每一步"),
    ),
    "test.text-not-seen": page(
        ("the script printed something else, or was slower", "脚本输出不同，或运行较慢"),
        "moduline run main.py --port virt:m1",
        ("shows what it prints", "显示实际输出"),
    ),
    "test.failed": page(
        ("a test of yours found a fault", "您的测试发现了问题"),
        "moduline test DIR",
        ("runs them again", "重新运行测试"),
    ),
    "replay.diverged": page(
        ("the client was changed since the recording was made", "录制之后客户端已改变"),
        "moduline --record new.jsonl info",
        ("makes a new recording", "重新录制"),
    ),
}
