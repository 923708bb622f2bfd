"""A project folder watched: every time it has come to rest after a change, its new content.

The system tells that *something* changed; what, is found out by comparing content. So it does not matter how an editor
saves (in place, by rename, twice), and its temporary files are never taken for the project's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from moduline.errors import ModulineError
from moduline.testing.project import LoadedProject, load_project
from moduline.testing.project_files import is_of_an_editor, scripts_of

QUIET_MS: Final = 100  # so long nothing must happen before content is compared
AT_MOST_MS: Final = 1000
VANISHED_S: Final = 0.3  # an editor that renames leaves a gap; only what is still gone after it is gone


async def watch_project(folder: Path, module: str, before: Mapping[str, bytes]) -> AsyncIterator[LoadedProject]:
    """The project each time its content has changed; ends when cancelled.

    Args:
        folder: the project, as an absolute path.
        module: slug of the module.
        before: content that is known already.
    """
    import watchfiles  # a native library that only this command needs

    known = dict(before)
    top = str(folder)

    def matters(_: watchfiles.Change, path: str) -> bool:
        try:
            name = Path(path).relative_to(top).as_posix()
        except ValueError:
            return True
        return not is_of_an_editor(name)

    async for _ in watchfiles.awatch(
        top, watch_filter=matters, step=QUIET_MS, debounce=AT_MOST_MS, raise_interrupt=False
    ):
        loaded = _load(folder, module)
        if loaded is not None and set(known) - set(scripts_of(loaded)):
            await asyncio.sleep(VANISHED_S)
            loaded = _load(folder, module)
        if loaded is not None and scripts_of(loaded) != known:
            known = scripts_of(loaded)
            yield loaded


def _load(folder: Path, module: str) -> LoadedProject | None:
    """The project; None while it cannot be read, as in the middle of a save: another event follows."""
    try:
        return load_project(folder, module)
    except ModulineError:
        return None
