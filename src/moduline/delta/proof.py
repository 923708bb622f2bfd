"""What a rehearsal showed: a JSON object for machines, and a page with one picture for people, both without a clock.

The picture has all flash operations on one axis: below, what each is for; above, how a cut before it, a tear in it,
and pairs of cuts that began there ended. A column stands for several operations when there are many; the worst shows.

Source: issue "rehearsal" (proof that a platform can store); style-anchors H32.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable, Sequence
from typing import Any, Final

from moduline.delta.rehearsal import CleanStep, Model, Trial

VERSION: Final = 1
_COLUMNS: Final = 600
_WIDTH: Final = 960
_COLOURS: Final = {
    "journal": "#8a6fb3",
    "copy": "#d9a441",
    "target": "#3f7fb5",
    "checkpoint": "#7a8a99",
    "good": "#3d9a5f",
    "bad": "#d0342c",
}
_WORDS: Final = {
    "journal": ("journal", "日志"),
    "copy": ("copy of an old block", "旧块备份"),
    "target": ("target", "目标区"),
    "checkpoint": ("checkpoint", "检查点"),
    "good": ("new firmware, whole", "新固件完整"),
    "bad": ("not recovered", "未恢复"),
}
_ROWS: Final = (
    ("cut", "power cut before", "操作前断电"),
    ("tear", "torn inside", "操作中断电"),
    ("pair", "cut again", "恢复中再断电"),
)


def proof_of(model: Model, steps: Sequence[CleanStep], trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    """All facts of a rehearsal; the same rehearsal gives the same object."""
    kinds = {name: 0 for name, *_ in _ROWS}
    for trial in trials:
        kinds[_row_of(trial)] += 1
    bad = [{"cuts": one.cuts, "complaint": one.complaint} for one in trials if one.complaint]
    return {
        "format": "moduline rehearsal",
        "version": VERSION,
        "is_good": not bad,
        "regions": [
            {
                "role": job.role,
                "in_place": job.patch is not None,
                "old_bytes": len(job.old),
                "old_sha256": hashlib.sha256(job.old).hexdigest(),
                "new_bytes": len(job.new),
                "new_sha256": hashlib.sha256(job.new).hexdigest(),
            }
            for job in model.jobs
        ],
        "store": model.store,
        "block_bytes": model.flash.geometry.erase_bytes,
        "spare_bytes": model.spare_bytes,
        "operations": sum(step.count for step in steps),
        "operations_by_kind": {
            what: sum(step.count for step in steps if step.what == what)
            for what in dict.fromkeys(s.what for s in steps)
        },
        "trials": kinds,
        "seed": seed,
        "failures": bad,
    }


def page_of(proof: dict[str, Any], steps: Sequence[CleanStep], trials: Sequence[Trial]) -> str:
    """The page; it needs nothing from anywhere else."""
    total = max(1, int(proof["operations"]))
    rows = []
    for number, (name, en, zh) in enumerate(_ROWS):
        mine = [(one.operation, "bad" if one.complaint else "good") for one in trials if _row_of(one) == name]
        rows.append(_text(18 + 34 * number, f"{en} / {zh}") + _columns(mine, total, 24 + 34 * number))
    kinds = ((at, step.what) for step in steps for at in range(step.first, step.first + step.count))
    rows.append(_text(120, "operation / 操作") + _columns(kinds, total, 126))
    rows.append(f'<text x="0" y="160">0</text><text x="{_WIDTH}" y="160" text-anchor="end">{total - 1}</text>')
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{_WORDS[name][0]} / {_WORDS[name][1]}</span>'
        for name, colour in _COLOURS.items()
    )
    facts = "".join(f"<tr><th>{en}<br>{zh}</th><td>{html.escape(value)}</td></tr>" for en, zh, value in _facts(proof))
    verdict = ("every trial ended well", "全部通过") if proof["is_good"] else ("NOT SAFE", "不安全")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Moduline rehearsal</title><style>'
        "body{font:14px/1.5 sans-serif;margin:2em;max-width:60em}svg{width:100%;height:auto}"
        "th{text-align:left;padding-right:2em;font-weight:normal;color:#555}td{word-break:break-all}"
        "span{margin-right:1.5em;white-space:nowrap}i{display:inline-block;width:.9em;height:.9em;margin-right:.4em}"
        f"</style><h1>{verdict[0]}<br>{verdict[1]}</h1>"
        f'<svg viewBox="0 0 {_WIDTH} 166" font-size="13" role="img">{"".join(rows)}</svg><p>{legend}</p>'
        f"<table>{facts}</table></html>\n"
    )


def _row_of(trial: Trial) -> str:
    return "pair" if "," in trial.cuts else trial.cuts.partition("@")[0]


def _facts(proof: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = [
        ("flash operations", "Flash 操作数", str(proof["operations"])),
        ("erase unit, bytes", "擦除单位（字节）", str(proof["block_bytes"])),
        ("spare flash, bytes", "备份区（字节）", str(proof["spare_bytes"])),
        ("store of the patch", "差分包存放位置", str(proof["store"])),
        ("trials", "试验次数", ", ".join(f"{name} {count}" for name, count in proof["trials"].items())),
        ("seed", "随机种子", str(proof["seed"])),
    ]
    for one in proof["regions"]:
        rows += [
            (f"{one['role']}: old SHA-256", f"{one['role']}：旧 SHA-256", str(one["old_sha256"])),
            (f"{one['role']}: new SHA-256", f"{one['role']}：新 SHA-256", str(one["new_sha256"])),
        ]
    rows += [("failed", "失败", f"{one['cuts']}: {one['complaint']}") for one in proof["failures"][:20]]
    return rows


def _columns(marks: Iterable[tuple[int, str]], total: int, top: int) -> str:
    """Bars of the colours; neighbours of one colour are one bar."""
    columns = min(total, _COLUMNS)
    shown: dict[int, str] = {}
    for at, name in marks:
        column = at * columns // total
        if shown.get(column) != "bad":
            shown[column] = name
    width, bars = _WIDTH / columns, []
    at = 0
    while at < columns:
        end = at + 1
        while end < columns and shown.get(end) == shown.get(at):
            end += 1
        if at in shown:
            place = f'x="{at * width:.1f}" y="{top}" width="{(end - at) * width:.1f}" height="14"'
            bars.append(f'<rect {place} fill="{_COLOURS[shown[at]]}"/>')
        at = end
    return "".join(bars)


def _text(top: int, words: str) -> str:
    return f'<text x="0" y="{top}">{html.escape(words)}</text>'
