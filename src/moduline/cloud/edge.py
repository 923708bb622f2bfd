"""The edge of the platform: who asks, what a role may do, what texts may be, how errors and pages look.

Roles, each with all that the ones before it may::

    viewer      looks at everything of its main account
    operator    devices, artifacts, verifications, plans that are not yet active
    releaser    activates, suspends, resumes and terminates plans, waives proofs; confirms for users
    admin       products, sub-accounts, tokens, webhooks

A verb that changes something is marked with ``acts``: the mark is the only place where its right is asked for, and
``PERMISSIONS`` the only place where it is given. What belongs to another main account does not exist for an actor.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic, ParamSpec, TypeVar

from moduline.errors import BadField, ModulineError, RoleTooLow, Text

P = ParamSpec("P")
T = TypeVar("T")
ROLES: Final = ("viewer", "operator", "releaser", "admin")
"""From the least to the most."""
PAGE_SIZE: Final = 50
"""How many rows a page has when nobody says."""
PAGE_LIMIT: Final = 1000
"""How many it has at most."""
TEXT_LIMIT: Final = 100
"""Characters of a name."""

PERMISSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account.create": "admin",
        "account.change": "admin",
        "login": "viewer",
        "logout": "viewer",
        "password.change": "viewer",
        "password.set": "admin",
        "token.create": "admin",
        "token.revoke": "admin",
        "product.create": "admin",
        "product.change": "admin",
        "product.delete": "admin",
        "product.secret": "admin",
        "device.add": "operator",
        "device.change": "operator",
        "device.tag": "operator",
        "device.token": "operator",
        "device.delete": "operator",
        "device.import": "operator",
        "device.adopt": "admin",
        "device.secrets": "admin",
        "device.move": "admin",
        "artifact.create": "operator",
        "artifact.change": "operator",
        "artifact.delete": "operator",
        "verification.start": "operator",
        "plan.create": "operator",
        "plan.change": "operator",
        "plan.approve": "operator",
        "plan.delete": "operator",
        "plan.activate": "releaser",
        "plan.waive": "releaser",
        "plan.suspend": "releaser",
        "plan.resume": "releaser",
        "plan.terminate": "releaser",
        "upgrade.confirm": "releaser",
        "upgrade.cancel": "releaser",
        "upgrade.retry": "releaser",
        "patch.make": "operator",
        "rehearsal.start": "operator",
        "job.cancel": "operator",
        "webhook.create": "admin",
        "webhook.change": "admin",
        "webhook.delete": "admin",
        "webhook.secret": "admin",
        "webhook.test": "admin",
    }
)
"""Verb -> the least role that may do it."""
OF_ONESELF: Final = frozenset({"login", "logout", "password.change"})
"""Verbs that everybody may do, with their own account alone; all others need more than ``viewer``."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks.

    Args:
        account_id: the account itself.
        main_id: its main account, whose products, artifacts and plans it shares; the same for a main account.
        name: of the account.
        role: one of ``ROLES``.
    """

    account_id: int
    main_id: int
    name: str
    role: str

    def may(self, verb: str) -> bool:
        """Whether the role is enough for a verb."""
        return ROLES.index(self.role) >= ROLES.index(PERMISSIONS[verb])


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of many rows.

    Args:
        items: those of this page, in the order of their keys.
        next_after: key for the next page; None when this is the last one.
    """

    items: tuple[T, ...]
    next_after: int | None


def require(actor: Actor, verb: str) -> None:
    """See that an actor has the right to a verb; for what is done before the verb is run, such as reading a body.

    Raises:
        RoleTooLow: the actor has not.
    """
    if not actor.may(verb):
        raise RoleTooLow(verb=verb, needed=PERMISSIONS[verb], role=actor.role, name=actor.name)


def acts(verb: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Mark a service function as one that changes something: its ``actor`` must have the right to ``verb``.

    Raises:
        RoleTooLow: (the marked function) the actor has not.
    """
    assert verb in PERMISSIONS, verb

    def mark(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def asked(*args: P.args, **kwargs: P.kwargs) -> T:
            actor = kwargs["actor"]
            assert isinstance(actor, Actor)
            require(actor, verb)
            return function(*args, **kwargs)

        asked.permission = verb  # type: ignore[attr-defined]  # the tests of roles and audit find verbs by it
        return asked

    return mark


def error_frame(failure: ModulineError, lang: str = "en") -> dict[str, Any]:
    """What an operator's program gets for a failure: the same object as ``--json`` prints."""
    plain = {name: fact for name, fact in failure.facts.items() if not isinstance(fact, Text)}
    facts = plain | {name: fact.say(lang, **plain) for name, fact in failure.facts.items() if isinstance(fact, Text)}
    return {
        "ok": False,
        "code": failure.code,
        "message": failure.message(lang),
        "hint": failure.remedy(lang),
        "facts": facts,
    }


def page_of(rows: Sequence[T], limit: int, key: Callable[[T], int]) -> Page[T]:
    """A page from ``limit + 1`` rows that were asked for."""
    items = tuple(rows[:limit])
    return Page(items, key(items[-1]) if len(rows) > limit else None)


def page_limit(limit: int | None) -> int:
    """How many rows a page is to have.

    Raises:
        BadField: none or too many.
    """
    if limit is None:
        return PAGE_SIZE
    if not 1 <= limit <= PAGE_LIMIT:
        raise BadField(field="limit", reason=Text("1 to {most}", "须为 1 至 {most}"), most=PAGE_LIMIT)
    return limit


def plain_text(field: str, text: str, *, limit: int = TEXT_LIMIT, is_needed: bool = True) -> str:
    """A text that somebody typed: one line, no control characters, every database takes it.

    Raises:
        BadField: it is not, is too long, or is missing.
    """
    if is_needed and not text.strip():
        raise BadField(field=field, reason=Text("is needed", "必填"))
    if len(text) > limit:
        raise BadField(field=field, reason=Text("at most {most} characters", "最长 {most} 个字符"), most=limit)
    if text != text.strip() or not text.isprintable():
        reason = Text("blanks around it or control characters in it", "首尾有空格或包含控制字符")
        raise BadField(field=field, reason=reason)
    return text


def clean_text(text: str, limit: int) -> str:
    """A text that a device sent, as every database takes it; cut, never refused."""
    cut = text[:limit].replace("\0", "\u2400")
    return cut if cut.isascii() else cut.encode("utf-8", "backslashreplace").decode("utf-8")


def like(part: str) -> str:
    r"""A pattern for LIKE ... ESCAPE '\\' that finds texts that begin so."""
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
