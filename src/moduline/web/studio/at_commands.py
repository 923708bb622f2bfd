"""AT commands of the modules, with what each is for. A short list for people, no grammar.

Source: 3GPP TS 27.007, TS 27.005, ITU-T V.250; device-api 4, 9.2 to 9.4, 10.6; platform-unisoc 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moduline.errors import Text


@dataclass(frozen=True, slots=True)
class AtHelp:
    """A command as it is typed, and what it is for."""

    command: str
    words: Text


COMMANDS: Final = tuple(
    AtHelp(command, Text(en, zh))
    for command, en, zh in (
        ("AT", "Is anybody there?", "测试通信"),
        ("ATI", "Maker, model and firmware", "厂商、型号与固件版本"),
        ("ATE0", "Echo off", "关闭回显"),
        ("ATE1", "Echo on", "打开回显"),
        ("ATV1", "Results as words", "结果码以文字显示"),
        ("AT&F", "Settings as delivered", "恢复出厂设置参数"),
        ("AT&V", "Show the settings", "显示当前参数"),
        ("AT+GSN", "IMEI", "查询 IMEI"),
        ("AT+CGSN", "IMEI", "查询 IMEI"),
        ("AT+CGSN=0", "Serial number", "查询序列号"),
        ("AT+EGMR=0,7", "IMEI as it is stored", "读取已写入的 IMEI"),
        ("AT+CGMI", "Maker", "查询厂商"),
        ("AT+CGMM", "Model", "查询型号"),
        ("AT+CGMR", "Firmware version", "查询固件版本"),
        ("AT+QGMR", "Firmware version with its build", "查询完整固件版本"),
        ("AT+CMEE?", "How errors are told", "查询错误报告方式"),
        ("AT+CMEE=2", "Errors in words", "错误以文字报告"),
        ("AT+CFUN?", "Functionality: 0 off, 1 full, 4 flight mode", "查询功能模式：0 最小，1 全功能，4 飞行"),
        ("AT+CFUN=1", "Full functionality", "全功能模式"),
        ("AT+CFUN=4", "Flight mode", "飞行模式"),
        ("AT+CFUN=1,1", "Restart the module", "重启模组"),
        ("AT+QPOWD=1", "Switch the module off in order", "正常关机"),
        ("AT+CCLK?", "Clock", "查询时钟"),
        ("AT+QLTS=2", "Local time by the network", "查询网络本地时间"),
        ("AT+CBC", "Battery voltage", "查询电池电压"),
        ("AT+CPIN?", "Is the SIM ready?", "查询 SIM 卡状态"),
        ("AT+CIMI", "IMSI of the SIM", "查询 IMSI"),
        ("AT+QCCID", "ICCID of the SIM", "查询 ICCID"),
        ("AT+CNUM", "Own number", "查询本机号码"),
        ("AT+CSQ", "Signal: 0 to 31, 99 unknown", "查询信号强度：0 至 31，99 未知"),
        ("AT+CREG?", "Registration, circuit-switched", "查询 CS 域注册状态"),
        ("AT+CGREG?", "Registration, packet-switched", "查询 PS 域注册状态"),
        ("AT+CEREG?", "Registration, LTE", "查询 LTE 注册状态"),
        ("AT+CEREG=1", "Tell when the LTE registration changes", "LTE 注册状态变化时主动上报"),
        ("AT+COPS?", "Operator", "查询运营商"),
        ("AT+COPS=?", "Operators in reach; takes a while", "搜索可用运营商（耗时较长）"),
        ("AT+QNWINFO", "Network technology and band", "查询网络制式与频段"),
        ('AT+QENG="servingcell"', "Facts of the serving cell", "查询服务小区信息"),
        ('AT+QENG="neighbourcell"', "Neighbouring cells", "查询邻区信息"),
        ("AT+CGATT?", "Attached to the packet network?", "查询是否附着网络"),
        ("AT+CGDCONT?", "Data contexts (APN)", "查询 PDP 上下文（APN）"),
        ('AT+CGDCONT=1,"IP","cmnet"', "Set the APN of context 1", "设置 1 号上下文的 APN"),
        ("AT+CGACT?", "Active data contexts", "查询已激活的上下文"),
        ("AT+CGPADDR", "IP addresses", "查询 IP 地址"),
        ("AT+QDOWNLOAD=1", "Into download mode: the module goes away", "进入下载模式（端口会消失）"),
    )
)


def commands_like(wanted: str) -> list[AtHelp]:
    """Those in which every word stands, in command or help of either language."""
    words = wanted.lower().split()
    return [
        one for one in COMMANDS if all(word in f"{one.command} {one.words.en} {one.words.zh}".lower() for word in words)
    ]
