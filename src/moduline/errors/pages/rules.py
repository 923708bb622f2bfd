"""Pages of refusals of updates: patches and signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.errors.pages.page import Page, page

PAGES: Final[Mapping[str, Page]] = {
    "patch.foreign": page(
        ("old and new package are of different models", "新旧固件包型号不同"),
        "moduline pack info FILE",
        ("says what a package is for", "显示固件包适用的型号"),
    ),
    "patch.misfit": page(
        ("the module runs another version than the patch was made from", "模组运行的版本不是差分包的源版本"),
        "moduline delta info PATCH",
        ("says which source it needs", "显示所需的源版本"),
    ),
    "patch.spare-too-small": page(
        (
            "the module has less room for copies of old blocks than the patch needs, or the patch itself takes it",
            "模组可用于旧块备份的空间小于所需，或被差分包自身占用",
        ),
        "moduline delta make OLD NEW -o PATCH",
        ("packs as a whole what does not fit, and says so", "放不下的部分改为完整打包，并给出提示"),
        ("delta info PATCH says what a patch needs", "delta info PATCH 显示所需空间"),
    ),
    "patch.part-missing": page(
        ("one file is a complete package, the other holds only some parts", "一个是完整固件包，另一个只含部分内容"),
        "moduline pack list FILE",
        ("shows the parts of each", "列出各自的组成部分"),
    ),
    "patch.stored-packed": page(
        (
            "the part is LZMA- or XZ-compressed in the package and is burnt as it is",
            "该部分在固件包中以 LZMA 或 XZ 压缩，并原样烧录",
        ),
        "moduline delta make OLD NEW -o PATCH",
        ("packs such a part as a whole", "此类部分改为完整打包"),
    ),
    "file.untrusted": page(
        (
            "there is no signature beside the file, or it is of another key, or the file was changed since",
            "文件旁没有签名、签名来自其他密钥，或文件在签名后被修改",
        ),
        "moduline verify FILE --trust KEY",
        ("says whether this key signed exactly these bytes", "检查该密钥是否签署了这些内容"),
    ),
    "patch.untrusted": page(
        ("the patch has no signature, or one of another key", "差分包未签名，或用了其他密钥"),
        "moduline delta info PATCH",
        ("says who signed it", "显示签名信息"),
    ),
}
