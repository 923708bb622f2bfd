"""What is done with the records of a line: exports, figures, labels, and telling other systems.

Where records are kept is ``burn.books``. Verb: ``beside_line``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from moduline.burn import BurnRecord
from moduline.burn.books import open_store
from moduline.events import Reporter, silent
from moduline.line.records.labels import LabelTemplate
from moduline.line.records.printing import LabelHook, LabelTarget

__all__ = ["beside_line"]


@contextlib.contextmanager
def beside_line(
    label: tuple[LabelTemplate, LabelTarget] | None = None, report: Reporter = silent
) -> Iterator[Callable[[BurnRecord], None]]:
    """Tells an MES and prints labels while a gang runs; gives what wants each finished record.

    Neither can stop a slot or change a verdict.

    Args:
        label: what to print for each unit that passed, and where; None: nothing.
        report: gets the Notice ``label.failed``.
    """
    from moduline.line.records.webhook import WebhookSender  # an HTTP client, which other commands do not need

    store = open_store()
    with contextlib.ExitStack() as stack:
        stack.enter_context(WebhookSender(store))
        if label is None:
            yield lambda _: None
        else:
            yield stack.enter_context(LabelHook(*label, store.add_remark, report)).finished
