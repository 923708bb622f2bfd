"""A connection to SQLite or PostgreSQL: reading, writing one after the other, and what they raise in our words.

Every transaction opens its own connection, so no handle outlives it and a process may be killed or forked at any time;
a line writes a few records per second. SQLite: WAL, ``synchronous=FULL``. PostgreSQL: the database must be in UTF-8.
The tables are made or brought up to date by the first write; every transaction looks at their version.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, exc, make_url, text
from sqlalchemy import event as signals
from sqlalchemy.pool import NullPool

from moduline.burn.books import schema
from moduline.errors import BadOption, StorageFailed, Text

BUSY_LIMIT_S: Final = 30.0
"""How long a writer stands in line for the others."""
CONNECT_LIMIT_S: Final = 10
"""How long a server may take to answer a new connection."""
RETRIES: Final = 3
"""How often a write is tried when the connection to the server breaks."""
_DISK_FULL: Final = ("disk is full", "No space left", "could not extend file")

T = TypeVar("T")
U = TypeVar("U")


class Database:
    """One database; nothing is opened or made before the first transaction.

    Args:
        url: as SQLAlchemy writes it, or the path of an SQLite file.

    Raises:
        BadOption: the URL cannot be meant.
    """

    def __init__(self, url: str | Path) -> None:
        self.url = _read_url(url)
        self.is_file = self.url.get_backend_name() == "sqlite"
        self.name = str(self.url.database) if self.is_file else self.url.render_as_string(hide_password=True)
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def read(self, work: Callable[[Connection], T], nothing: U) -> T | U:
        """What ``work`` gives for one state of everything; ``nothing`` where nobody has written yet. Neither is None.

        Raises:
            StorageFailed: the database cannot be read.
        """
        if self.is_file and not Path(self.name).exists():
            return nothing
        with self._in_our_words():
            engine = self._opened(makes=False)

            def once() -> T | U | None:
                with engine.connect() as connection, connection.begin():
                    found = self._version(connection)
                    if 0 < found < schema.VERSION:
                        return None
                    return work(connection) if found else nothing

            given = _with_retries(once)
            if given is None:
                self.write(lambda _: None)  # brings older tables up to date
                given = _with_retries(once)
            assert given is not None
            return given

    def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` gives, done alone among all writers and kept for good when this returns.

        ``work`` may be called again when the connection broke, although the first time may have been kept.

        Raises:
            StorageFailed: it cannot be kept; nothing of it is there then.
        """
        with self._in_our_words():
            engine = self._opened(makes=True)

            def once() -> T:
                with engine.connect() as opened:
                    connection = opened.execution_options(moduline_writes=True)
                    with connection.begin():
                        if not self.is_file:
                            _stand_in_line(connection)
                        found = self._version(connection)
                        if not found:
                            self._require_unicode(connection)
                        if found < schema.VERSION:
                            schema.migrate(connection)
                        return work(connection)

            return _with_retries(once)

    def _opened(self, *, makes: bool) -> Engine:
        with self._lock:
            if self.is_file and makes:
                Path(self.name).parent.mkdir(parents=True, exist_ok=True)
            if self._engine is None:
                self._engine = self._file_engine() if self.is_file else self._server_engine()
            return self._engine

    def _file_engine(self) -> Engine:
        engine = create_engine(self.url, poolclass=NullPool, connect_args={"timeout": BUSY_LIMIT_S})
        signals.listen(engine, "connect", _prepare_file)
        signals.listen(engine, "begin", _begin)
        return engine

    def _server_engine(self) -> Engine:
        try:
            return create_engine(
                self.url,
                connect_args={"client_encoding": "utf8", "connect_timeout": CONNECT_LIMIT_S},
                poolclass=NullPool,
            )
        except ImportError as missing:
            reason = Text(
                "the driver is not installed: pip install 'moduline[postgres]'",
                "未安装驱动：pip install 'moduline[postgres]'",
            )
            raise StorageFailed(path=self.name, reason=reason) from missing

    def _version(self, connection: Connection) -> int:
        """The version of the tables, today's or an older one; 0: there are none.

        Raises:
            StorageFailed: they are of a newer one.
        """
        found = schema.version_of(connection)
        if found > schema.VERSION:
            reason = Text(
                "written by a newer Moduline (schema {found}, this one knows {known})",
                "由更新版本的 Moduline 写入（结构版本 {found}，本版本支持 {known}）",
            )
            raise StorageFailed(path=self.name, reason=reason, found=found, known=schema.VERSION)
        return found

    def _require_unicode(self, connection: Connection) -> None:
        """See to it that the database can hold every text.

        Raises:
            StorageFailed: it cannot.
        """
        if not self.is_file:
            encoding = str(connection.execute(text("SHOW server_encoding")).scalar_one())
            if encoding != "UTF8":
                reason = Text("the database is in {encoding}, not in UTF8", "数据库编码为 {encoding}，应为 UTF8")
                raise StorageFailed(path=self.name, reason=reason, encoding=encoding)

    @contextlib.contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as cause:
            raise StorageFailed(path=self.name, reason=_reason(cause)) from cause
        except OSError as cause:
            raise StorageFailed(path=self.name, reason=cause.strerror or str(cause)) from cause


def _read_url(url: str | Path) -> URL:
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(Path(url).expanduser()))
    try:
        made = make_url(url)
    except (exc.ArgumentError, ValueError) as wrong:
        reason = Text("not a database URL", "不是有效的数据库 URL")
        raise BadOption(name="--records", reason=reason) from wrong
    if made.drivername in {"postgresql", "postgres"}:
        made = made.set(drivername="postgresql+psycopg")
    if made.get_backend_name() not in {"sqlite", "postgresql"} or (
        made.get_backend_name() == "sqlite" and not made.database
    ):
        reason = Text("only sqlite:///FILE and postgresql://… are known", "仅支持 sqlite:///文件 与 postgresql://…")
        raise BadOption(name="--records", reason=reason)
    return made


def _prepare_file(connection: Any, _: object) -> None:
    """Settings of a new SQLite connection; transactions are begun by us, not by the driver."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("moduline_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _stand_in_line(connection: Connection) -> None:
    """Wait until no other writer is at PostgreSQL; what is kept is on its disk when the transaction ends."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{BUSY_LIMIT_S:.0f}s'"))
    connection.execute(text("SET LOCAL synchronous_commit = on"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": schema.LOCK})


def _with_retries(work: Callable[[], T]) -> T:
    """What ``work`` gives; once more when a server's connection broke under it."""
    for _ in range(RETRIES - 1):
        try:
            return work()
        except exc.DBAPIError as broken:
            if not broken.connection_invalidated:
                raise
    return work()


def _reason(cause: exc.SQLAlchemyError) -> str | Text:
    """What a database says, without the statement and its values."""
    said = str(cause.orig) if isinstance(cause, exc.DBAPIError) else str(cause)
    if any(words in said for words in _DISK_FULL):
        return Text("no space left on the disk", "磁盘空间已满")
    return said.strip().splitlines()[0] if said.strip() else type(cause).__name__
