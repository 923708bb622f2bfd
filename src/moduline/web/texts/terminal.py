"""Sentences of the page "Terminal"; those about ports and buttons are the AT console's, too."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "terminal.title": Text("Terminal", "交互终端"),
    "terminal.about": Text("The REPL of a module.", "模组的 REPL 命令行。"),
    "terminal.screen": Text("REPL of {port}; Shift+Tab leaves it", "{port} 的 REPL；按 Shift+Tab 离开"),
    "terminal.port": Text("Module", "模组"),
    "terminal.choose": Text("Choose a module.", "请选择模组。"),
    "terminal.none": Text("No module has such a port just now.", "目前没有提供此类端口的模组。"),
    "terminal.none_hint": Text(
        "Plug one in, or switch on a virtual one; it appears here by itself.",
        "请接入模组或启动虚拟模组，之后会自动显示。",
    ),
    "terminal.state.connecting": Text("Connecting", "正在连接"),
    "terminal.state.connected": Text("Connected", "已连接"),
    "terminal.state.away": Text("Module is away", "模组未在线"),
    "terminal.state.busy": Text("Port in use", "端口被占用"),
    "terminal.state.lent": Text("Lent to a job", "已让给任务"),
    "terminal.state.released": Text("Disconnected", "已断开"),
    "terminal.line.connected": Text("connected to {port}", "已连接 {port}"),
    "terminal.line.back": Text("connected again to {port}", "已重新连接 {port}"),
    "terminal.line.away": Text(
        "{port} went away (restart or unplugged); it is connected again by itself",
        "{port} 已断开（重启或拔出），恢复后自动重新连接",
    ),
    "terminal.line.busy": Text(
        "the port of {port} is held by another program; it is tried again by itself: {why}",
        "{port} 的端口被其他程序占用，将自动重试：{why}",
    ),
    "terminal.line.lent": Text(
        "the port of {port} is used by another page or a job; it comes back afterwards",
        "{port} 的端口正由其他页面或任务使用，结束后自动恢复",
    ),
    "terminal.line.released": Text("disconnected from {port}", "已与 {port} 断开"),
    "terminal.connect": Text("Connect", "连接"),
    "terminal.disconnect": Text("Disconnect", "断开"),
    "terminal.other_writes": Text("Another page writes; this one reads along.", "另一页面正在输入，本页仅查看。"),
    "terminal.take_over": Text("Take over", "接管输入"),
    "terminal.taken_over": Text("You write now.", "现在由您输入。"),
    "terminal.interrupt": Text("Interrupt", "中断"),
    "terminal.restart": Text("Soft reset", "软复位"),
    "terminal.paste": Text("Paste mode", "粘贴模式"),
    "terminal.clear": Text("Clear", "清屏"),
    "terminal.stamps": Text("Time stamps", "时间戳"),
    "terminal.search": Text("Search", "搜索"),
    "terminal.search_for": Text("Search in what was printed", "在输出中搜索"),
    "terminal.search_next": Text("Next", "下一个"),
    "terminal.search_before": Text("Previous", "上一个"),
    "terminal.search_close": Text("Close the search", "关闭搜索"),
    "terminal.found": Text("{at} of {count}", "第 {at} 个，共 {count} 个"),
    "terminal.found_none": Text("not found", "未找到"),
    "terminal.save": Text("Save log", "保存日志"),
    "terminal.history": Text("History", "历史"),
    "terminal.history_filter": Text("Filter", "筛选"),
    "terminal.history_none": Text("Nothing was typed yet.", "还没有输入记录。"),
    "terminal.history_pick": Text("Enter takes the first line of the list.", "按回车选用列表首行。"),
    "terminal.line": Text("Line or block to run", "要执行的语句或代码块"),
    "terminal.line_hint": Text(
        "Enter sends, Shift+Enter begins a line; Chinese and blocks go through paste mode",
        "Enter 发送，Shift+Enter 换行；中文与多行代码经粘贴模式发送",
    ),
    "terminal.send": Text("Send", "发送"),
    "terminal.keys": Text(
        "Tab completes, ↑ ↓ history, Ctrl+R history list, Ctrl+F search, Shift+Tab leaves the terminal.",
        "Tab 补全，↑ ↓ 历史，Ctrl+R 历史列表，Ctrl+F 搜索，Shift+Tab 离开终端。",
    ),
    "terminal.said": Text("Last lines", "最近输出"),
    "terminal.commands": Text("Command buttons", "命令按钮"),
    "terminal.commands_edit": Text("Edit buttons", "编辑按钮"),
    "terminal.commands_none": Text(
        "No button yet: make one for what you send often.", "暂无按钮，可为常用命令添加按钮。"
    ),
    "terminal.command_name": Text("Name", "名称"),
    "terminal.command_text": Text("What is sent", "发送内容"),
    "terminal.command_add": Text("Add button", "添加按钮"),
    "terminal.command_added": Text("Button “{name}” added.", "已添加按钮“{name}”。"),
    "terminal.command_remove": Text("Remove “{name}”", "删除“{name}”"),
    "terminal.commands_export": Text("Export", "导出"),
    "terminal.commands_import": Text("Import", "导入"),
    "terminal.commands_imported": Text("{count} buttons imported.", "已导入 {count} 个按钮。"),
}
