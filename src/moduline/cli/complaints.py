"""What the command-line library complains about, in both languages; it speaks English only."""

from __future__ import annotations

import re
from typing import Final

from moduline.errors import Text

_IN_CHINESE: Final = (
    (r"No such command '(.+)'\.", "没有命令“{0}”"),
    (r"No such option: (\S+)(?: .*)?", "没有选项 {0}"),
    (r"Missing (?:parameter|argument)[: ]+'?(.+?)'?\.?", "缺少参数 {0}"),
    (r"Missing option '?(.+?)'?\.?", "缺少选项 {0}"),
    (r"Missing command\.?", "缺少命令"),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.+)\)", "多余的参数：{0}"),
    (r"Option '?(.+?)'? requires an argument\.?", "选项 {0} 需要一个值"),
    (r"Option '?(.+?)'? does not take a value\.?", "选项 {0} 不接受值"),
    (r"Invalid value for '?(.+?)'?: Input should be a valid integer.*", "{0}：不是整数"),
    (r"Invalid value for '?(.+?)'?: Input should be a valid number.*", "{0}：不是数字"),
    (r"Invalid value for '?(.+?)'?: Input should be greater than or equal to (\S+).*", "{0}：不能小于 {1}"),
    (r"Invalid value for '?(.+?)'?: Input should be less than or equal to (\S+).*", "{0}：不能大于 {1}"),
    (r"Invalid value for '?(.+?)'?: (.+)", "{0}：{1}"),
)


def both(complaint: str) -> Text:
    """The complaint as a Text; one that is not in the table stays English in both."""
    for pattern, chinese in _IN_CHINESE:
        match = re.fullmatch(pattern, complaint.strip(), re.DOTALL)
        if match:
            return Text(complaint, chinese.format(*match.groups()))
    return Text(complaint, complaint)
