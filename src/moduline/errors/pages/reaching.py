"""Pages of errors on the way to a module: ports, this computer, the REPL, files on the module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.errors.pages.page import Page, page

PAGES: Final[Mapping[str, Page]] = {
    "virt.no-interpreter": page(
        ("the wheel of the interpreter is missing or for another system", "解释器安装包缺失，或与本机系统不符"),
        "moduline doctor",
        ("says whether virtual modules can run here", "检查本机能否运行虚拟模组"),
    ),
    "storage.failed": page(
        ("the disk is full, the folder is read-only, or belongs to another user", "磁盘已满、目录只读或属于其他用户"),
        "MODULINE_HOME=/big/disk moduline burn FILE",
        ("keeps records and flash files elsewhere", "将记录与 Flash 文件存放到别处"),
    ),
    "port.no-module": page(
        (
            (
                "the module is off, its cable carries no data, its driver is missing, or it is in download mode, where "
                "it has no AT port"
            ),
            "模组未上电、线缆无数据线、缺少驱动，或处于没有 AT 口的下载模式",
        ),
        "moduline doctor --guide",
        ("goes through the causes one by one", "逐项排查原因"),
    ),
    "virt.no-rack": page(
        ("no rack was started, it was taken down, or the computer restarted", "未启动机架、机架已关闭或电脑已重启"),
        "moduline virt up --module ec600u",
        ("starts one", "启动机架"),
    ),
    "port.several": page(
        ("`auto` is used and more than one module is connected", "使用了 auto 而连接了多个模组"),
        "moduline info --port usb:1-2.4",
        ("names the module by its USB place", "用 USB 位置指定模组"),
        ("choose one of the addresses in the message", "从提示的地址中选择一个"),
    ),
    "port.busy": page(
        (
            "another program holds the port (a terminal, QPYcom, ModemManager), or this user may not open it",
            "端口被其他程序占用（终端、QPYcom、ModemManager），或当前用户无权限",
        ),
        "moduline doctor",
        ("names the program that holds it", "显示占用端口的程序"),
    ),
    "port.gone": page(
        (
            "cable out, power cut, a hub that gives too little current, or a module that restarted by itself",
            "线缆脱落、断电、集线器供电不足，或模组自行重启",
        ),
        "moduline port watch",
        ("shows when the ports come and go", "实时显示端口的出现与消失"),
    ),
    "peer.no-answer": page(
        (
            "the module hangs, is still booting, or the port is not the one with that role",
            "模组卡死、仍在启动，或端口不是对应功能的端口",
        ),
        "moduline at AT --port auto",
        ("asks for a sign of life", "测试模组是否应答"),
    ),
    "peer.bad-answer": page(
        (
            "another program talks on the same port, the cable damages bytes, or the firmware is of another kind",
            "其他程序同时使用端口、线缆导致数据出错，或固件类型不同",
        ),
        "moduline --record talk.jsonl info",
        ("keeps every byte for a report", "记录全部收发字节以便反馈"),
    ),
    "remote.repl-busy": page(
        ("main.py or another script runs and does not come to an end", "main.py 或其他脚本正在运行"),
        "moduline stop",
        ("interrupts it", "中断脚本"),
    ),
    "remote.rescue-failed": page(
        (
            "main.py catches Ctrl-C, or the firmware is of 2020 and takes none while main.py runs",
            "main.py 屏蔽了 Ctrl-C，或 2020 年的固件在 main.py 运行时不响应 Ctrl-C",
        ),
        "moduline rescue --package stock.zip --port auto",
        ("burns the script areas anew", "重新烧录脚本区"),
        ("burn the script areas of the module", "重新烧录模组的脚本区"),
    ),
    "remote.script-raised": page(
        ("the script has a fault, or uses what this firmware does not have", "脚本有误，或使用了该固件没有的功能"),
        "moduline run main.py --port virt:m1",
        ("tries it on a virtual module", "在虚拟模组上运行"),
    ),
    "remote.no-such-file": page(
        ("a wrong path: user files lie in /usr, protected copies in /bak", "路径错误：用户文件在 /usr，备份在 /bak"),
        "moduline ls :/usr",
        ("lists the files", "列出文件"),
    ),
    "remote.file-failed": page(
        (
            "the place is read-only, the folder does not exist, or the flash of the module fails",
            "位置只读、目录不存在，或模组 Flash 故障",
        ),
        "moduline mkdir :/usr/data",
        ("makes the folder first", "先建立目录"),
    ),
    "remote.file-differs": page(
        (
            "bytes were lost on the way, or a script on the module wrote the same file",
            "传输丢字节，或脚本同时写入该文件",
        ),
        "moduline cp main.py :/usr/",
        ("sends it again", "重新发送"),
    ),
    "storage.file-changed": page(
        (
            "a script on the module, another page or another program wrote the file while it was being edited",
            "编辑期间，模组上的脚本、其他页面或其他程序写入了该文件",
        ),
        "moduline cat :/usr/main.py",
        ("shows what the file holds now", "显示文件当前内容"),
    ),
    "remote.at-refused": page(
        ("the command is unknown to this firmware, or not allowed in its state", "固件不支持该命令，或当前状态不允许"),
        "moduline at AT+CMEE=2",
        ("makes the module say why", "让模组给出错误原因"),
    ),
    "remote.full": page(
        ("the user area is full; some firmware needs spare blocks for every write", "用户区已满；写入还需要空闲块"),
        "moduline rm :/usr/old.log",
        ("frees space", "释放空间"),
    ),
    "remote.repl-protected": page(
        ("a script called misc.replEnable, or set a password", "脚本调用了 misc.replEnable 或设置了密码"),
        "moduline burn FILE --only scripts",
        ("burns other scripts", "重新烧录脚本"),
    ),
    "time.total": page(
        ("the script or the transfer takes longer than --timeout allows", "脚本或传输耗时超过 --timeout"),
        "moduline run main.py --timeout 300",
        ("allows five minutes", "允许五分钟"),
    ),
    "user.said-no": page(
        ("the question was answered with no, or nobody was there to answer", "回答了“否”，或无人应答"),
        "moduline rescue --yes",
        ("does not ask", "不再询问"),
    ),
}
