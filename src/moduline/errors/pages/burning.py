"""Pages of errors of burning and of the production line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.errors.pages.page import Page, page

PAGES: Final[Mapping[str, Page]] = {
    "burn.window-missed": page(
        (
            (
                "the switch by AT was not taken, the boot pin was not held, or the module left download mode after "
                "its ten seconds"
            ),
            "AT 切换未生效、未按住 BOOT，或模组在约十秒后退出了下载模式",
        ),
        "moduline burn FILE --pin-wait 120",
        ("gives two minutes for the boot pin", "留两分钟操作 BOOT 引脚"),
    ),
    "burn.wrong-module": page(
        ("the package is for another model, region or flash size", "固件包适用于其他型号、区域或 Flash 容量"),
        "moduline pack info FILE",
        ("says what the package is for", "显示固件包适用的型号"),
    ),
    "burn.wrong-version": page(
        (
            "the module booted its old firmware, or the package names another version",
            "模组仍运行旧固件，或固件包标注有误",
        ),
        "moduline info --port auto",
        ("asks what runs now", "查询当前版本"),
    ),
    "burn.write-failed": page(
        (
            "the loader refused: wrong package, worn flash, or bytes lost on the way",
            "加载器拒绝：固件包不符、Flash 损坏或丢字节",
        ),
        "moduline pack verify FILE",
        ("checks the package first", "先检查固件包"),
    ),
    "burn.verify-failed": page(
        ("a weak supply while writing, or worn flash", "写入时供电不稳，或 Flash 老化"),
        "moduline burn FILE --verify all",
        ("burns again and reads everything back", "重新烧录并回读全部内容"),
    ),
    "burn.identity-lost": page(
        (
            "NV was lost in an earlier try, or another module lies in the slot now",
            "此前烧录丢失了 NV，或该位置换了模组",
        ),
        "moduline nv list",
        ("shows the saved NV blocks and their IMEIs", "列出已保存的 NV 与 IMEI"),
    ),
    "burn.nv-damaged": page(
        (
            (
                "the power went while NV was written, or the flash lost it. The saved block is not used by itself, as "
                "nothing proves that it is this unit's"
            ),
            "写入 NV 时断电，或 Flash 丢失了数据。由于无法证明备份属于此模组，不会自动写回",
        ),
        "moduline burn FILE --port slot:A3 --restore-nv last",
        ("shows the IMEI of the saved block, asks, writes it", "显示备份的 IMEI，确认后写回"),
    ),
    "burn.nv-foreign": page(
        (
            "the file belongs to another unit; with it two modules would have one IMEI",
            "该文件属于其他模组，写入会导致 IMEI 重复",
        ),
        "moduline nv list --imei 866981057532206",
        ("finds the blocks of one unit", "查找某个模组的备份"),
    ),
    "gang.part-failed": page(
        ("some slots failed; each has its own error in its record", "部分通道失败，各自原因见记录"),
        "moduline gang report",
        ("shows every try", "显示每次烧录的结果"),
    ),
    "line.records-unwritable": page(
        ("the disk is full, or the database does not answer", "磁盘已满，或数据库无应答"),
        "moduline doctor",
        ("says how much space is left", "显示剩余空间"),
    ),
    "usage.unknown-order": page(
        ("the order was never made on this computer, or its name is misspelt", "本机没有该工单，或名称有误"),
        "moduline gang order list",
        ("lists the orders", "列出工单"),
    ),
    "order.locked": page(
        ("the file is another build, although its name is the same", "文件内容不同，即使名称相同"),
        "moduline gang order list",
        ("shows the hash each order is locked to", "显示工单锁定的哈希"),
    ),
    "order.over": page(
        ("all units of the order are done, or somebody closed it", "工单数量已完成，或已关闭"),
        "moduline gang order list",
        ("shows what each order got", "显示各工单进度"),
        ("begin another order", "请新建工单"),
    ),
    "order.exists": page(
        ("two orders would have one name", "工单名称重复"),
        "moduline gang order list",
        ("shows the names in use", "显示已用名称"),
    ),
    "units.exhausted": page(
        ("the table has fewer rows than there are modules", "数据表行数少于模组数量"),
        "moduline gang units FILE",
        ("shows what was given to whom", "显示已分配情况"),
    ),
    "units.conflict": page(
        ("the row names another IMEI, or was given to another module", "该行指定了其他 IMEI，或已分配给其他模组"),
        "moduline gang units FILE",
        ("shows what was given to whom", "显示已分配情况"),
    ),
    "units.unknown-module": page(
        ("the module was in download mode already, where it cannot tell its IMEI", "模组已处于下载模式，无法读取 IMEI"),
        "moduline port watch",
        ("shows whether its AT port comes", "查看 AT 口是否出现"),
    ),
    "check.failed": page(
        (
            "the module, its antenna, its SIM or the jig is at fault, or a limit is too tight",
            "模组、天线、SIM 或夹具故障，或限值过严",
        ),
        "moduline gang report",
        ("shows each check with its value", "显示各项检测数值"),
    ),
    "nor.violation": page(
        ("a program writes flash without erasing it first, or across its end", "程序未擦除就写入，或越过 Flash 末尾"),
        "moduline virt fault m1 clear",
        ("ends the faults that were switched on", "清除已设置的故障"),
    ),
    "nor.cut": page(
        ("a scenario or a fault cut the power there", "场景或故障设置在此处断电"),
        "moduline virt power m1 on",
        ("powers it again", "重新上电"),
    ),
    "usage.no-such-record": page(
        ("a misspelt id, or a record of another order", "编号有误，或属于其他工单"),
        "moduline gang report",
        ("shows the records", "列出记录"),
    ),
    "label.failed": page(
        ("the printer is off, out of labels, or not at that address", "打印机关机、缺纸，或地址有误"),
        "moduline gang label --help",
        ("prints a unit's label again", "重新打印标签"),
        (
            "see to the printer and print the label again; the unit's verdict stands",
            "检查打印机后重新打印；烧录结论不变",
        ),
    ),
    "webhook.failed": page(
        ("the server is down, or refuses what it is sent", "服务器不可用，或拒绝接收"),
        "moduline gang webhook list",
        ("shows how many records wait", "查看等待发送的记录数"),
    ),
    "burn.wrong-unit": page(
        ("the module in the slot was exchanged while it was burnt", "烧录过程中该位置更换了模组"),
        "moduline gang report",
        ("shows which data each module got", "查看各模组得到的数据"),
    ),
}
