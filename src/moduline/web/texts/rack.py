"""Sentences of the page "Virtual rack"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "rack.title": Text("Virtual rack", "虚拟机架"),
    "rack.about": Text(
        "Virtual modules: power, faults, and their flash at work.", "虚拟模组：供电、故障注入与 Flash 状态。"
    ),
    "rack.none": Text("No virtual module is up.", "没有正在运行的虚拟模组。"),
    "rack.none_hint": Text("Bring some up, or choose a scenario file.", "请启动虚拟模组，或选择场景文件。"),
    "rack.count": Text("{count} modules: {states}", "{count} 个模组：{states}"),
    "rack.comma": Text(", ", "、"),
    "rack.count_state": Text("{count} {state}", "{count} 个{state}"),
    "rack.dead": Text(
        "Rack {racks} ended without being taken down. Its flash files are kept: bring its modules up again.",
        "机架 {racks} 异常终止，Flash 文件仍保留：请重新启动其中的模组。",
    ),
    "rack.back": Text("All modules", "返回全部模组"),
    "rack.details": Text("Details", "详情"),
    "rack.slot": Text("Slot", "通道"),
    "rack.rack": Text("Rack", "机架"),
    "rack.model": Text("Model", "型号"),
    "rack.version": Text("Firmware", "固件版本"),
    "rack.no_version": Text("none", "无"),
    "rack.address": Text("Address", "地址"),
    "rack.ports": Text("Ports", "端口"),
    "rack.ports_about": Text(
        "Open them with any terminal program, or use the address in commands.",
        "可用任意终端程序打开，也可在命令中使用地址。",
    ),
    "rack.no_ports": Text("No port now: {why}.", "当前没有端口：{why}。"),
    "rack.why_off": Text("the module is off", "模组已关机"),
    "rack.why_cable": Text("the USB cable is out", "USB 线已拔出"),
    "rack.why_booting": Text("it is booting", "正在启动"),
    "rack.copy_imei": Text("Copy the IMEI of {name}", "复制 {name} 的 IMEI"),
    "rack.copy_path": Text("Copy the path of {role}", "复制 {role} 的路径"),
    "rack.copy_address": Text("Copy the address", "复制地址"),
    "rack.cable_out": Text("cable out", "USB 已拔出"),
    "rack.faults_on": Text("faults on: {count}", "{count} 个故障生效"),
    "rack.signal_now": Text("signal {rssi}", "信号 {rssi}"),
    "rack.no_signal": Text("no signal", "无信号"),
    "rack.no_sim": Text("no SIM", "无 SIM 卡"),
    # power
    "rack.power_on": Text("Power on", "上电"),
    "rack.power_off": Text("Power off", "断电"),
    "rack.reset": Text("Reset", "复位"),
    "rack.boot_pin": Text("Hold BOOT", "按住 BOOT"),
    "rack.boot_pin_about": Text(
        "Power it again with the boot pin held: it stays in download mode until a reset.",
        "按住 BOOT 重新上电：停留在下载模式，直到复位。",
    ),
    "rack.cable_pull": Text("Pull cable", "拔出 USB"),
    "rack.cable_put": Text("Put cable in", "插回 USB"),
    "rack.of": Text("{act}: {name}", "{act}：{name}"),
    # surroundings
    "rack.surroundings": Text("Network and supply", "网络与供电"),
    "rack.surroundings_about": Text("Scripts and AT commands see the change at once.", "脚本与 AT 命令立即可见更改。"),
    "rack.signal": Text("Signal (RSSI, 0 to 31)", "信号强度（RSSI，0 至 31）"),
    "rack.signal_dbm": Text("{rssi} · −{below} dBm", "{rssi} · −{below} dBm"),
    "rack.registration": Text("Registration", "网络注册"),
    "rack.registration_now": Text("Network now", "当前网络"),
    "rack.registration.plan": Text("as the scenario says", "按场景设定"),
    "rack.registration.home": Text("accepts the card", "接受"),
    "rack.registration.roaming": Text("accepts it, roaming", "接受（漫游）"),
    "rack.registration.denied": Text("refuses it", "拒绝"),
    "rack.registration.none": Text("never answers", "无应答"),
    "rack.network": Text("A cell is heard", "有小区信号"),
    "rack.sim": Text("SIM card is in", "已插入 SIM 卡"),
    "rack.data_up": Text("data call up", "数据已连接"),
    "rack.data_down": Text("no data call", "数据未连接"),
    "rack.battery": Text("Supply, mV", "供电电压，mV"),
    "rack.as_planned": Text("Back to the scenario", "恢复场景设定"),
    # faults
    "rack.faults": Text("Faults", "故障"),
    "rack.faults_about": Text(
        "Choose what goes wrong. It happens now, or waits for its moment.",
        "选择要注入的故障：立即发生，或等待条件满足。",
    ),
    "rack.faults_none": Text("No fault is on.", "没有生效的故障。"),
    "rack.fault": Text("Fault", "故障"),
    "rack.fault_word": Text("Word: {word}", "命令词：{word}"),
    "rack.fault_add": Text("Switch on", "注入"),
    "rack.fault_end": Text("End {word}", "结束 {word}"),
    "rack.fault_clear": Text("End all", "全部清除"),
    "rack.fault_done": Text("{name}: {label}", "{name}：{label}"),
    # flash
    "rack.flash": Text("Flash map", "Flash 磨损图"),
    "rack.flash_about": Text(
        "Each square is a sector of {sector}; its colour tells how often it was erased.",
        "每格为一个 {sector} 扇区，颜色表示擦除次数。",
    ),
    "rack.flash_facts": Text(
        "{size}, {erases} erases so far, at most {most} of one sector.",
        "{size}，累计擦除 {erases} 次，单扇区最多 {most} 次。",
    ),
    "rack.flash_table": Text("As a table", "以表格显示"),
    "rack.erased_times": Text("erases", "擦除次数"),
    "rack.wear.0": Text("never", "从未"),
    "rack.wear.1": Text("once", "1 次"),
    "rack.wear.2": Text("2 to 3", "2–3 次"),
    "rack.wear.3": Text("4 to 7", "4–7 次"),
    "rack.wear.4": Text("8 to 31", "8–31 次"),
    "rack.wear.5": Text("32 and more", "32 次及以上"),
    "rack.touched": Text("just now", "刚刚操作"),
    "rack.partition": Text("Partition", "分区"),
    "rack.erases": Text("Erases", "擦除次数"),
    "rack.most": Text("Most of one", "单扇区最多"),
    "rack.size": Text("Size", "大小"),
    "rack.strip": Text(
        "{partition}: {sectors} sectors, {erases} erases, at most {most} of one",
        "{partition}：{sectors} 个扇区，擦除 {erases} 次，单扇区最多 {most} 次",
    ),
    "rack.strip_short": Text("erases: {erases} · most of one: {most}", "擦除 {erases} 次 · 单扇区最多 {most} 次"),
    # operations
    "rack.operations": Text("Flash operations", "Flash 操作"),
    "rack.operations_about": Text(
        "Newest first; neighbours are joined. What scripts read goes past the flash and is not listed.",
        "最新在前，相邻操作合并。脚本的读取不经过此处，不在列表中。",
    ),
    "rack.operations_none": Text("Nothing was done to the flash since power-on.", "上电以来没有 Flash 操作。"),
    "rack.pause": Text("Pause", "暂停"),
    "rack.go_on": Text("Go on", "继续"),
    "rack.paused": Text("paused; the module goes on", "已暂停显示，模组仍在运行"),
    "rack.gap": Text("Earlier operations are not kept.", "更早的操作未保留。"),
    "rack.number": Text("No.", "序号"),
    "rack.time": Text("Time", "时间"),
    "rack.action": Text("Action", "动作"),
    "rack.bytes": Text("Bytes", "字节"),
    # more modules
    "rack.more": Text("Bring up modules", "启动模组"),
    "rack.more_title": Text("Bring up more modules", "启动更多虚拟模组"),
    "rack.more_model": Text("Model", "型号"),
    "rack.more_count": Text("How many", "数量"),
    "rack.more_blank": Text("Flash erased, as new from the chip maker", "Flash 为空（全新芯片）"),
    "rack.more_off": Text("Leave the power off", "不上电"),
    "rack.more_realistic": Text("Boot as slowly as real modules", "按真实速度启动"),
    "rack.more_act": Text("Bring up", "启动"),
    "rack.more_job": Text("{count} virtual modules {model}", "{count} 个虚拟模组 {model}"),
    "rack.scenario": Text("Scenario file", "场景文件"),
    "rack.scenario_title": Text("Bring up this scenario?", "启动该场景？"),
    "rack.scenario_about": Text(
        "Modules of these names must be down; others stay as they are.", "同名模组须先关闭，其他模组不受影响。"
    ),
    "rack.scenario_job": Text("Scenario {file}", "场景 {file}"),
    "rack.scenario_story": Text("Later", "之后"),
    "rack.take_down": Text("Take down", "关闭"),
    "rack.take_down_all": Text("Take all down", "全部关闭"),
    "rack.take_down_one_ask": Text("Take {name} down?", "关闭 {name}？"),
    "rack.take_down_all_ask": Text("Take all {count} modules down?", "关闭全部 {count} 个模组？"),
    "rack.take_down_about": Text(
        "Ports vanish at once. The flash is kept for the next time.", "端口立即消失，Flash 内容保留到下次启动。"
    ),
    "rack.delete": Text("Take down and delete the flash", "关闭并删除 Flash"),
    "rack.delete_about": Text(
        "Ports vanish at once, and all that was burnt is gone.", "端口立即消失，已烧录的内容全部丢失。"
    ),
    "rack.taken_down": Text("Down: {names}", "已关闭：{names}"),
    "rack.gone": Text("{name} is not up any more.", "{name} 已不在运行。"),
}
