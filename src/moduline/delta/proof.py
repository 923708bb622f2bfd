"""What a rehearsal showed: a JSON object for machines, and a page with one picture for people, both without a clock.

The picture has all flash operations on one axis: below, what each is for; above, how a cut before it, a tear in it,
and pairs of cuts that began there ended. A column stands for several operations when there are many; the worst shows,
and what was not tried stays grey.

Source: issue "rehearsal" (proof that a platform can store); docs/spec/rehearsal-proof.md; style-anchors H32.
"""

from __future__ import annotations

import hashlib
import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from moduline import __version__
from moduline.delta.rehearsal import CleanRun, Model, Trial

FORMAT: Final = "moduline rehearsal"
KIND: Final = "flash"
VERSION: Final = 3
MOST_FAILURES: Final = 100
"""Failures that are listed; all are counted."""
_SHOWN_FAILURES: Final = 20
_COLUMNS: Final = 640
_LEFT: Final = 190
_WIDTH: Final = 960
_ROW: Final = 34
_BAR: Final = 22
_TICKS: Final = 4
_WORDS: Final = {
    "journal": ("journal", "日志"),
    "copy": ("copy of old pages", "旧数据备份"),
    "checkpoint": ("checkpoint", "检查点"),
    "target": ("target", "目标区"),
    "good": ("ended with the new firmware, whole", "新固件完整"),
    "bad": ("not recovered", "未恢复"),
}
_ROWS: Final = (
    ("cut", "power cut before", "操作前断电"),
    ("tear", "torn inside", "操作中断电"),
    ("pair", "cut again while it recovers", "恢复中再断电"),
)
_STYLE: Final = """
:root{color-scheme:light dark;--back:#fff;--text:#1d2329;--soft:#5b6670;--none:#e9ecef;
--journal:#8a6fb3;--copy:#d9a441;--checkpoint:#6f8091;--target:#3f7fb5;--good:#3d9a5f;--bad:#d0342c}
@media(prefers-color-scheme:dark){:root{--back:#15191d;--text:#e4e8ec;--soft:#9aa5b0;--none:#2b3137;
--journal:#a88cd6;--copy:#e0b45c;--checkpoint:#8fa0b1;--target:#5b9bd1;--good:#55b87a;--bad:#ff6257}}
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;padding:0 1.5em;max-width:62em;background:var(--back);
color:var(--text)}
h1{font-size:1.5em;margin:0 0 .2em}h1.good{color:var(--good)}h1.bad{color:var(--bad)}p{margin:.6em 0}
svg{width:100%;height:auto;display:block;margin:1.2em 0 .4em}svg text{fill:var(--text)}svg .soft{fill:var(--soft)}
.legend span{margin-right:1.6em;white-space:nowrap}
i{display:inline-block;width:.9em;height:.9em;margin-right:.45em;border-radius:2px;vertical-align:-.08em}
table{border-collapse:collapse;width:100%;margin-top:1.2em}td,th{padding:.35em 0;border-top:1px solid var(--none);
vertical-align:top}small{display:block;font-size:.85em}th{text-align:left;padding-right:1.5em;font-weight:normal;color:var(--soft);width:16em}
td{overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
"""


def proof_of(
    model: Model, clean: CleanRun, trials: Sequence[Trial], *, cuts: str, seed: int, patch: bytes
) -> dict[str, Any]:
    """All facts of a rehearsal; the same rehearsal gives the same object.

    Args:
        model: what was rehearsed.
        clean: its undisturbed run.
        trials: all that were made.
        cuts: which operations were cut at, as asked for.
        seed: of the pairs.
        patch: the file that was rehearsed.
    """
    failed = [{"cuts": one.cuts, "complaint": one.complaint} for one in trials if one.complaint]
    kinds = Counter(map(_row_of, trials))
    uses: Counter[str] = Counter()
    for step in clean.steps:
        uses[step.what] += step.count
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": KIND,
        "tool": {"name": "moduline", "version": __version__},
        "is_good": not failed,
        "patch": {"bytes": len(patch), "sha256": hashlib.sha256(patch).hexdigest()},
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
        "page_bytes": model.flash.geometry.page_bytes,
        "spare_bytes": model.spare_bytes,
        "operations": clean.total,
        "operations_by_kind": dict(sorted(uses.items())),
        "erases": sum(change.data is None for change in clean.changes),
        "programmed_bytes": sum(len(change.data) for change in clean.changes if change.data is not None),
        "cuts": cuts,
        "seed": seed,
        "trials": {name: kinds[name] for name, *_ in _ROWS},
        "trials_to_the_end": sum(one.is_to_the_end for one in trials),
        "failed": len(failed),
        "failures": failed[:MOST_FAILURES],
    }


