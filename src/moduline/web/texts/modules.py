"""Sentences of the page "Modules and ports"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "modules.title": Text("Modules and ports", "模组与端口"),
    "modules.about": Text(
        "What is connected, real and virtual, and what each port is for.", "已连接的真实与虚拟模组，以及各端口用途。"
    ),
    "modules.count": Text("{count} modules connected", "已连接 {count} 个模组"),
    "modules.count_one": Text("1 module connected", "已连接 1 个模组"),
    "modules.none": Text("No module is connected.", "未发现已连接的模组。"),
    "modules.none_hint": Text(
        "Plug one in, or bring up a virtual one on the page “Virtual rack”; it appears here by itself.",
        "请接入模组，或在“虚拟机架”页面启动虚拟模组；接入后会自动显示。",
    ),
    "modules.to_rack": Text("To the virtual rack", "前往虚拟机架"),
    "modules.list": Text("Connected modules", "已连接的模组"),
    "modules.state.running": Text("Running", "运行中"),
    "modules.state.booting": Text("Booting", "启动中"),
    "modules.state.download": Text("Download mode", "下载模式"),
    "modules.state.off": Text("Off", "已关机"),
    "modules.state.silent": Text("No answer", "无应答"),
    "modules.virtual": Text("virtual", "虚拟"),
    "modules.real": Text("real", "真实"),
    "modules.unnamed": Text("Module at {place}", "位于 {place} 的模组"),
    "modules.model": Text("Model", "型号"),
    "modules.version": Text("Firmware", "固件版本"),
    "modules.not_asked": Text("not asked yet", "尚未查询"),
    "modules.hidden": Text("not told in download mode", "下载模式下不可读取"),
    "modules.slot": Text("Slot", "通道"),
    "modules.place": Text("USB place", "USB 位置"),
    "modules.address": Text("Address", "地址"),
    "modules.ports": Text("Ports of {name}", "{name} 的端口"),
    "modules.path": Text("Path", "路径"),
    "modules.copy_what": Text("Copy {what}", "复制 {what}"),
    "modules.role.at": Text("AT commands", "AT 指令"),
    "modules.role.repl": Text("REPL", "REPL 交互"),
    "modules.role.download": Text("Download", "下载"),
    "modules.role.diag": Text("Diagnosis", "诊断"),
    "modules.role.ap_log": Text("Log (AP)", "AP 日志"),
    "modules.role.cp_log": Text("Log (CP)", "CP 日志"),
    "modules.role.mos": Text("MOS", "MOS"),
    "modules.role.modem": Text("Modem", "Modem"),
    "modules.role.nmea": Text("NMEA", "NMEA"),
    "modules.role.serial": Text("Serial", "串口"),
    "modules.go.terminal": Text("Terminal", "交互终端"),
    "modules.go.files": Text("Files", "文件"),
    "modules.go.burn": Text("Burn", "烧录"),
    "modules.go.at": Text("AT", "AT 指令"),
    "modules.go_what": Text("{page} of {name}", "{name}：{page}"),
    "modules.identify": Text("Identify", "查询信息"),
    "modules.identified": Text(
        "{model}, IMEI {imei}, firmware {version}, asked over {via}",
        "{model}，IMEI {imei}，固件 {version}（经 {via} 查询）",
    ),
    "modules.stop": Text("Stop script", "停止脚本"),
    "modules.stop_ask": Text("Stop the script that runs on {name}?", "停止 {name} 上正在运行的脚本？"),
    "modules.stop_about": Text(
        "Ctrl-C is sent until the prompt comes; no file is changed.", "持续发送 Ctrl-C 直至出现提示符；不改动任何文件。"
    ),
    "modules.stopped": Text(
        "The script on {name} is stopped; the module is at its prompt.", "{name} 的脚本已停止，处于提示符状态。"
    ),
    "modules.at_prompt": Text("No script ran; {name} is at its prompt.", "没有脚本在运行，{name} 处于提示符状态。"),
    "modules.rescue": Text("Rescue", "解救"),
    "modules.rescue_title": Text("Rescue {name}", "解救 {name}"),
    "modules.rescue_about": Text(
        "For a module whose main.py never gives the prompt back. These steps are tried in order until one works:",
        "用于 main.py 死循环、无法回到提示符的模组。按以下顺序执行，直到成功：",
    ),
    "modules.rescue_keep": Text("Leave main.py as it is called", "不改名 main.py"),
    "modules.rescue_go": Text("Rescue now", "立即解救"),
    "modules.rescue_job": Text("Rescue {address}", "解救 {address}"),
    "modules.rescue_unsure": Text(
        "If the firmware does not take Ctrl-C, only burning helps: the page “Burn”.",
        "若固件不响应 Ctrl-C，只能重新烧录：请使用“烧录”页面。",
    ),
    "modules.rescued": Text("The module is at its prompt.", "模组处于提示符状态。"),
    "modules.rescued_renamed": Text(
        "The module is at its prompt; main.py is now {path}.", "模组处于提示符状态；main.py 已改名为 {path}。"
    ),
    "modules.is_off": Text("Virtual modules that are off or unplugged", "已关机或未插入的虚拟模组"),
    "modules.unknown": Text("Ports nobody recognised", "未识别的端口"),
    "modules.unknown_about": Text(
        "Serial ports whose USB ids are not those of a known module. A terminal on one of them still works.",
        "这些串口的 USB 标识不属于已知模组，但仍可在其上打开终端。",
    ),
    "modules.product": Text("Product", "产品"),
    "modules.usb_id": Text("USB id", "USB 标识"),
    "modules.open": Text("Open", "打开"),
    "modules.findings": Text("In the way", "需要处理的问题"),
    "modules.nothing_wrong": Text("Nothing stands in the way.", "未发现问题。"),
    "modules.check": Text("Check the ports", "检查端口"),
    "modules.problem": Text("Problem", "问题"),
    "modules.hint": Text("Note", "提示"),
    "modules.help": Text("A module does not appear?", "模组没有显示？"),
    "modules.help_cable": Text(
        "Cable with data lines, hub with a supply of its own, PWRKEY held long enough?",
        "线缆是否含数据线？集线器是否独立供电？PWRKEY 是否按够时长？",
    ),
    "modules.help_rules": Text(
        "On Linux, udev rules let every user open the ports and keep ModemManager away from them:",
        "Linux 下可安装 udev 规则，使所有用户可打开端口，并避免 ModemManager 占用：",
    ),
    "modules.help_save": Text("Save the rules file", "保存规则文件"),
}
