"""Exit codes of the command line, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.errors.tree import Text

EXITS: Final[Mapping[int, Text]] = {
    0: Text("done", "完成"),
    1: Text("a fault in Moduline itself, or in this computer", "Moduline 自身或本机故障"),
    2: Text("wrong usage: an option, an address, a file name", "用法错误：选项、地址或文件名"),
    3: Text("no module or port", "没有模组或端口"),
    4: Text("several modules match", "有多个模组符合"),
    5: Text("the port is busy, or this user may not open it", "端口被占用或无权限"),
    6: Text("no answer, or a time-out", "无应答或超时"),
    7: Text("wrong model or version", "型号或版本不符"),
    8: Text("a package, image, patch or project is invalid", "固件包、镜像、差分包或项目无效"),
    9: Text("a write or its verification failed", "写入或校验失败"),
    10: Text("a script raised on the module", "脚本在模组上抛出异常"),
    11: Text("a test failed", "测试未通过"),
    12: Text("a part of a gang failed", "批量烧录中有未通过的模组"),
    13: Text("no space, or too big", "空间不足或内容过大"),
    14: Text("network or server", "网络或服务器"),
    15: Text("refused by a rule: signature, locked order, IMEI, role", "被规则拒绝：签名、锁定工单、IMEI、权限"),
    16: Text("the user said no", "用户选择不执行"),
    17: Text("the patch does not fit this source", "差分包与源不符"),
    124: Text("the total time ran out", "总时限已到"),
    130: Text("stopped by Ctrl-C", "被 Ctrl-C 中止"),
}
