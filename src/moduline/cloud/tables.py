"""All tables of the platform, for SQLite and PostgreSQL; how they come to be: ``migrations``.

Times are UTC, seconds since 1970. Local times of a plan are text, to be read in the plan's zone. JSON columns hold
small values that no query joins on. Two rules live here and not in code: a device has at most one open upgrade
(``upgrade_open``), and ``audit`` is append-only (triggers of the migration).

::

    accounts ─┬─ tokens, passwords             audit
              ├─ products ─── devices ─┬─ device_versions
              │                        └─ device_tags, ddi_devices
              ├─ artifacts ─┬─ artifact_files
              │             ├─ verifications
              │             └─ rehearsals
              ├─ jobs, webhooks
              └─ plans ─┬─ plan_components, plan_releases, plan_devices, plan_approvals, plan_waivers, plan_counters
                        └─ upgrades ─── upgrade_log, confirmations, downloads, ddi_actions
    leases   outbox   settings
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_ID: Final = BigInteger().with_variant(Integer, "sqlite")
_JSON: Final = JSON().with_variant(JSONB, "postgresql")


def _key() -> Column[int]:
    """A number of our own; never given twice, also not after a deletion."""
    return Column("id", _ID, primary_key=True, autoincrement=True)


def _to(table: str, *, key: bool = False, index: bool = False) -> Column[int]:
    """A column that points to a row of another table and goes with it."""
    target = ForeignKey(f"{table}.id", ondelete="CASCADE")
    return Column(f"{table.removesuffix('s')}_id", _ID, target, nullable=False, primary_key=key, index=index)


def _part(name: str, kind: Any) -> Column[Any]:
    """A further column of a key of several."""
    return Column(name, kind, primary_key=True, nullable=False)


accounts = Table(
    "accounts",
    metadata,
    _key(),
    Column("main_id", _ID, ForeignKey("accounts.id"), index=True),  # null: this is a main account
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    sqlite_autoincrement=True,
)
tokens = Table(
    "tokens",
    metadata,
    _key(),
    _to("accounts", index=True),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),  # SHA-256 of the token; the token itself is shown once
    Column("role", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("kind", Text, nullable=False, server_default="token"),  # token, session
    Column("seen_at", Double),  # null: of no session
    Column("origin_id", _ID),  # the token of the API that a session was begun with; null: a password
    sqlite_autoincrement=True,
)
passwords = Table(
    "passwords",
    metadata,
    Column("account_id", _ID, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),  # scrypt with its parameters and salt
    Column("changed_at", Double, nullable=False),
)
audit = Table(
    "audit",
    metadata,
    _key(),
    Column("at", Double, nullable=False),
    Column("main_id", _ID, nullable=False),  # no foreign keys: what happened stays when the account goes
    Column("account_id", _ID, nullable=False),
    Column("account", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("object_id", _ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("before", _JSON, nullable=False),
    Column("after", _JSON, nullable=False),
    Index("ix_audit_main_id_id", "main_id", "id"),
    Index("ix_audit_object", "kind", "object_id", "id"),
    sqlite_autoincrement=True,
)

products = Table(
    "products",
    metadata,
    _key(),
    _to("accounts", index=True),
    Column("name", Text, nullable=False),
    Column("pk", Text, nullable=False, unique=True),
    Column("ps", Text, nullable=False),
    Column("is_first_only", Boolean, nullable=False),
    Column("needs_verification", Boolean, nullable=False),
    Column("grid_s", Integer, nullable=False),
    Column("is_windows_strict", Boolean, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("needs_rehearsal", Boolean, nullable=False),
    Column("rehearses_uploads", Boolean, nullable=False),
    UniqueConstraint("account_id", "name"),
    CheckConstraint("grid_s > 0", name="grid"),
    sqlite_autoincrement=True,
)
devices = Table(
    "devices",
    metadata,
    _key(),
    _to("products"),
    Column("dk", Text, nullable=False),
    Column("ds", Text, nullable=False),  # "": none issued yet
    Column("is_enabled", Boolean, nullable=False),
    Column("origin", Text, nullable=False),  # contact, operator, line, moved
    Column("node", Text),  # null: offline
    Column("connection", _ID, nullable=False),
    Column("connected_at", Double),
    Column("last_seen", Double),
    Column("authenticated_at", Double),
    Column("cell", Text, nullable=False),
    Column("facts", _JSON, nullable=False),
    Column("facts_at", Double),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("product_id", "dk"),
    Index("ix_devices_product_id_id", "product_id", "id"),
    Index("ix_devices_dk", "dk"),
    sqlite_autoincrement=True,
)
Index(
    "ix_devices_node",
    devices.c.node,
    devices.c.id,
    sqlite_where=devices.c.node.is_not(None),
    postgresql_where=devices.c.node.is_not(None),
)
device_versions = Table(
    "device_versions",
    metadata,
    _to("devices", key=True),
    _part("type", Integer),
    _part("component", Text),  # "" for the module: a device has one
    Column("version", Text, nullable=False),
    Column("reported_at", Double, nullable=False),
    Index("ix_device_versions_find", "type", "component", "version", "device_id"),
)
device_tags = Table(
    "device_tags",
    metadata,
    _to("devices", key=True),
    _part("name", Text),
    Column("value", Text, nullable=False),  # "": a plain tag; else an attribute
    Index("ix_device_tags_find", "name", "value", "device_id"),
)

artifacts = Table(
    "artifacts",
    metadata,
    _key(),
    _to("accounts"),
    Column("name", Text, nullable=False),
    Column("type", Integer, nullable=False),
    Column("component", Text, nullable=False),  # "" fits every identifier of its type
    Column("is_delta", Boolean, nullable=False),
    Column("source", Text, nullable=False),  # "": whole, fits every version
    Column("target", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("state", Text, nullable=False),  # unverified, verifying, passed, failed
    Column("is_rehearsed", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("account_id", "name"),
    sqlite_autoincrement=True,
)
artifact_files = Table(
    "artifact_files",
    metadata,
    _key(),
    _to("artifacts"),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("md5", Text, nullable=False),
    Column("sha1", Text, nullable=False),
    Column("sha256", Text, nullable=False, index=True),  # the key in the file store
    Column("crc32_mpeg2", Text, nullable=False),
    UniqueConstraint("artifact_id", "position"),
    sqlite_autoincrement=True,
)

plans = Table(
    "plans",
    metadata,
    _key(),
    _to("accounts"),
    _to("products", index=True),
    Column("kind", Text, nullable=False),  # plan, verification: a plan of one device that is in no list
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("start_local", Text, nullable=False),
    Column("end_local", Text, nullable=False),
    Column("windows", _JSON, nullable=False),
    Column("is_windows_strict", Boolean, nullable=False),
    Column("is_silent", Boolean, nullable=False),
    Column("texts", _JSON, nullable=False),
    Column("strategy", _JSON, nullable=False),
    Column("has_white_list", Boolean, nullable=False),
    Column("filter", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # grows with every edit; approvals are for one of them
    Column("authors", _JSON, nullable=False),  # accounts that wrote this revision
    Column("open_group", Integer, nullable=False),  # the last open one, from 0
    Column("ignored_failures", Integer, nullable=False),  # that were seen when it was resumed
    Column("created_at", Double, nullable=False),
    Column("activated_at", Double),
    Column("ended_at", Double),
    Column("reason", _JSON),  # why it was suspended or ended, in both languages
    UniqueConstraint("account_id", "kind", "name"),
    Index("ix_plans_state", "state", "product_id"),
    sqlite_autoincrement=True,
)
plan_components = Table(
    "plan_components",
    metadata,
    _to("plans", key=True),
    _part("sort", Integer),
    Column("component", Text, nullable=False),
    Column("type", Integer, nullable=False),
    UniqueConstraint("plan_id", "component"),
)
plan_releases = Table(
    "plan_releases",
    metadata,
    _to("plans", key=True),
    _part("sort", Integer),
    _part("position", Integer),  # stepping stones, the plan's target last
    Column("artifact_id", _ID, ForeignKey("artifacts.id"), nullable=False, index=True),
    Column("needs", _JSON, nullable=False),
)
plan_devices = Table(
    "plan_devices",
    metadata,
    _to("plans", key=True),
    _part("dk", Text),  # by name, for a device may be listed before it is known
    _part("is_black", Boolean),
)
plan_approvals = Table(
    "plan_approvals",
    metadata,
    _to("plans", key=True),
    _part("account_id", _ID),
    Column("revision", Integer, nullable=False),
    Column("at", Double, nullable=False),
)
plan_waivers = Table(
    "plan_waivers",
    metadata,
    _to("plans", key=True),
    _part("proof", Text),  # rehearsal, verification
    Column("account_id", _ID, nullable=False),
    Column("account", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # of the plan it was given for
    Column("reason", Text, nullable=False),
    Column("at", Double, nullable=False),
)
plan_counters = Table(
    "plan_counters",
    metadata,
    _to("plans", key=True),
    _part("group_number", Integer),
    _part("status", Integer),
    _part("slot", Integer),  # of the node that counted: several nodes never wait for one row; the sum counts
    Column("count", BigInteger, nullable=False),
)

upgrades = Table(
    "upgrades",
    metadata,
    _key(),
    _to("plans"),
    _to("devices"),
    Column("status", Integer, nullable=False),
    Column("phase", Text, nullable=False),  # waiting, open, final
    Column("is_open", Boolean, nullable=False),
    Column("group_number", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("deadline", Double),  # null unless open
    Column("reason", Integer),
    Column("refused_at", Double),
    Column("failed_at", Double),
    Column("begun_at", Double),  # of the last offer
    Column("over", Integer),  # the plan ended or was terminated meanwhile
    Column("is_lapsed", Boolean, nullable=False),
    Column("state", _JSON),  # upgrades.stored: all the rest, components too; null before the first offer
    UniqueConstraint("plan_id", "device_id"),
    Index("ix_upgrades_device_id", "device_id", "plan_id"),
    Index("ix_upgrades_page", "plan_id", "status", "id"),
    Index("ix_upgrades_phase", "plan_id", "phase", "id"),
    Index("ix_upgrades_begun", "plan_id", "begun_at"),
    sqlite_autoincrement=True,
)
Index(
    "upgrade_open", upgrades.c.device_id, unique=True,
    sqlite_where=upgrades.c.is_open, postgresql_where=upgrades.c.is_open,
)  # fmt: skip
Index(
    "ix_upgrades_deadline", upgrades.c.deadline,
    sqlite_where=upgrades.c.deadline.is_not(None), postgresql_where=upgrades.c.deadline.is_not(None),
)  # fmt: skip
upgrade_log = Table(
    "upgrade_log",
    metadata,
    _key(),
    _to("upgrades"),
    Column("at", Double, nullable=False),
    Column("device_at", Double),
    Column("source", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("status", Text),
    Column("text", _JSON, nullable=False),  # in both languages
    Column("code", Integer),
    Column("message", Text, nullable=False),
    Index("ix_upgrade_log_upgrade_id_id", "upgrade_id", "id"),
    sqlite_autoincrement=True,
)
confirmations = Table(
    "confirmations",
    metadata,
    _to("upgrades", key=True),
    Column("status", Integer, nullable=False),
    Column("start_at", Double),
    Column("end_at", Double),
    Column("account", Text, nullable=False),
    Column("changed_at", Double, nullable=False),
)
verifications = Table(
    "verifications",
    metadata,
    _key(),
    _to("artifacts", index=True),
    _to("plans", index=True),
    _to("devices", index=True),
    Column("state", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("reason", Integer),
    sqlite_autoincrement=True,
)
downloads = Table(
    "downloads",
    metadata,
    Column("token", Text, primary_key=True),
    _to("upgrades", index=True),
    Column("file_id", _ID, ForeignKey("artifact_files.id"), nullable=False),
    Column("expires_at", Double, nullable=False),
)

ddi_actions = Table(
    "ddi_actions",
    metadata,
    _key(),  # what clients know as the action id: positive, below 2**31
    _to("upgrades", index=True),
    Column("part", Text, nullable=False),  # attempt and artifact: a stepping stone and a retry are actions of their own
    Column("retrieved_at", Double),
    Column("downloads", Integer, nullable=False),  # whole ones
    Column("lines", Integer, nullable=False),  # words of the device that were kept
    Column("closed_at", Double),
    Column("closing", Text, nullable=False),  # digest of the last feedback; the same again is answered alike
    Column("is_success", Boolean, nullable=False),
    Column("cancel", Text, nullable=False),  # "", refused, done
    Column("denied_at", Double),
    UniqueConstraint("upgrade_id", "part"),
    sqlite_autoincrement=True,
)
ddi_devices = Table(
    "ddi_devices",
    metadata,
    _to("devices", key=True),
    Column("config_at", Double),  # when it told its attributes
    Column("auto_confirm", _JSON),  # null: off
)

ddi_products = Table(
    "ddi_products",
    metadata,
    _to("products", key=True),
    Column("poll_s", Integer, nullable=False),  # 0: as the platform says
    Column("busy_poll_s", Integer, nullable=False),
    Column("version_attribute", Text, nullable=False),
    Column("trust", Text, nullable=False),  # auto, always, never
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Double, nullable=False),
)
outbox = Table(
    "outbox",
    metadata,
    _key(),
    Column("seq", BigInteger),  # place in the order that subscribers see; null until the order is made
    Column("main_id", _ID, nullable=False),  # no foreign key: what happened stays when the account goes
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", _JSON, nullable=False),
    UniqueConstraint("seq"),
    Index("ix_outbox_page", "main_id", "seq"),
    Index("ix_outbox_at", "at"),
    sqlite_autoincrement=True,
)
Index(
    "ix_outbox_new", outbox.c.id,
    sqlite_where=outbox.c.seq.is_(None), postgresql_where=outbox.c.seq.is_(None),
)  # fmt: skip
webhooks = Table(
    "webhooks",
    metadata,
    _key(),
    _to("accounts"),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),  # of the signatures
    Column("kinds", _JSON, nullable=False),  # of events; none: all
    Column("is_enabled", Boolean, nullable=False),
    Column("last_seq", BigInteger, nullable=False),  # what it has taken
    Column("attempts", Integer, nullable=False),  # at the event that is next
    Column("due", Double, nullable=False),
    Column("failing_since", Double),
    Column("dead_at", Double),
    Column("said", Text, nullable=False),  # what was wrong at the last attempt
    Column("owner", Text),  # node that is telling it
    Column("owned_until", Double),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("account_id", "name"),
    sqlite_autoincrement=True,
)
jobs = Table(
    "jobs",
    metadata,
    _key(),
    _to("accounts"),
    Column("kind", Text, nullable=False),  # patch, rehearsal
    Column("key", Text, nullable=False),  # digest of all that its result depends on
    Column("state", Text, nullable=False),  # queued, running, done, failed, cancelled
    Column("is_live", Boolean, nullable=False),  # queued or running
    Column("is_unwanted", Boolean, nullable=False),  # somebody cancelled it while it ran
    Column("request", _JSON, nullable=False),
    Column("author", _JSON, nullable=False),
    Column("result", _JSON),
    Column("reason", _JSON),  # why it failed: code and both languages
    Column("tries", Integer, nullable=False),
    Column("owner", Text),
    Column("owned_until", Double),
    Column("created_at", Double, nullable=False),
    Column("begun_at", Double),
    Column("ended_at", Double),
    Column("progress", _JSON),  # done and total of what it has to do; null: it does not say
    Index("ix_jobs_account_id_id", "account_id", "id"),
    Index("ix_jobs_key", "key"),
    sqlite_autoincrement=True,
)
Index(
    "job_live", jobs.c.key, unique=True,
    sqlite_where=jobs.c.is_live, postgresql_where=jobs.c.is_live,
)  # fmt: skip
rehearsals = Table(
    "rehearsals",
    metadata,
    _key(),
    _to("artifacts", index=True),
    Column("position", Integer, nullable=False),  # of the file
    Column("sha256", Text, nullable=False),  # of the file that was rehearsed
    Column("is_good", Boolean, nullable=False),
    Column("cuts", Text, nullable=False),
    Column("pairs", Integer, nullable=False),
    Column("trials", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("tool", Text, nullable=False),
    Column("proof_version", Integer, nullable=False),
    Column("proof_key", Text, nullable=False, index=True),  # in the file store: JSON
    Column("page_key", Text, nullable=False, index=True),  # HTML
    Column("rehearsed_at", Double, nullable=False),
    Column("kind", Text, nullable=False),  # flash: a patch on simulated flash; module: virtual modules
    Column("is_damaged", Boolean, nullable=False),  # one of the two is not in the store as it was
    sqlite_autoincrement=True,
)
settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", _JSON, nullable=False),
)
