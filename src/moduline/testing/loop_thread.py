"""An event loop in a thread of its own, for callers that are not asynchronous."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from moduline.errors import ModulineError

__tracebackhide__ = True  # a failing test shows its own line, not ours

T = TypeVar("T")

CANCEL_LIMIT_S: Final = 10.0


class LoopThread:
    """A running event loop; ``close`` ends it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="moduline-modules", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine; its exceptions are raised here. Ctrl-C cancels it and waits for its end."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except ModulineError as failure:
            raise failure.with_traceback(None)  # noqa: B904  the same failure, without the way through the loop
        except BaseException:
            if not future.done():
                self._cancel(future)
            raise

    def call(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """The result of a plain function, called on the loop's thread."""

        async def once() -> T:
            return function(*arguments, **named)

        return self.run(once())

    def close(self) -> None:
        """End the loop and its thread; may be called twice."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    @staticmethod
    def _cancel(future: concurrent.futures.Future[T]) -> None:
        future.cancel()
        with contextlib.suppress(concurrent.futures.CancelledError, TimeoutError, Exception):
            future.result(CANCEL_LIMIT_S)
