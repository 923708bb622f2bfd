"""Packages as the page needs them, read once and kept while their files stay as they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from moduline.delta import Side, read_side
from moduline.delta.abilities import not_taken
from moduline.delta.forecast import Forecast, forecast
from moduline.delta.make import KINDS, user_image_of
from moduline.errors import NoSuchFile
from moduline.profiles import catalog
from moduline.profiles.module import ModuleProfile
from moduline.web import host_files
from moduline.web.studio.fota_wish import Wish

KEPT: Final = 4
Read = TypeVar("Read")


class Shelf:
    """The last few files that were read, as what they were read as; safe to ask from several threads."""

    def __init__(self, read: Callable[[bytes, str], object], kept: int = KEPT) -> None:
        self._read = read
        self._kept = kept
        self._known: OrderedDict[tuple[str, int, int], object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: str) -> object:
        """What a file below the root holds; blocks while it is read.

        Raises:
            NoSuchFile: it cannot be read.
            FormatError: it is damaged, or nothing known.
        """
        place = host_files.resolve(path)
        try:
            found = place.stat()
        except OSError as cause:
            raise NoSuchFile(path=path, reason=cause.strerror or str(cause)) from cause
        key = (path, found.st_size, found.st_mtime_ns)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = self._read(host_files.read(path), place.name)
        with self._lock:
            self._known[key] = made
            while len(self._known) > self._kept:
                self._known.popitem(last=False)
        return made


_shelf: Final = Shelf(read_side)


def side_of(path: str) -> Side:
    """A package or image below the root; blocks while it is read.

    Raises:
        NoSuchFile: it cannot be read.
        FormatError: it is damaged.
    """
    found = _shelf.get(path)
    assert isinstance(found, Side)
    return found


@dataclass(frozen=True, slots=True)
class Refused:
    """A kind that a module does not take.

    Args:
        module: slug of that module.
        able: slugs of those that do.
    """

    module: str
    able: tuple[str, ...]


def refusals_of(profile: ModuleProfile | None) -> dict[str, Refused]:
    """The kinds that a module does not take; none when nobody knows the module."""
    if profile is None:
        return {}
    known = [catalog.module(slug) for slug in catalog.modules()]
    return {
        kind: Refused(profile.slug, tuple(one.slug for one in known if not_taken(one, kind) is None))
        for kind in KINDS
        if not_taken(profile, kind) is not None
    }


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of a wish before anything is made.

    Args:
        old: what runs before.
        new: what shall run.
        refusals: why the module does not take a kind, by kind.
        outlook: what would change.
        has_scripts: the new package brings the image of scripts itself.
    """

    old: Side
    new: Side
    refusals: dict[str, Refused]
    outlook: Forecast
    has_scripts: bool


def look(wish: Wish) -> Looked:
    """Read both packages and say what would change; blocks.

    Raises:
        NoSuchFile: a file cannot be read.
        FormatError: a file is damaged.
        PatchForeign, PatchPartMissing: no patch leads from one to the other.
    """
    old, new = side_of(wish.old), side_of(wish.new)
    image = host_files.read(wish.user_fs) if wish.user_fs and wish.kind != "diff" else None
    refusals = refusals_of(old.profile or new.profile)
    outlook = forecast(old, new, wish.kind, wish.store, image)
    return Looked(old, new, refusals, outlook, user_image_of(new) is not None)
