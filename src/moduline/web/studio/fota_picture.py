"""The picture of every power cut: one mark a trial, in the order of the flash operations.

::

    what the flash does   |copy|target|journal|target| ...            a strip along the whole run
    power cut before      o o o # # # # # # # # # # # # * *           a field a kind, one mark a trial
    torn inside           o o o # # # X # # ...
    cut again             # # # ...

A field is one control: arrow keys go from mark to mark, and the line below says what happened there; the pointer does
the same. Colour and shape both say how a trial ended. More trials than ``fota_work.MARKS`` a kind go together, the
worst shows. ``fota.js`` moves the cursor and draws nothing.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from moduline.delta.outcomes import KINDS, Outcome
from moduline.web.texts import t


@dataclass(frozen=True, slots=True)
class Picture:
    """What a rehearsal left behind for its picture.

    Args:
        operations: of the undisturbed run.
        trials: all that were made.
        uses: purposes along the run, as (purpose, columns).
        marks: kind, operation, last, outcome, what, count, cuts, complaint; see ``delta.outcomes.Mark``.
    """

    operations: int
    trials: int
    uses: tuple[tuple[str, int], ...]
    marks: tuple[tuple[str, int, int, str, str, int, str, str], ...]

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Self:
        """From a file.

        Raises:
            KeyError, TypeError: it is none.
        """
        uses = tuple((str(what), int(columns)) for what, columns in kept["uses"])
        return cls(int(kept["operations"]), int(kept["trials"]), uses, tuple(tuple(one) for one in kept["marks"]))

    def of_kind(self, kind: str) -> list[tuple[str, int, int, str, str, int, str, str]]:
        """Marks of a kind, in the order of their operations."""
        return [one for one in self.marks if one[0] == kind]

    def table(self) -> list[tuple[str, str, str, int, int, int]]:
        """The same as rows: kind, purpose, outcome, trials, first and last operation."""
        rows: dict[tuple[str, str, str], list[int]] = {}
        for kind, first, last, outcome, what, count, *_ in self.marks:
            row = rows.setdefault((kind, what, outcome), [0, first, last])
            row[0] += count
            row[1], row[2] = min(row[1], first), max(row[2], last)
        order = {kind: number for number, kind in enumerate(KINDS)}
        found = [(*names, count, first, last) for names, (count, first, last) in rows.items()]
        return sorted(found, key=lambda row: (order[row[0]], row[4]))


def picture_html(picture: Picture, name: str) -> str:
    """The picture, in the language of the viewer.

    Args:
        picture: what is shown.
        name: unlike those of other pictures of the page.
    """
    fields = "".join(_field(picture, kind, f"{name}-{kind}") for kind in KINDS if picture.of_kind(kind))
    return f'<div class="fp" data-testid="fota-picture">{_strip(picture)}{fields}</div>'


def _strip(picture: Picture) -> str:
    spans = "".join(
        f'<span class="fp-use fp-use-{html.escape(what)}" style="flex-grow:{columns}"></span>'
        for what, columns in picture.uses
    )
    legend = "".join(
        f'<span><i class="fp-use fp-use-{html.escape(what)}"></i>{html.escape(use_word(what))}</span>'
        for what in dict.fromkeys(what for what, _ in picture.uses)
    )
    title, last = t("fota.strip"), t("fota.operations", count=f"{picture.operations:,}")
    return (
        f'<div class="fp-head"><span class="m-strong">{title}</span><span class="m-muted">{last}</span></div>'
        f'<div class="fp-strip" aria-hidden="true">{spans}</div><div class="fp-legend">{legend}</div>'
    )


def _field(picture: Picture, kind: str, name: str) -> str:
    marks = picture.of_kind(kind)
    trials = sum(one[5] for one in marks)
    title = t(f"fota.kind_of_cut.{kind}")
    counted = t("fota.trials", count=f"{trials:,}")
    if trials > len(marks):
        counted = t("fota.trials_grouped", count=f"{trials:,}", marks=len(marks))
    cells = "".join(
        f'<i class="fp-mark fp-{one[3]}" data-t="{html.escape(_told(one), quote=True)}"></i>' for one in marks
    )
    first = html.escape(_told(marks[0]), quote=True)
    return (
        f'<div class="fp-head"><span class="m-strong" id="{name}">{title}</span>'
        f'<span class="m-muted">{counted}</span></div>'
        f'<div class="fp-field" role="slider" tabindex="0" aria-labelledby="{name}" aria-valuemin="1"'
        f' aria-valuemax="{len(marks)}" aria-valuenow="1" aria-valuetext="{first}" data-testid="fota-field-{kind}"'
        f' data-trials="{trials}">{cells}</div>'
        f'<p class="fp-told m-muted" data-testid="fota-told-{kind}">{t("fota.picture_hint")}</p>'
    )


def _told(mark: Sequence[Any]) -> str:
    """A mark in a sentence."""
    kind, first, last, outcome, what, count, cuts, complaint = mark
    where = f"{first:,}" if first == last else f"{first:,} - {last:,}"
    said = t(f"fota.told.{kind}", operation=where, what=use_word(what), outcome=t(f"fota.outcome.{outcome}"))
    if count > 1:
        said += " " + t("fota.told_count", count=f"{count:,}")
    if complaint:
        said += f" {complaint}."
    return f"{said} {t('fota.replay')}: {cuts}"


def use_word(what: str) -> str:
    """What a step of the flash is for."""
    return t(f"fota.use.{what}") if what in {"journal", "copy", "checkpoint", "target"} else what


def outcome_counts(picture: Picture) -> Counter[str]:
    """Trials by outcome, as the marks show them."""
    counts: Counter[str] = Counter({str(one): 0 for one in Outcome})
    for one in picture.marks:
        counts[one[3]] += one[5]
    return counts
