"""The floor: bare Flask-SocketIO with as many workers as CaseNet, and nothing that makes CaseNet CaseNet.

HTTP POST → one committed INSERT → emit to the group's room through Redis. No crypto, no permissions, no
sign-in, no audit. Started by gunicorn with benchmarks/floor_gunicorn.py; FLOOR_DATABASE_URL and
FLOOR_REDIS_URL say where.
"""

import os
from typing import cast
from uuid import uuid4

import psycopg
from flask import Flask, Response, request
from flask_socketio import SocketIO, join_room
from socketio import RedisManager
from sqlalchemy import BigInteger, Identity, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

MEMBERS_PER_GROUP = 10
PAGE_POSTS = 50
NOBODYS_GROUP = -1
NOTE = "INSERT INTO posts (id, group_id, author_id, text) VALUES (%s, %s, 0, '')"

engine = create_engine(os.environ["FLOOR_DATABASE_URL"], pool_size=20, max_overflow=0)
# Connections of its own: switching one to autocommit and back takes round trips.
alone = create_engine(
    os.environ["FLOOR_DATABASE_URL"],
    pool_size=20,
    max_overflow=0,
    isolation_level="AUTOCOMMIT",
    pool_reset_on_return=None,
)


class Base(DeclarativeBase):
    """Mapped base of the floor."""


class Post(Base):
    """A post as an ordinary Flask application maps it; floors.py makes the table."""

    __tablename__ = "posts"
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[str]
    group_id: Mapped[int]
    author_id: Mapped[int]
    text: Mapped[str]


posts = Base.metadata.tables["posts"]

app = Flask(__name__)
sockets = SocketIO(
    app,
    async_mode="gevent",
    # What message_queue= would make; given whole because Flask-SocketIO does not know unix:// as Redis.
    client_manager=RedisManager(os.environ["FLOOR_REDIS_URL"]),
    transports=["websocket"],
    cors_allowed_origins="*",
)


@sockets.on("connect")
def connect() -> None:
    """A member's socket joins the room of its group; the member's number is in the address."""
    join_room(f"group-{int(request.args['member']) // MEMBERS_PER_GROUP}")


@app.post("/groups/<int:group_id>/posts")
def create_post(group_id: int) -> tuple[dict[str, object], int]:
    """One committed INSERT, one emit, 201."""
    draft = request.get_json()
    with engine.begin() as connection:
        sequence = connection.execute(
            insert(posts)
            .values(id=draft["id"], group_id=group_id, author_id=draft["author"], text=draft["text"])
            .returning(posts.c.sequence)
        ).scalar_one()
    revision = {
        "sequence": sequence,
        "post_id": draft["id"],
        "author_id": draft["author"],
        "text": draft["text"],
    }
    sockets.emit("changes", {"group_id": group_id, "revisions": [revision]}, to=f"group-{group_id}")
    return {"id": draft["id"], "sequence": sequence}, 201


@app.get("/groups/<int:group_id>/posts")
def last_posts(group_id: int) -> dict[str, object]:
    """The last 50 posts of a group, newest first."""
    newest = select(Post).where(Post.group_id == group_id).order_by(Post.sequence.desc()).limit(PAGE_POSTS)
    with Session(engine) as session:
        found = session.scalars(newest).all()
        return {
            "revisions": [
                {
                    "sequence": post.sequence,
                    "post_id": post.id,
                    "author_id": post.author_id,
                    "text": post.text,
                }
                for post in found
            ]
        }


@app.get("/noted")
def noted() -> Response:
    """Answers nothing, once one row is committed in one round trip, by the driver alone."""
    borrowed = alone.raw_connection()
    try:
        cast("psycopg.Connection", borrowed.driver_connection).execute(NOTE, (str(uuid4()), NOBODYS_GROUP))
    finally:
        borrowed.close()
    return Response(status=204)


@app.get("/ready")
def ready() -> Response:
    """Answers when the process serves."""
    return Response(status=204)
