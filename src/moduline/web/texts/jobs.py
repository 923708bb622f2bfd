"""Sentences of long work."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "jobs.title": Text("Jobs", "任务"),
    "jobs.about": Text(
        "Everything that takes time, newest first. It goes on when you leave.",
        "所有耗时操作，最新在前；离开页面后继续执行。",
    ),
    "jobs.none": Text("Nothing has been started yet.", "尚未启动任何任务。"),
    "jobs.none_hint": Text("Burn, build or rehearse something in the Studio.", "可在工作台中烧录、构建或演练。"),
    "jobs.state.running": Text("running", "进行中"),
    "jobs.state.done": Text("done", "完成"),
    "jobs.state.failed": Text("failed", "失败"),
    "jobs.state.cancelled": Text("cancelled", "已取消"),
    "jobs.state.interrupted": Text("interrupted", "被中断"),
    "jobs.interrupted_why": Text(
        "The server ended while this ran. Look at what it worked at, then start it again.",
        "任务执行期间服务器已停止。请检查其操作对象后重新启动任务。",
    ),
    "jobs.cancel": Text("Cancel", "取消"),
    "jobs.cancelling": Text("ends at the next safe moment", "将在下一个安全点结束"),
    "jobs.log": Text("Log", "日志"),
    "jobs.save_log": Text("Save the log", "保存日志"),
    "jobs.elapsed": Text("{elapsed} so far", "已用时 {elapsed}"),
    "jobs.took": Text("took {elapsed}", "用时 {elapsed}"),
    "jobs.left": Text("about {left} left", "约剩 {left}"),
    "jobs.by": Text("by {owner}, {at}", "{owner}，{at}"),
    "jobs.open": Text("Open", "打开"),
    "jobs.all": Text("All jobs", "全部任务"),
    "jobs.step.begin": Text("begins", "开始"),
    "jobs.step.done": Text("done", "完成"),
    "jobs.step.failed": Text("failed", "失败"),
}
