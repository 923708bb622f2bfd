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
    "patch.untrusted": page(
        ("the patch has no signature, or one of another key", "差分包未签名，或用了其他密钥"),
        "moduline delta info PATCH",
        ("says who signed it", "显示签名信息"),
    ),
}
