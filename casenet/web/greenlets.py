"""psycopg under gevent: a greenlet that waits for the database waits in gevent's own loop.

psycopg finds the patched select module and makes a poll object for every answer; the loop's own watcher costs
half of that (docs/decisions/0017).
"""

from typing import Any

import psycopg
from gevent import get_hub
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event


class GreenletConnection(psycopg.Connection[Any]):
    """A connection whose waits are gevent's."""

    def wait(self, gen: PQGen[Any], interval: float = 0.0, timeout: float | None = None) -> Any:
        """As psycopg's; interval is not needed, since nothing has to be looked at in between."""
        if timeout is not None:
            return super().wait(gen, timeout=timeout)
        try:
            asked = next(gen)
            hub = get_hub()
            while True:
                # psycopg's READY_R and READY_W are gevent's READ and WRITE.
                watcher = hub.loop.io(self.pgconn.socket, int(asked))
                try:
                    hub.wait(watcher)
                finally:
                    watcher.close()
                asked = gen.send(asked)
        except StopIteration as done:
            return done.value
        except BaseException:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # whoever gets this connection next must not read our answer
            raise


def wait_in_loop() -> None:
    """Let every engine of this process connect so. Call before the first connection."""
    event.listen(Engine, "do_connect", _connect)


def _connect(dialect: Any, record: Any, arguments: tuple[Any, ...], parameters: dict[str, Any]) -> Any:
    return GreenletConnection.connect(*arguments, **parameters)
