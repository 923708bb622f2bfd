"""Forms of plans that are not saved yet, kept beside the server: they survive a reload, a restart and another browser.

A form is a JSON file in a folder of its account. It goes when the plan is saved as a draft, or when there are too many.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from moduline.errors import StorageFailed
from moduline.web.console.wizard_form import PlanForm, from_json
from moduline.web.site import site

FOLDER: Final = "plan-forms"
MOST: Final = 20
"""Forms of an account; the oldest go first."""
_KEY: Final = re.compile(r"[a-z0-9-]{1,40}")
_PLAN: Final = "plan-"


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form in the list.

    Args:
        key: of the form.
        name: that its plan has so far.
    """

    key: str
    name: str

    @property
    def path(self) -> str:
        """Where it goes on."""
        if self.key.startswith(_PLAN):
            return f"/console/plans/new?plan={self.key.removeprefix(_PLAN)}"
        return f"/console/plans/new?form={self.key}"


def new_key() -> str:
    """A key that nobody has."""
    return secrets.token_hex(6)


def key_of(plan_id: int) -> str:
    """The key of the form of a draft."""
    return f"{_PLAN}{plan_id}"


def is_key(text: str) -> bool:
    """Whether a text can be a key."""
    return _KEY.fullmatch(text) is not None


def keep(account: int, key: str, form: PlanForm) -> None:
    """Keep a form.

    Raises:
        StorageFailed: it cannot be written.
    """
    path = _path(account, key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(form), ensure_ascii=False), "utf-8")
        new.replace(path)
        for old in _newest_first(account)[MOST:]:
            old.unlink(missing_ok=True)
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause


def kept(account: int, key: str) -> PlanForm | None:
    """A form that was kept; None: there is none, or it cannot be read any more."""
    if not is_key(key):
        return None
    try:
        raw = json.loads(_path(account, key).read_text("utf-8"))
        return from_json(raw) if isinstance(raw, dict) else None
    except (OSError, ValueError):
        return None


def drop(account: int, key: str) -> None:
    """Forget a form.

    Raises:
        StorageFailed: it cannot be removed.
    """
    path = _path(account, key)
    try:
        path.unlink(missing_ok=True)
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause


def kept_forms(account: int) -> list[KeptForm]:
    """Forms of an account, the newest first."""
    found = []
    for path in _newest_first(account):
        form = kept(account, path.stem)
        if form is not None:
            found.append(KeptForm(path.stem, form.name))
    return found


def _newest_first(account: int) -> list[Path]:
    folder = site().data / FOLDER / str(account)
    try:
        return sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []  # one was removed meanwhile: the next look finds the others


def _path(account: int, key: str) -> Path:
    assert is_key(key), key
    return site().data / FOLDER / str(account) / f"{key}.json"
