"""The one list of what runs: the demo starts it, docker-compose.yml says the same, a test compares."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """One long-running program of an installation.

    name          Its service in docker-compose.yml and its log file in the demo.
    command       Run in the project's directory.
    opens_seals   Whether it is given the key-encryption key. The path of a night call runs without it.
    """

    name: str
    command: tuple[str, ...]
    opens_seals: bool


# Its control socket would lie in a home directory, which the image has not, and is used by nothing.
_GUNICORN = "gunicorn --no-control-socket -k gevent -w 2 -c casenet/web/gunicorn_conf.py casenet.web.wsgi:app"
# Quiet: where nothing can be written (a full disk), Celery's greeting would be the end of the process.
_CELERY = "celery --quiet -A workers.app"
# Workers do not talk to one another: what they say would go over Redis, and who writes there could say it too
# (by gossip's elections, any task with any content).
_ALONE = "--without-gossip --without-mingle --without-heartbeat --loglevel warning"
# Urgent work has a process of its own: behind one slow sheet a call waited 30 s.
_ALERTS = f"{_CELERY} worker -n alerts@%h -Q alerts -c 2 {_ALONE}"
_SHEETS = f"{_CELERY} worker -n sheets@%h -Q sheets,housekeeping -c 1 {_ALONE}"
# The timetable may die or double without harm; its file only says when something last ran.
_BEAT = f"{_CELERY} beat --schedule var/beat/schedule --pidfile= --loglevel warning"

PROCESSES = (
    Process("web", tuple(_GUNICORN.split()), opens_seals=True),
    Process("worker", tuple(_ALERTS.split()), opens_seals=False),
    Process("worker-sheets", tuple(_SHEETS.split()), opens_seals=True),
    Process("beat", tuple(_BEAT.split()), opens_seals=False),
    Process("nightwatch", ("python", "-m", "workers.nightwatch"), opens_seals=False),
)
