"""The recipe one begins with: what most lines want, each key explained in both languages."""

from __future__ import annotations

from typing import Final

STARTER: Final = """\
# The functional test of a module, check by check. / 模组功能测试，按顺序执行。
#   moduline gang recipe check FILE          is it right?           检查配方
#   moduline gang check --port ADDR --recipe FILE   on one module   检测单个模组
#   moduline gang run PACKAGE --recipe FILE  after every burn       烧录后检测
# All kinds and keys / 全部种类与字段: docs/spec/recipe.md

title = "end of line"
stop_at_first = false   # true: the first failure skips the rest / 首个失败后跳过其余检查
limit_s = 120           # seconds for everything / 总时限（秒）

[[check]]
kind = "imei"           # 15 digits, right check digit, the one in the record / 15 位、校验位正确、与记录一致

[[check]]
kind = "version"        # the package's, or / 默认与固件包一致，或指定：equals = "...", pattern = "..."

[[check]]
kind = "sim"
optional = true         # written down, fails nobody / 仅记录，不影响结果
# pattern = "^8986"     # of the ICCID / ICCID 的正则表达式

[[check]]
kind = "registration"
needs = ["sim"]         # skipped unless that passed / 前置检查未通过时跳过
allowed = ["home", "roaming"]
settle_s = 30           # it may take so long / 允许等待的秒数

[[check]]
kind = "signal"
needs = ["sim"]
min = 10                # CSQ 0..31; unit = "dbm" for dBm / CSQ 0..31，unit = "dbm" 时为 dBm
max = 31
settle_s = 10

[[check]]
kind = "voltage"
min = 3300              # mV
max = 4300

[[check]]
kind = "files"          # what was burnt is there / 已烧录的文件完整无误
ignore = ["*.log"]

[[check]]
kind = "free_space"
min = 4096              # bytes in /usr / /usr 剩余字节数

# [[check]]
# name = "board"
# kind = "script"       # prints one line of JSON / 脚本打印一行 JSON: {"ok": true, "vbat": 3712}
# file = "board.py"
# limit_s = 20
# limits.vbat = { min = 3500, max = 4200 }

# [[check]]
# name = "flight mode off"
# kind = "at"
# command = "AT+CFUN?"
# pattern = '\\+CFUN: (\\d)'
# equals = 1
"""
