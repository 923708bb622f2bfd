"""A rehearsal on virtual modules as a page with two pictures: how far the update came, and every power cut.

::

    [v1 boots ✓]──[download ✓]──[apply ✓]──[first boot ✓]        the undisturbed update; where it stopped is red
    before an operation   |  || |  |   |    one mark for each module that lost its power, at the flash operation
    inside an operation   ||  | ||  |  |    where it did; green: the new version ran next, blue: the old one, which was
    and once more           |  |   |        updated anew; red, higher and wider than the others: it did not survive

The page needs nothing from anywhere else, follows the reader's light or dark screen and says everything twice.

Source: docs/spec/rehearsal-proof.md (kind ``module``); the look is that of ``delta.proof``.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

from moduline.cloud.rehearsals.moments import PHASES

_STYLE: Final = """
:root{color-scheme:light dark;--back:#fff;--text:#1d2329;--soft:#5b6670;--none:#eceff2;--line:#cfd6dc;
--new:#3d9a5f;--old:#3f7fb5;--bad:#d0342c;--idle:#9aa5b0}
@media(prefers-color-scheme:dark){:root{--back:#15191d;--text:#e4e8ec;--soft:#9aa5b0;--none:#232a30;--line:#3a434b;
--new:#55b87a;--old:#5b9bd1;--bad:#ff6257;--idle:#5b6670}}
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;padding:0 1.5em;max-width:62em;background:var(--back);
color:var(--text)}
h1{font-size:1.5em;margin:0 0 .2em}h1.good{color:var(--new)}h1.bad{color:var(--bad)}p{margin:.6em 0}
svg{width:100%;height:auto;display:block;margin:1.4em 0 .4em}svg text{fill:var(--text)}svg .soft{fill:var(--soft)}
.legend span{margin-right:1.6em;display:inline-block}
i{display:inline-block;width:.9em;height:.9em;margin-right:.45em;border-radius:2px;vertical-align:-.08em}
table{border-collapse:collapse;width:100%;margin-top:1.2em}td,th{padding:.35em 0;border-top:1px solid var(--line);
vertical-align:top}small{display:block;font-size:.85em;color:var(--soft)}
th{text-align:left;padding-right:1.5em;font-weight:normal;color:var(--soft);width:30%}
td{overflow-wrap:anywhere;font-variant-numeric:tabular-nums}.bad{color:var(--bad)}
"""
_WIDTH: Final = 960
_LEFT: Final = 200
_ROW: Final = 44
_MARK: Final = 26
_LEAST_SHARE: Final = 0.2
"""Of the width, that each phase has, however few operations it takes."""
_SHOWN: Final = 20
_NAMES: Final = {
    "source": ("old version boots", "旧版本启动"),
    "download": ("download", "下载"),
    "apply": ("apply", "写入"),
    "boot": ("first boot", "首次启动"),
}
_ROWS: Final = (
    ("cut", "before an operation", "操作前断电"),
    ("tear", "inside an operation", "操作中断电"),
    ("again", "and again while it recovers", "恢复中再次断电"),
)
_LEGEND: Final = (
    ("new", "the new version ran next", "随后运行新版本"),
    ("old", "the old version ran next and was updated anew", "随后运行旧版本，再次升级成功"),
    ("bad", "did not survive", "未恢复"),
)


def page_of(proof: Mapping[str, Any]) -> str:
    """The page of a proof."""
    is_good = proof["is_good"]
    tried = len(proof["moments"])
    verdict = ("Safe to roll out", "可以发布") if is_good else ("NOT SAFE", "不安全")
    legend = "".join(f'<span><i style="background:var(--{name})"></i>{en} / {zh}</span>' for name, en, zh in _LEGEND)
    facts = "".join(
        f"<tr><th>{en}<small>{zh}</small></th><td{mark}>{value}</td></tr>" for en, zh, value, mark in _facts(proof)
    )
    cuts = f'{_picture(proof)}<p class="legend">{legend}</p>' if tried else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Moduline rehearsal</title>'
        f'<style>{_STYLE}</style><h1 class="{"good" if is_good else "bad"}">{verdict[0]} · {verdict[1]}</h1>'
        f"<p>{'<br>'.join(_summary(proof))}</p>{_chain(proof)}{cuts}<table>{facts}</table></html>\n"
    )


def _summary(proof: Mapping[str, Any]) -> tuple[str, str]:
    tried, failed = len(proof["moments"]), proof["failed"]
    undisturbed = proof["undisturbed"]
    model = html.escape(proof["module"]["model"])
    if not undisturbed["is_good"]:
        said = undisturbed["complaint"]
        return (
            f"The update does not even succeed without a power cut: {html.escape(said['en'])}.",
            f"即使不断电，升级也未成功：{html.escape(said['zh'])}。",
        )
    if failed:
        return (
            f"{tried} virtual {model} modules lost their power during this update; {failed} did not survive it.",
            f"{tried} 个虚拟 {model} 模组在升级过程中断电，其中 {failed} 个未能恢复。",
        )
    return (
        f"{tried} virtual {model} modules lost their power during this update; every one ended with the new version.",
        f"{tried} 个虚拟 {model} 模组在升级过程中断电，最终均运行新版本。",
    )


# ---- how far it came ------------------------------------------------------------------------------------------------


def _chain(proof: Mapping[str, Any]) -> str:
    """Four boxes for the undisturbed update."""
    stopped = proof["undisturbed"]["stopped_in"]
    names = list(_NAMES)
    at_fault = names.index(stopped) if stopped in names else len(names)
    width, gap = 204, 48
    parts = []
    for number, name in enumerate(names):
        left = number * (width + gap)
        colour, sign = ("new", "✓") if number < at_fault else ("bad", "✕") if number == at_fault else ("idle", "–")
        en, zh = _NAMES[name]
        parts.append(
            f'<rect x="{left + 1}" y="1" width="{width - 2}" height="52" rx="6" '
            f'style="fill:none;stroke:var(--{colour})" stroke-width="{3 if colour == "bad" else 1.5}"/>'
            f'<text x="{left + 16}" y="34" font-size="20" style="fill:var(--{colour})">{sign}</text>'
            f'<text x="{left + 44}" y="24">{en}</text>'
            f'<text class="soft" x="{left + 44}" y="43" font-size="12">{zh}</text>'
        )
        if number:
            parts.append(
                f'<line x1="{left - gap + 4}" y1="27" x2="{left - 4}" y2="27" style="stroke:var(--line)" '
                'stroke-width="2"/>'
            )
    return f'<svg viewBox="0 0 {_WIDTH} 54" font-size="14" role="img">{"".join(parts)}</svg>'


# ---- every power cut ------------------------------------------------------------------------------------------------


def _picture(proof: Mapping[str, Any]) -> str:
    places = _places(proof["operations"])
    top = 30
    height = top + len(_ROWS) * _ROW + 22
    parts = []
    for name, (left, width) in places.items():
        en, zh = _NAMES[name]
        count = f"{proof['operations'][name]:,}"
        parts.append(f'<text x="{left:.1f}" y="14">{en} <tspan class="soft">{zh}</tspan></text>')
        parts.append(f'<text class="soft" x="{left:.1f}" y="{height - 4}" font-size="12">0</text>')
        end = f'x="{left + width:.1f}" y="{height - 4}" font-size="12" text-anchor="end"'
        parts.append(f'<text class="soft" {end}>{count}</text>')
    parts.append(f'<text class="soft" x="0" y="{height - 4}" font-size="12">flash operations / Flash 操作</text>')
    marks: list[tuple[bool, str]] = []
    for row, (kind, en, zh) in enumerate(_ROWS):
        y = top + row * _ROW
        parts.append(f'<text x="0" y="{y + 12}">{en}</text>')
        parts.append(f'<text class="soft" x="0" y="{y + 27}" font-size="12">{zh}</text>')
        for left, width in places.values():
            parts.append(
                f'<rect x="{left:.1f}" y="{y}" width="{width:.1f}" height="{_MARK}" style="fill:var(--none)"/>'
            )
        marks += _marks(proof, kind, places, y)
    drawn = "".join(mark for _, mark in sorted(marks, key=lambda one: one[0]))  # what failed is drawn last
    return f'<svg viewBox="0 0 {_WIDTH} {height}" font-size="13" role="img">{"".join(parts)}{drawn}</svg>'


def _places(operations: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    """Left edge and width of each phase."""
    total = sum(operations.values()) or 1
    gap = 10.0
    room = _WIDTH - _LEFT - gap * (len(PHASES) - 1)
    shares = [_LEAST_SHARE + (1 - len(PHASES) * _LEAST_SHARE) * operations[name] / total for name in PHASES]
    places, left = {}, float(_LEFT)
    for name, share in zip(PHASES, shares, strict=True):
        width = room * share
        places[name] = (left, width)
        left += width + gap
    return places


def _marks(
    proof: Mapping[str, Any], kind: str, places: Mapping[str, tuple[float, float]], top: int
) -> list[tuple[bool, str]]:
    found = []
    for moment, cuts, found_version, is_good in proof["moments"]:
        phase, _, specs = moment.partition(":")
        first = specs.partition(",")[0]
        if (kind == "again" and cuts < 2) or (kind != "again" and not first.startswith(kind)):
            continue
        operation = int(first.partition("@")[2].partition(":")[0])
        left, width = places[phase]
        at = left + (operation + 0.5) / max(1, proof["operations"][phase]) * width
        colour = (found_version or "new") if is_good else "bad"
        if not cuts:
            colour = "idle" if is_good else "bad"
        half, more = (1.4, 0) if is_good else (3.5, 5)
        place = f'x="{at - half:.1f}" y="{top - more}" width="{2 * half}" height="{_MARK + 2 * more}" rx="1"'
        said = f"<title>{html.escape(moment)}</title>"
        found.append((not is_good, f'<rect {place} style="fill:var(--{colour})">{said}</rect>'))
    return found


# ---- the table ------------------------------------------------------------------------------------------------------


def _facts(proof: Mapping[str, Any]) -> Sequence[tuple[str, str, str, str]]:
    red = ' class="bad"'
    update, source, undisturbed = proof["update"], proof["source"], proof["undisturbed"]
    rows = []
    if not undisturbed["is_good"]:
        en, zh = _NAMES[undisturbed["stopped_in"]]
        rows.append(("stopped in", "停止于", f"{en} / {zh}: {_both(undisturbed['complaint'])}", red))
    rows += [
        ("failed", "失败", f"{html.escape(one['moment'])}: {_both(one['complaint'])}", red)
        for one in proof["failures"][:_SHOWN]
    ]
    if len(proof["failures"]) > _SHOWN:
        rows.append(("more failures", "其余失败", f"{proof['failed'] - _SHOWN:,}", red))
    trials, found = proof["trials"], proof["found"]
    versions = html.escape(" → ".join(filter(None, (proof["reported"][name] for name in ("before", "after")))))
    counts = " · ".join(f"{trials[name]:,}" for name, *_ in _ROWS)
    rows += [
        ("virtual modules", "虚拟模组", f"{html.escape(proof['module']['model'])}, {len(proof['moments']) + 1:,}", ""),
        ("version before, after", "升级前后版本", versions, ""),
        ("power cuts", "断电次数", f"{proof['power_cuts']:,}", ""),
        ("before, inside an operation; twice", "操作前、操作中；两次", counts, ""),
        ("ran next: old, new version", "随后运行：旧、新版本", f"{found['old']:,} · {found['new']:,}", ""),
        ("moments that never came", "未到达的时刻", f"{proof['missed']:,}", ""),
        ("kind of the update", "升级方式", html.escape(update["kind"]), ""),
        *(
            ("file", "文件", f"{html.escape(one['name'])}, {one['bytes']:,} bytes, SHA-256 {one['sha256']}", "")
            for one in update["files"]
        ),
        (
            "source package",
            "源版本包",
            f"{html.escape(source['file'])}, {source['bytes']:,} bytes, SHA-256 {source['sha256']}",
            "",
        ),
        ("seed", "随机种子", str(proof["seed"]), ""),
        ("made by", "生成工具", html.escape(f"{proof['tool']['name']} {proof['tool']['version']}"), ""),
    ]
    return rows


def _both(said: Mapping[str, str]) -> str:
    return f"{html.escape(said['en'])}<small>{html.escape(said['zh'])}</small>"
