"""The database of the platform: SQLite in a file by default, PostgreSQL by URL; one writer, many readers.

A verb is ``verb(conn, ...) -> value`` over a SQLAlchemy Core connection; it neither commits nor sleeps nor sends.
``write`` hands it to the writer (``group_commit``) and answers when it is kept: on the disk, ``synchronous=FULL``, so a
process may be killed at any time. ``read`` runs it on a connection that sees one committed state and can change
nothing. SQLite: WAL, one connection for the writer, ``query_only`` for readers. PostgreSQL: READ COMMITTED for the
writer, REPEATABLE READ, READ ONLY for readers; the database must be in UTF-8.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, exc, make_url, text
from sqlalchemy import event as signals
from sqlalchemy.pool import NullPool, QueuePool

from moduline.cloud import migrations
from moduline.cloud.db_reasons import UNFIT, in_our_words, is_lost
from moduline.cloud.group_commit import TRIES, GroupCommit
from moduline.errors import BadOption, StorageFailed, Text

BUSY_LIMIT_S: Final = 30
"""How long a transaction stands in line for other programs."""
CONNECT_LIMIT_S: Final = 10
"""How long a server may take to answer a new connection."""
READERS: Final = 8
"""Connections for reading."""

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """One database; nothing is opened or made before ``open`` or the first verb.

    Args:
        url: as SQLAlchemy writes it, or the path of an SQLite file.
        slot: number of this node among several; counters are kept by slot, so that nodes do not wait for each other.

    Raises:
        BadOption: the URL cannot be meant.
    """

    def __init__(self, url: str | Path, *, slot: int = 0) -> None:
        self.url = read_url(url)
        self.slot = slot
        self.is_file = self.url.get_backend_name() == "sqlite"
        self.name = str(self.url.database) if self.is_file else self.url.render_as_string(hide_password=True)
        self._lock = threading.Lock()
        self._writer: GroupCommit | None = None
        self._engines: tuple[Engine, Engine] | None = None

    def open(self) -> None:
        """Bring the tables up to date and start the writer; nothing when that was done.

        Raises:
            DatabaseBusy, DatabaseFull, DatabaseReadOnly, DatabaseUnreachable, StorageFailed: it cannot be used.
        """
        with self._lock:
            if self._writer is not None:
                return
            try:
                self._prepare()
            except Exception as cause:
                self._let_go()
                raise in_our_words(cause, self.name) from cause
            writer = GroupCommit(self._connect, self.name)
            writer.start()
            self._writer = writer

    def missing_changes(self) -> tuple[str | None, tuple[str, ...]]:
        """The last change that the tables have seen (None: there are none), and those that ``open`` would make.

        Raises:
            DatabaseBusy, DatabaseUnreachable, StorageFailed: it cannot be looked at, or is of a newer version.
        """
        known = tuple(reversed(migrations.known()))
        if self.is_file and not Path(self.name).exists():
            return None, known
        engines: tuple[Engine, ...] = ()
        try:
            engines = _file_engines(self.url) if self.is_file else self._server_engines()
            with engines[1].connect() as connection, connection.begin():
                self._require_known(connection)
                before = migrations.current(connection)
        except Exception as cause:
            raise in_our_words(cause, self.name) from cause
        finally:
            for engine in engines:
                engine.dispose()
        return before, known[known.index(before) + 1 :] if before else known

    def close(self) -> None:
        """Finish what waits, then let go of every connection; ``open`` makes it usable again."""
        with self._lock:
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()
            self._let_go()

    def submit(self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """What ``verb`` gives, as soon as it is kept.

        Raises:
            DatabaseBusy: too many verbs wait; and what ``open`` raises.
        """
        if self._writer is None:
            self.open()
        assert self._writer is not None
        return self._writer.submit(verb, args, kwargs)

    def write(self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``verb`` gives, kept for good when this returns.

        Raises:
            DatabaseBusy, DatabaseFull, DatabaseReadOnly, DatabaseUnreachable, StorageFailed: nothing of it is kept.
        """
        return self.submit(verb, *args, **kwargs).result()

    async def write_soon(self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for an event loop, which goes on meanwhile."""
        if self._writer is None:
            self.open()
        assert self._writer is not None
        kept: T = await self._writer.submit_soon(verb, args, kwargs)
        return kept

    def read(self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``verb`` gives for one committed state; it can change nothing.

        Raises:
            DatabaseBusy, DatabaseReadOnly, DatabaseUnreachable, StorageFailed: the database cannot be read.
        """
        if self._writer is None:
            self.open()
        assert self._engines is not None
        for left in reversed(range(TRIES)):
            try:
                with self._engines[1].connect() as connection, connection.begin():
                    return verb(connection, *args, **kwargs)
            except (exc.SQLAlchemyError, OSError, *UNFIT) as cause:
                if not (left and is_lost(cause)):
                    raise in_our_words(cause, self.name) from cause
        raise AssertionError

    async def read_soon(self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for an event loop, in a thread of its own."""
        return await asyncio.to_thread(lambda: self.read(verb, *args, **kwargs))

    def count_in(self, slot: int) -> None:
        """Keep counters in another slot from now on."""
        self.slot = slot
        self.write(_count_in, slot)

    def _prepare(self) -> None:
        if self.is_file:
            Path(self.name).absolute().parent.mkdir(parents=True, exist_ok=True)
            self._engines = _file_engines(self.url)
        else:
            self._engines = self._server_engines()
        with self._connect() as connection, connection.begin():
            if not self.is_file:
                self._require_unicode(connection)
            self._require_known(connection)
            migrations.upgrade(connection)

    def _connect(self) -> Connection:
        assert self._engines is not None
        return self._engines[0].connect().execution_options(moduline_slot=self.slot)

    def _server_engines(self) -> tuple[Engine, Engine]:
        known = {"client_encoding": "utf8", "connect_timeout": CONNECT_LIMIT_S, "application_name": "moduline-ota"}
        try:
            writes = create_engine(self.url, connect_args=known, poolclass=NullPool)
            reads = create_engine(self.url, connect_args=known, isolation_level="REPEATABLE READ", pool_size=READERS)
        except ImportError as missing:
            reason = Text(
                "the driver is not installed: pip install 'moduline[postgres]'",
                "未安装驱动：pip install 'moduline[postgres]'",
            )
            raise StorageFailed(path=self.name, reason=reason) from missing
        signals.listen(writes, "connect", _prepare_server_writer)
        signals.listen(reads, "connect", _prepare_server_reader)
        return writes, reads

    def _require_unicode(self, connection: Connection) -> None:
        encoding = str(connection.execute(text("SHOW server_encoding")).scalar_one())
        if encoding != "UTF8":
            reason = Text("the database is in {encoding}, not in UTF8", "数据库编码为 {encoding}，应为 UTF8")
            raise StorageFailed(path=self.name, reason=reason, encoding=encoding)

    def _require_known(self, connection: Connection) -> None:
        found = migrations.current(connection)
        if found is not None and found not in migrations.known():
            reason = Text(
                "written by a newer Moduline (tables {found})", "由更新版本的 Moduline 写入（表结构 {found}）"
            )
            raise StorageFailed(path=self.name, reason=reason, found=found)

    def _let_go(self) -> None:
        engines, self._engines = self._engines, None
        for engine in engines or ():
            engine.dispose()


def _count_in(connection: Connection, slot: int) -> None:
    connection.execution_options(moduline_slot=slot)


def read_url(url: str | Path, *, option: str = "--db") -> URL:
    """The URL of a database, from a URL or the path of an SQLite file.

    Raises:
        BadOption: it cannot be meant.
    """
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(Path(url).expanduser()))
    try:
        made = make_url(url)
    except (exc.ArgumentError, ValueError) as wrong:
        reason = Text("not a database URL", "不是有效的数据库 URL")
        raise BadOption(name=option, reason=reason) from wrong
    if made.drivername in {"postgresql", "postgres"}:
        made = made.set(drivername="postgresql+psycopg")
    is_file = made.drivername == "sqlite" and made.database not in {None, "", ":memory:"}
    if not is_file and made.drivername != "postgresql+psycopg":
        reason = Text("only sqlite:///FILE and postgresql://… are known", "仅支持 sqlite:///文件 与 postgresql://…")
        raise BadOption(name=option, reason=reason)
    return made


def _file_engines(url: URL) -> tuple[Engine, Engine]:
    waits = {"timeout": BUSY_LIMIT_S, "check_same_thread": False}
    writes = create_engine(url, poolclass=NullPool, connect_args=waits)
    reads = create_engine(url, poolclass=QueuePool, pool_size=READERS, connect_args=waits)
    signals.listen(writes, "connect", _prepare_file_writer)
    signals.listen(writes, "begin", _begin_immediate)
    signals.listen(reads, "connect", _prepare_file_reader)
    signals.listen(reads, "begin", _begin)
    return writes, reads


def _prepare_file_writer(connection: Any, _: object) -> None:
    """Settings of a new SQLite connection; transactions are begun by us, not by the driver."""
    _set(connection, "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536")


def _prepare_file_reader(connection: Any, _: object) -> None:
    _set(connection, "query_only = ON", "cache_size = -16384")


def _set(connection: Any, *pragmas: str) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _prepare_server_writer(connection: Any, _: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{BUSY_LIMIT_S}s'")
        cursor.execute("SET synchronous_commit = on")
    connection.commit()


def _prepare_server_reader(connection: Any, _: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    connection.commit()
