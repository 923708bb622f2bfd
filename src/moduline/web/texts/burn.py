"""Sentences of the page "Burn"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "burn.title": Text("Burn", "烧录"),
    "burn.about": Text("Write a package to one module.", "将固件包写入一个模组。"),
    "burn.comma": Text(", ", "、"),
    # 1 module
    "burn.module": Text("1. Module", "1. 模组"),
    "burn.module_about": Text("What is connected now, real and virtual.", "当前连接的真实与虚拟模组。"),
    "burn.module_none": Text("No module is connected.", "没有连接模组。"),
    "burn.module_none_hint": Text(
        "Plug one in, or bring up virtual ones on the page “Virtual rack”.",
        "请接入模组，或在“虚拟机架”页面启动虚拟模组。",
    ),
    "burn.module_lost": Text("{address} is not connected now.", "{address} 当前未连接。"),
    "burn.virtual": Text("virtual", "虚拟"),
    "burn.real": Text("USB", "USB"),
    "burn.in_download": Text("in download mode", "下载模式"),
    "burn.runs": Text("runs", "运行中"),
    "burn.unknown_model": Text("unknown module", "未知型号"),
    "burn.slot": Text("slot {slot}", "通道 {slot}"),
    "burn.other": Text("Another address", "其他地址"),
    "burn.other_hint": Text("such as slot:A3, usb:1-2.4 or COM7", "例如 slot:A3、usb:1-2.4 或 COM7"),
    # 2 package
    "burn.package": Text("2. Package", "2. 固件包"),
    "burn.package_none": Text("No package is chosen.", "尚未选择固件包。"),
    "burn.package_hint": Text(
        "A .zip, .pac, .bin or .binpkg: stock firmware, or what the page “Project” made.",
        "支持 .zip、.pac、.bin、.binpkg：官方固件，或“工程”页面生成的固件包。",
    ),
    "burn.choose": Text("Choose a package", "选择固件包"),
    "burn.choose_other": Text("Choose another", "重新选择"),
    "burn.file": Text("File", "文件"),
    "burn.reading": Text("reading the package", "正在读取固件包"),
    # 3 options
    "burn.options": Text("3. Options", "3. 选项"),
    "burn.options_about": Text("As they stand they fit nearly always.", "默认设置适用于大多数情况。"),
    "burn.verify": Text("Read back and compare", "回读校验"),
    "burn.verify.device": Text("nothing: the module's own check", "不回读：仅模组自检"),
    "burn.verify.areas": Text("boot code and script areas", "引导程序与脚本分区"),
    "burn.verify.all": Text("everything", "全部内容"),
    "burn.only_scripts": Text("Only the script areas; firmware stays", "仅烧录脚本分区，固件保持不变"),
    "burn.force": Text("Even if the module says it is another model", "即使模组型号不符也继续"),
    "burn.accept_loss": Text(
        "NV damaged, nothing saved: burn without an IMEI", "NV 损坏且无备份时仍烧录（模组将没有 IMEI）"
    ),
    "burn.baud": Text("Line rate of a UART (0: as it is)", "串口波特率（0 为不变）"),
    "burn.pin_wait": Text("Wait for the boot pin, seconds", "等待按住 BOOT 的秒数"),
    "burn.nv": Text("NV of the module", "模组 NV 数据"),
    "burn.nv.keep": Text("keep the module's own (IMEI, calibration)", "保留模组自身数据（IMEI 与校准）"),
    "burn.nv.saved": Text("bring back {imei}, saved {at}", "写回 {imei}（保存于 {at}）"),
    "burn.nv_warning": Text(
        "The NV of IMEI {imei} will be written. Compare it with the label on the module!",
        "将写入 IMEI {imei} 的 NV 数据，请与模组标签核对！",
    ),
    # 4 plan
    "burn.plan": Text("4. Plan", "4. 计划"),
    "burn.plan_none": Text("Choose a package to see what will be done.", "选择固件包后，此处显示将执行的操作。"),
    "burn.plan_for": Text(
        "For {model}, version {version}: {bytes} to send, {read_back} to read back.",
        "适用型号 {model}，版本 {version}：发送 {bytes}，回读 {read_back}。",
    ),
    "burn.kept": Text("Kept", "保留"),
    "burn.lost": Text("Lost", "丢失"),
    "burn.kept_nv": Text("IMEI and radio calibration", "IMEI 与射频校准"),
    "burn.kept_firmware": Text("firmware", "固件"),
    "burn.kept_rest": Text("every other place of the flash", "Flash 其余部分"),
    "burn.lost_nothing": Text("nothing", "无"),
    "burn.part": Text("Part", "部分"),
    "burn.does": Text("Action", "动作"),
    "burn.address": Text("Address", "地址"),
    "burn.bytes": Text("Bytes", "字节"),
    "burn.read_back": Text("Read back", "回读"),
    "burn.yes": Text("yes", "是"),
    "burn.no": Text("no", "否"),
    "burn.pin_only": Text(
        "This chip has no sure way by AT: keep a finger ready for BOOT.",
        "该平台不一定支持 AT 进入下载模式：请准备按住 BOOT。",
    ),
    "burn.wrong_model": Text(
        "The package is for {package}, the module says {module}.", "固件包适用于 {package}，而模组为 {module}。"
    ),
    "burn.act": Text("Burn", "开始烧录"),
    "burn.missing_module": Text("Choose a module first.", "请先选择模组。"),
    "burn.ask": Text("Burn {file} into {module}?", "将 {file} 烧录到 {module}？"),
    "burn.ask_about": Text(
        "Do not unplug it until it is done. A burn that was cut off is done again from the start.",
        "完成前请勿断电或拔出。中断后可重新烧录。",
    ),
    "burn.job": Text("Burn {file} into {module}", "将 {file} 烧录到 {module}"),
    # progress
    "burn.now": Text("Progress", "进度"),
    "burn.last": Text("Last burns", "最近的烧录"),
    "burn.steps": Text("Steps", "步骤"),
    "burn.step.waiting": Text("to come", "等待"),
    "burn.step.doing": Text("now", "进行中"),
    "burn.step.done": Text("done", "完成"),
    "burn.step.failed": Text("failed", "失败"),
    "burn.step.left_out": Text("not needed", "无需执行"),
    "burn.writing": Text("sent", "已发送"),
    "burn.comparing": Text("read back", "已回读"),
    "burn.rate": Text("{rate}/s", "{rate}/秒"),
    "burn.left": Text("about {left} left", "约剩 {left}"),
    "burn.percent": Text("{done} of {total} ({percent} %)", "{done} / {total}（{percent} %）"),
    "burn.again": Text("Burn another one", "再次烧录"),
    "burn.log": Text("Log", "日志"),
    "burn.save_log": Text("Save the log", "保存日志"),
    # boot pin
    "burn.pin_title": Text("Hold BOOT now", "请按住 BOOT"),
    "burn.pin_1": Text("Hold the BOOT button down.", "按住 BOOT 按键不放。"),
    "burn.pin_2": Text("Power the module again: hold PWK until it starts.", "给模组重新上电：长按 PWK 直到开机。"),
    "burn.pin_3": Text("Let both go. The burn begins by itself.", "松开两个按键，烧录自动开始。"),
    "burn.pin_core": Text(
        "EC800E core board: connect IO19 to GND before power, and take the wire off afterwards.",
        "EC800E 核心板：上电前将 IO19 与 GND 短接，进入下载模式后断开。",
    ),
    "burn.pin_left": Text("{seconds} s left", "剩余 {seconds} 秒"),
    "burn.pin_picture": Text(
        "A board with the buttons BOOT and PWK: first a finger on BOOT, then one on PWK.",
        "开发板上的 BOOT 与 PWK 按键：先按住 BOOT，再按 PWK。",
    ),
    "burn.pin_virtual": Text("Hold it on the virtual module", "在虚拟模组上按住 BOOT"),
    # result
    "burn.result": Text("Result", "结果"),
    "burn.outcome.PASS": Text("PASS", "成功"),
    "burn.outcome.FAIL": Text("FAIL", "失败"),
    "burn.outcome.REFUSED": Text("REFUSED", "已拒绝"),
    "burn.outcome.ERROR": Text("ERROR", "错误"),
    "burn.outcome.ABORTED": Text("ABORTED", "已中止"),
    "burn.outcome_about.PASS": Text("The module runs the new version and has told it.", "模组已运行新版本并完成核对。"),
    "burn.outcome_about.FAIL": Text(
        "The module may be half written: burn it again.", "模组可能只写入了一部分，请重新烧录。"
    ),
    "burn.outcome_about.REFUSED": Text("Nothing was changed in the module.", "模组未被改动。"),
    "burn.outcome_about.ERROR": Text("Something failed on this computer.", "本机发生错误。"),
    "burn.outcome_about.ABORTED": Text(
        "Stopped: the module may be half written, burn it again.", "已中止，模组可能只写入了一部分，请重新烧录。"
    ),
    "burn.version_before": Text("Version before", "烧录前版本"),
    "burn.version_after": Text("Version read back", "回读版本"),
    "burn.sent": Text("Accepted by the module", "模组接收"),
    "burn.took": Text("Took", "用时"),
    "burn.record": Text("Record", "记录编号"),
    "burn.copy_record": Text("Copy the record's id", "复制记录编号"),
    "burn.nv_saved": Text("NV saved as", "NV 备份"),
    "burn.unknown": Text("not known", "未知"),
}
