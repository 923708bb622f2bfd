"""The files of a new project, as text.

``{{name}}`` stands for PROJECT_NAME, ``{{folder}}`` for the folder's name, ``{{module}}`` for the slug of the module.

They are ordinary MicroPython of the oldest firmware: no f-strings, no ``:=``. Tests run every one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SETTINGS: Final = """\
module = "{{module}}"
encrypt = false      # true: every script but main.py becomes .mpy
backup = []          # files the module restores by itself, or ["all"]
exclude = []         # patterns of files that are not merged
"""

MAIN: Final = """\
import log
import utime

from usr import counter

PROJECT_NAME = '{{name}}'
PROJECT_VERSION = '1.0.0'

logger = log.getLogger('main')


def main():
    logger.info('%s %s' % (PROJECT_NAME, PROJECT_VERSION))
    print('start number %d' % counter.count())
    ticks = 0
    while True:
        ticks += 1
        print('tick %d' % ticks)
        utime.sleep_ms(500)


if __name__ == '__main__':
    main()
"""

COUNTER: Final = '''\
"""How often the module has started. A power cut at any moment leaves the old or the new number."""

import uos

PATH = '/usr/starts.txt'
FRESH = '/usr/starts.new'


def load():
    try:
        with open(PATH) as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def save(number):
    with open(FRESH, 'w') as file:
        file.write(str(number))
    uos.rename(FRESH, PATH)


def count():
    number = load() + 1
    save(number)
    return number
'''

TEST: Final = '''\
"""Runs on virtual modules, no hardware needed: moduline test ."""

import pytest


def test_main_when_started_twice_then_counts_and_ticks(module):
    module.start()
    module.wait_for('start number 1')
    module.wait_for('tick 2')
    module.reset()
    module.wait_for('start number 2')


@pytest.mark.moduline(files={'starts.txt': 'not a number'})
def test_counter_when_its_file_is_broken_then_begins_anew(repl):
    repl.exec('from usr import counter')
    assert repl.eval('counter.count()') == 1
    assert repl.eval('counter.count()') == 2


def test_counter_when_the_power_goes_at_any_flash_operation_then_old_or_new(module, power_cut):
    module.files['starts.txt'] = '41'
    module.start(runs_main=False)
    block = 'from usr import counter; counter.save(42)'
    for cut in power_cut.every(lambda: module.repl.exec(block), limit=20):
        module.repl.exec('from usr import counter')
        assert module.repl.eval('counter.load()') in (41, 42), cut
'''

WORKFLOW: Final = """\
name: test
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: pip install moduline
      - run: moduline check .
      - run: moduline test . --junit report.xml --coverage
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: report
          path: report.xml
"""

IGNORE: Final = """\
/out/
/report.xml
/.coverage
.pytest_cache/
__pycache__/
"""

README: Final = """\
# {{folder}}

A QuecPython project for {{module}}. [中文](README.zh.md)

```console
$ moduline check .                          # rules, syntax, language of the module, imports, size
$ moduline test .                           # tests/ on virtual modules
$ moduline run . --watch                    # run it on a virtual module; save a file and see what changes
$ moduline run . --watch --port auto        # the same on the module that is connected
$ moduline pack build . --base STOCK -o out/     # production package; STOCK is the module's firmware
```

| file | what it is |
| --- | --- |
| `usr/main.py` | what the module runs after power-on |
| `usr/counter.py` | imported by it with `from usr import counter` |
| `tests/` | run on the host, never sent to the module |
| `moduline.toml` | model, protection, backup |
| `.github/workflows/test.yml` | the same checks at every push |
"""

README_ZH: Final = """\
# {{folder}}

适用于 {{module}} 的 QuecPython 工程。[English](README.md)

```console
$ moduline check .                          # 检查规则、语法、模组语言版本、导入与大小
$ moduline test .                           # 在虚拟模组上运行 tests/
$ moduline run . --watch                    # 在虚拟模组上运行；保存文件即可看到变化
$ moduline run . --watch --port auto        # 在已连接的模组上运行
$ moduline pack build . --base STOCK -o out/     # 生成量产固件包；STOCK 为模组的基础固件包
```

| 文件 | 说明 |
| --- | --- |
| `usr/main.py` | 模组上电后运行的脚本 |
| `usr/counter.py` | 由 main.py 以 `from usr import counter` 导入 |
| `tests/` | 仅在主机上运行，不会发送到模组 |
| `moduline.toml` | 型号、加密、备份 |
| `.github/workflows/test.yml` | 每次推送时执行同样的检查 |
"""

FILES: Final[Mapping[str, str]] = {
    "moduline.toml": SETTINGS,
    "usr/main.py": MAIN,
    "usr/counter.py": COUNTER,
    "tests/test_main.py": TEST,
    ".github/workflows/test.yml": WORKFLOW,
    ".gitignore": IGNORE,
    "README.md": README,
    "README.zh.md": README_ZH,
}
