"""What the process of one job runs: limits first, then the task; the answer is a file.

::

    python -m moduline.cloud.jobs.child TASK FOLDER MEMORY CPU

``request.json`` and the inputs lie in the folder; outputs, ``progress.json`` and ``answer.json`` come to lie there. The
process ends when its standard input ends: a platform that was killed leaves nothing running. It opens no database, and
no socket but one on loopback for virtual modules that are tried in it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from moduline.errors import JobBroken, ModulineError, Text

REQUEST: Final = "request.json"
ANSWER: Final = "answer.json"
PROGRESS: Final = "progress.json"
MOST_OUTPUT_BYTES: Final = 1 << 30
_NO_MEMORY: Final = Text("it needs more memory than the limit of {most} bytes", "所需内存超过上限 {most} 字节")
_FAULT: Final = Text("an internal fault, {kind}: {said}", "内部故障 {kind}：{said}")
_SAID_LIMIT: Final = 200

Task = Callable[[Mapping[str, Any], Path], Mapping[str, Any]]


def reason_of(failure: ModulineError) -> dict[str, Any]:
    """A failure as it is kept: code, both languages, facts; who reads it can raise it again."""
    return {
        "code": failure.code,
        "slug": failure.slug,
        **{lang: failure.message(lang) for lang in ("en", "zh")},
        "hint": {lang: failure.remedy(lang) for lang in ("en", "zh")},
        "facts": {name: _plain(fact, failure.facts) for name, fact in failure.facts.items()},
    }


def tell_progress(folder: Path, done: int, total: int) -> None:
    """Say how far a task is; who looks after it reads that now and then.

    Args:
        folder: of the task.
        done: pieces of work that are done.
        total: of them in all.
    """
    _keep(folder / PROGRESS, {"done": done, "total": total})


def main(arguments: list[str]) -> int:
    """Run one task; 0 when it has answered, whatever it says."""
    task, folder, memory, cpu = arguments[0], Path(arguments[1]), int(arguments[2]), int(arguments[3])
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    limit(memory, cpu)
    try:
        request = json.loads((folder / REQUEST).read_bytes())
        answer = {"facts": dict(_found(task)(request, folder))}
    except MemoryError:
        answer = {"failure": reason_of(JobBroken(reason=_NO_MEMORY, most=memory))}
    except Exception as failure:  # noqa: BLE001 - hostile input must not end a job without a reason
        answer = {"failure": reason_of(_in_our_words(failure, folder))}
    _keep(folder / ANSWER, answer)
    return 0


def limit(memory_bytes: int, cpu_s: int) -> None:
    """Set what this process may use; nothing where the system has no such limits."""
    if sys.platform == "win32":
        return
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an output that is too large is an OSError
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, MOST_OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    os.nice(10)


def _keep(path: Path, what: Mapping[str, Any]) -> None:
    """Write a file that is there as a whole or not at all."""
    started = path.with_suffix(".new")
    started.write_text(json.dumps(what), encoding="utf-8")
    started.replace(path)


def _plain(fact: object, facts: Mapping[str, Any]) -> Any:
    """A fact as JSON has it; a sentence in both languages."""
    if isinstance(fact, Text):
        known = {name: one for name, one in facts.items() if not isinstance(one, Text)}
        return {lang: fact.say(lang, **known) for lang in ("en", "zh")}
    return fact if isinstance(fact, str | int | float | bool) or fact is None else str(fact)


def _found(task: str) -> Task:
    module, _, name = task.partition(":")
    function: Task = getattr(importlib.import_module(module), name)
    return function


def _in_our_words(failure: Exception, folder: Path) -> ModulineError:
    known: BaseException = failure
    if isinstance(failure, OSError):
        from moduline.cloud.db_reasons import in_our_words  # the database's library takes as long as a small patch

        known = in_our_words(failure, str(folder.parent))
    if isinstance(known, ModulineError):
        return known
    said = " ".join(str(failure).split())[:_SAID_LIMIT]
    return JobBroken(reason=_FAULT, kind=type(failure).__name__, said=said)


def _end_with_the_parent() -> None:
    while os.read(0, 1):
        continue
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
