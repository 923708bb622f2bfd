"""What the stages of jobs are called; ``step.NAME`` for the name that a verb reports."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text
from moduline.line.board_words import STEPS as BURN_STEPS
from moduline.remote.rescue import STEPS

TEXTS: Final = (
    {f"step.rescue.{name}": words for name, words in STEPS.items()}
    | {f"step.{name}": words for name, words in BURN_STEPS.items()}
    | {
        "step.burn": Text("Sent to the module", "已发送到模组"),
        "step.check": Text("Testing the module", "检测模组"),
        "step.verify": Text("Read back", "已回读"),
        "step.export.read": Text("Reading the records", "读取记录"),
        "step.export.write": Text("Writing the file", "写入文件"),
        "step.gang.run": Text("The line is running", "产线运行中"),
        "step.console.devices": Text("Changing devices", "修改设备"),
        "step.console.devices.count": Text("{done} of {total} devices", "{done}/{total} 台设备"),
        "step.console.upload": Text("Sending to the platform", "上传到平台"),
        "step.delta.code": Text("Coding", "编码"),
        "step.delta.compare": Text("Decoding and comparing", "解码并比对"),
        "step.files.bring": Text("Coming from your computer", "从您的电脑接收"),
        "step.files.fetch": Text("Reading from the module", "从模组读取"),
        "step.files.run": Text("Running", "运行中"),
        "step.files.send": Text("Writing to the module", "写入模组"),
        "step.files.verify": Text("Comparing once more", "再次比对"),
        "step.fota.clean": Text("Applying without a power cut", "无断电应用"),
        "step.fota.rehearse": Text("Cutting the power", "断电演练"),
        "step.fota.rehearse.count": Text("{done} of {total} trials", "{done}/{total} 次试验"),
        "step.project.merge": Text("Building the images and merging", "生成镜像并合并"),
        "step.project.prepare": Text("Checking the project", "检查工程"),
        "step.project.read": Text("Reading the firmware", "读取固件"),
        "step.project.trial": Text("Running on a virtual module", "在虚拟模组上运行"),
        "step.project.write": Text("Writing the package", "写出固件包"),
    }
)
