"""Why a device waits, and why an upgrade did not succeed: one list for all protocols.

1xx: nothing has failed, the device waits. 2xx: the upgrade ended without success. The numbers are stored and shown, so
one is never given another meaning. Words of a device (message text of status 14, details of a DDI feedback) are kept
in the log and never decide.

Source: ota-semantics 8; 107 to 109 and 111 to 116 are ours, for conditions of section 6 that its list has no word for;
117 to 119 are said of a draft: what its activation waits for.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from moduline.errors import Text


class Reason(IntEnum):
    """The code; ``TEXTS`` has the words."""

    OFFLINE = 100
    OUTSIDE_WINDOW = 101
    RATE_LIMITED = 102
    WAITING_FOR_USER = 103
    VERSION_UNKNOWN = 104
    SOURCE_DIFFERS = 105
    BUSY = 106
    PLAN_NOT_RUNNING = 107
    NOT_YET_TIME = 108
    RETRY_LATER = 109
    REFUSED = 110
    OUT_OF_SCOPE = 111
    DISABLED = 112
    AT_TARGET = 113
    NO_ATTEMPT_LEFT = 114
    IN_VERIFICATION = 115
    IN_PROGRESS = 116
    NOT_VERIFIED = 117
    NOT_REHEARSED = 118
    NOT_APPROVED = 119
    BATTERY_LOW = 200
    SIGNAL_WEAK = 201
    NO_SPACE = 202
    DEVICE_BUSY = 203
    URL_NOT_RECEIVED = 210
    DOWNLOAD_FAILED = 220
    DOWNLOAD_TIMEOUT = 221
    TOO_MANY_FAILURES = 222
    URL_EXPIRED = 223
    DIGEST_WRONG = 230
    NOT_SUPPORTED = 231
    INSTALL_FAILED = 240
    VERSION_MISMATCH = 250
    NOT_CONFIRMED = 251
    VERSION_UNCHANGED = 252
    TIMEOUT = 260
    PLAN_ENDED = 261
    TERMINATED = 262
    CANCELLED = 263
    UNKNOWN = 299

    @property
    def text(self) -> Text:
        """The sentence in both languages."""
        return TEXTS[self]

    @property
    def is_waiting(self) -> bool:
        """Whether the device may still be offered the plan without anybody changing anything."""
        return self < Reason.BATTERY_LOW


TEXTS: Final[Mapping[Reason, Text]] = {
    Reason.OFFLINE: Text("offline", "设备离线"),
    Reason.OUTSIDE_WINDOW: Text("outside the push windows", "不在推送时段内"),
    Reason.RATE_LIMITED: Text("rate limited, or its group is not open yet", "受速率限制或所在批次尚未开放"),
    Reason.WAITING_FOR_USER: Text("waiting for the user", "等待用户确认"),
    Reason.VERSION_UNKNOWN: Text("the version of the component is unknown", "组件版本未知"),
    Reason.SOURCE_DIFFERS: Text("the source version differs", "源版本不一致"),
    Reason.BUSY: Text("busy with another plan", "正在执行其他升级计划"),
    Reason.PLAN_NOT_RUNNING: Text("the plan is not running", "升级计划未在运行"),
    Reason.NOT_YET_TIME: Text("outside the planned time", "不在计划的起止时间内"),
    Reason.RETRY_LATER: Text("waits until it may be tried again", "等待重试间隔"),
    Reason.REFUSED: Text("refused by the device", "设备拒绝升级"),
    Reason.OUT_OF_SCOPE: Text("not in the scope of the plan", "不在升级范围内"),
    Reason.DISABLED: Text("the device is disabled", "设备已停用"),
    Reason.AT_TARGET: Text("already at the target version", "已是目标版本，无需升级"),
    Reason.NO_ATTEMPT_LEFT: Text("failed, and no attempt is left", "升级失败，重试次数已用尽"),
    Reason.IN_VERIFICATION: Text("used by a firmware verification", "正在进行固件验证"),
    Reason.IN_PROGRESS: Text("this upgrade is in progress", "升级进行中"),
    Reason.NOT_VERIFIED: Text("an artifact has not passed a verification", "版本包未通过固件验证"),
    Reason.NOT_REHEARSED: Text("an artifact has not passed a rehearsal", "版本包未通过虚拟模组演练"),
    Reason.NOT_APPROVED: Text("more people must approve", "尚需他人批准"),
    Reason.BATTERY_LOW: Text("battery too low", "电量不足"),
    Reason.SIGNAL_WEAK: Text("signal too weak", "信号过弱"),
    Reason.NO_SPACE: Text("not enough space", "存储空间不足"),
    Reason.DEVICE_BUSY: Text("the device is busy", "设备忙"),
    Reason.URL_NOT_RECEIVED: Text("the URL was not received in time", "设备未及时收到下载地址"),
    Reason.DOWNLOAD_FAILED: Text("the download failed", "下载失败"),
    Reason.DOWNLOAD_TIMEOUT: Text("the download timed out", "下载超时"),
    Reason.TOO_MANY_FAILURES: Text("too many failed downloads", "下载失败次数过多"),
    Reason.URL_EXPIRED: Text("the URL had expired", "下载地址已过期"),
    Reason.DIGEST_WRONG: Text("the digest of the file is wrong", "文件校验值错误"),
    Reason.NOT_SUPPORTED: Text("the device does not support this kind of artifact", "设备不支持此版本包类型"),
    Reason.INSTALL_FAILED: Text("the installation failed", "安装失败"),
    Reason.VERSION_MISMATCH: Text("another version than the target was reported", "上报版本与目标版本不一致"),
    Reason.NOT_CONFIRMED: Text("the version was not confirmed", "升级后版本未得到确认"),
    Reason.VERSION_UNCHANGED: Text("the version is unchanged after the restart", "重启后版本未变化"),
    Reason.TIMEOUT: Text("not finished in time", "升级超时"),
    Reason.PLAN_ENDED: Text("the plan ended", "升级计划已结束"),
    Reason.TERMINATED: Text("the plan was terminated", "升级计划已被强制终止"),
    Reason.CANCELLED: Text("cancelled", "已取消"),
    Reason.UNKNOWN: Text("unknown reason", "未知原因"),
}