def page_of(proof: Mapping[str, Any], clean: CleanRun, trials: Sequence[Trial]) -> str:
    """The page; it needs nothing from anywhere else."""
    total = max(1, int(proof["operations"]))
    rows = []
    for number, (name, en, zh) in enumerate(_ROWS):
        mine = [(one.operation, "bad" if one.complaint else "good") for one in trials if _row_of(one) == name]
        rows.append(_label(number, en, zh) + _columns(mine, total, number))
    uses = ((at, step.what) for step in clean.steps for at in range(step.first, step.first + step.count))
    rows.append(_label(len(_ROWS), "what it is for", "操作用途") + _columns(uses, total, len(_ROWS)))
    height = (len(_ROWS) + 1) * _ROW + 34
    legend = "".join(
        f'<span><i style="background:var(--{name})"></i>{en} / {zh}</span>' for name, (en, zh) in _WORDS.items()
    )
    facts = "".join(
        f"<tr><th>{en}<small>{zh}</small></th><td>{html.escape(value)}</td></tr>" for en, zh, value in _facts(proof)
    )
    tried, failed = f"{sum(proof['trials'].values()):,}", f"{proof['failed']:,}"
    verdict = ("Every trial ended well", "全部通过") if proof["is_good"] else ("NOT SAFE", "不安全")
    lines = (
        (
            f"The power was cut in {tried} trials while this update was applied; all ended with the new firmware.",
            f"升级过程中断电试验 {tried} 次，结束时新固件均完整。",
        )
        if proof["is_good"]
        else (
            f"The power was cut in {tried} trials while this update was applied; {failed} did not recover.",
            f"升级过程中断电试验 {tried} 次，{failed} 次未恢复。",
        )
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Moduline rehearsal</title>'
        f'<style>{_STYLE}</style><h1 class="{"good" if proof["is_good"] else "bad"}">{verdict[0]} · {verdict[1]}</h1>'
        f"<p>{lines[0]}<br>{lines[1]}</p>"
        f'<svg viewBox="0 0 {_WIDTH} {height}" font-size="13" role="img">{"".join(rows)}{_axis(total)}</svg>'
        f'<p class="legend">{legend}</p><table>{facts}</table></html>\n'
    )


def _row_of(trial: Trial) -> str:
    return "pair" if "," in trial.cuts else trial.cuts.partition("@")[0]


def _facts(proof: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    trials, uses = proof["trials"], proof["operations_by_kind"]
    shown = proof["failures"][:_SHOWN_FAILURES]
    rows = [("failed", "失败", f"{one['cuts']}: {one['complaint']}") for one in shown]
    rows += [
        ("flash operations", "Flash 操作数", f"{proof['operations']:,}: {_counts(uses)}"),
        ("trials", "试验次数", _counts({en: trials[name] for name, en, _ in _ROWS})),
        ("cut at, seed", "断电位置，随机种子", f"{proof['cuts']}, {proof['seed']}"),
        ("erase unit, bytes", "擦除单位（字节）", f"{proof['block_bytes']:,}"),
        ("spare flash, bytes", "备份区（字节）", f"{proof['spare_bytes']:,}"),
        ("store of the patch", "差分包存放位置", str(proof["store"])),
        ("patch", "差分包", f"{proof['patch']['bytes']:,} bytes, SHA-256 {proof['patch']['sha256']}"),
    ]
    for one in proof["regions"]:
        role = html.escape(one["role"])
        rows += [
            (f"{role}: old", f"{role}：旧", f"{one['old_bytes']:,} bytes, SHA-256 {one['old_sha256']}"),
            (f"{role}: new", f"{role}：新", f"{one['new_bytes']:,} bytes, SHA-256 {one['new_sha256']}"),
        ]
    return [*rows, ("made by", "生成工具", f"{proof['tool']['name']} {proof['tool']['version']}")]


def _counts(some: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in some.items())


def _columns(marks: Iterable[tuple[int, str]], total: int, row: int) -> str:
    """Bars of the colours, neighbours of one colour as one; in a column the worst shows, else the most frequent."""
    columns = min(total, _COLUMNS)
    seen: dict[int, Counter[str]] = {}
    for at, name in marks:
        seen.setdefault(at * columns // total, Counter())[name] += 1
    shown = {at: "bad" if "bad" in names else names.most_common(1)[0][0] for at, names in seen.items()}
    width, top = (_WIDTH - _LEFT) / columns, row * _ROW
    bars = [f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH - _LEFT}" height="{_BAR}" style="fill:var(--none)"/>']
    at = 0
    while at < columns:
        end = at + 1
        while end < columns and shown.get(end) == shown.get(at):
            end += 1
        if at in shown:
            bars.append(_bar(_LEFT + at * width, (end - at) * width, top, shown[at]))
        at = end
    return "".join(sorted(bars, key=lambda one: "--bad" in one))  # these are drawn last, over their neighbours


def _bar(at: float, width: float, top: int, name: str) -> str:
    """One bar; what went wrong is wide and high enough to be seen."""
    more = 4 if name == "bad" else 0
    missing = max(0.0, 1.5 * more - width)
    place = f'x="{at - missing / 2:.1f}" y="{top - more}" width="{width + missing:.1f}" height="{_BAR + 2 * more}"'
    return f'<rect {place} style="fill:var(--{name})"/>'


def _axis(total: int) -> str:
    """Numbers of operations under the bars."""
    top = (len(_ROWS) + 1) * _ROW + 12
    words = []
    for tick in range(_TICKS + 1):
        number = (total - 1) * tick // _TICKS
        anchor = "start" if tick == 0 else "end" if tick == _TICKS else "middle"
        at = _LEFT + (_WIDTH - _LEFT) * tick / _TICKS
        words.append(f'<text class="soft" x="{at:.0f}" y="{top}" text-anchor="{anchor}">{number:,}</text>')
    return "".join(words) + f'<text class="soft" x="0" y="{top}">flash operation / Flash 操作</text>'


def _label(row: int, en: str, zh: str) -> str:
    top = row * _ROW
    small = f'class="soft" font-size="12" x="0" y="{top + 24}"'
    return f'<text x="0" y="{top + 9}">{en}</text><text {small}>{zh}</text>'
