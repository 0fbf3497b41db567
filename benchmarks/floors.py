"""What CaseNet is compared with: the Flask-SocketIO floor, the rig, and the rig without sealing."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.load import draft_body, some_text
from benchmarks.processes import Processes, free_port, wait_until_serving
from benchmarks.servers import Servers
from benchmarks.subject import MEMBERS_PER_GROUP, Subject
from casenet.cli.servers import APPLICATION, OWNER

PROJECT = Path(__file__).parent.parent
WORKERS = 2
# Beside the 50 groups of the posting load, read only.
HISTORY_GROUP, HISTORY_POSTS = 50, 10_000
# Rows of the report: the rig with an audit row; what no read under Flask can go below, and none that is written down
# before it is shown.
RIG_NOTED = "rig_py after one committed row"
EMPTY = "a Flask route that answers nothing"
EMPTY_NOTED = "a Flask route that answers nothing after one committed row"
FLOOR_TABLE = """
CREATE TABLE posts (sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id varchar(36) NOT NULL UNIQUE,
    group_id bigint NOT NULL, author_id bigint NOT NULL, text varchar NOT NULL);
CREATE INDEX posts_of_group ON posts (group_id, sequence DESC)
"""


@contextmanager
def flask_floor(servers: Servers, directory: Path) -> Iterator[Subject]:
    """Bare Flask-SocketIO, gunicorn gevent with 2 workers, Redis between them."""
    database = "bench_floor"
    servers.new_database(database)
    with psycopg.connect(servers.libpq_url(OWNER, database)) as connection:
        connection.execute(FLOOR_TABLE)
        grant = sql.SQL("GRANT SELECT, INSERT ON posts TO {}").format(sql.Identifier(APPLICATION))
        connection.execute(grant)
        rows = [
            (f"history-{n}", HISTORY_GROUP, n % MEMBERS_PER_GROUP, some_text()) for n in range(HISTORY_POSTS)
        ]
        insert = "INSERT INTO posts (id, group_id, author_id, text) VALUES (%s, %s, %s, %s)"
        connection.cursor().executemany(insert, rows)
    servers.analyze(database)
    environ = {
        **os.environ,
        "FLOOR_DATABASE_URL": servers.postgres.url(APPLICATION, database),
        "FLOOR_REDIS_URL": servers.redis_url(1),
    }
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-w", str(WORKERS), "-b", f"127.0.0.1:{port}",
               "-c", "python:benchmarks.floor_gunicorn", "benchmarks.floor:app"]  # fmt: skip
    with Processes(directory / "floor") as processes:
        child = processes.start("gunicorn", command, environ=environ, folder=PROJECT)
        wait_until_serving(child, port)
        yield Subject(
            name="flask floor",
            port=port,
            processes=processes,
            shared=servers.processes,
            engine_io=True,
            post_path=lambda member: f"/groups/{member // MEMBERS_PER_GROUP}/posts",
            post_body=draft_body,
            socket_path=lambda member: f"/socket.io/?EIO=4&transport=websocket&member={member}",
            history=(f"/groups/{HISTORY_GROUP}/posts", 0),
            facts={"empty": {EMPTY: "/ready", EMPTY_NOTED: "/noted"}},
        )


@contextmanager
def rig(servers: Servers, directory: Path, *, sealed: bool) -> Iterator[Subject]:
    """uvloop and asyncpg by hand, one process; `sealed` adds AES-256-GCM."""
    name = "rig_py" if sealed else "raw floor"
    database = f"bench_{name.replace(' ', '_')}"
    servers.new_database(database)
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.rig", str(port), servers.libpq_url(OWNER, database),
               *(["--sealed"] if sealed else [])]  # fmt: skip
    with Processes(directory / name) as processes:
        child = processes.start("rig", command, environ=os.environ, folder=PROJECT)
        wait_until_serving(child, port)
        yield Subject(
            name=name,
            port=port,
            processes=processes,
            shared=servers.processes,
            engine_io=False,
            post_path=lambda member: f"/groups/{member // MEMBERS_PER_GROUP}/posts",
            post_body=draft_body,
            socket_path=lambda member: f"/socket?member={member}",
            # Filled through its own door before it is read (history.py): only the rig holds its key.
            history=(f"/groups/{HISTORY_GROUP}/posts", HISTORY_GROUP * MEMBERS_PER_GROUP),
            facts={
                "fill_history": HISTORY_POSTS,
                "also": {RIG_NOTED: f"/groups/{HISTORY_GROUP}/posts?noted"} if sealed else {},
            },
        )
