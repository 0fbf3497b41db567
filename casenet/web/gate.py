"""The gate before every request: who is asking, what the table lets them do, and whether the change is theirs."""

from collections.abc import Callable
from typing import ParamSpec, TypeGuard, TypeVar
from uuid import UUID

import gevent
from flask import Response, g, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest, RequestTimeout, UnsupportedMediaType
from werkzeug.http import parse_cookie

from casenet import audit, clock, config, identity
from casenet.database import Database, glance
from casenet.errors import NotAllowed, NotFound, NotSignedIn
from casenet.groups import Entry, Permission, Recalled, admitted, arrive, enter, recall
from casenet.identity import Asker
from casenet.web import crowd, permissions

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

SAFE = ("GET", "HEAD", "OPTIONS")
TOKEN_CHARS_MAX = 100  # ours have 43
BODY_SECONDS = 20  # the largest body at 100 kbit/s


def cookie_name() -> str:
    """__Host- binds the cookie to this very host and to TLS; browsers refuse the prefix without TLS."""
    return "__Host-casenet" if config.current().secure else "casenet"


def _may_be(token: str | None) -> TypeGuard[str]:
    return bool(token) and len(token or "") <= TOKEN_CHARS_MAX


def asker_of(token: str | None) -> Asker | None:
    """Who holds this session token now."""
    if not _may_be(token):
        return None
    idle_minutes = config.current().session_idle_minutes
    return identity.asker(glance(), token, idle_minutes=idle_minutes, now=clock.now())


def asking() -> Asker:
    """Who is asking in this request. Raises NotSignedIn."""
    if "asker" not in g:
        _take(asker_of(_token()))
    if g.asker is None:
        raise NotSignedIn("not-signed-in")
    return g.asker


def _take(asker: Asker | None) -> None:
    g.asker = asker
    if asker is not None:
        audit.by_session(asker.session_id)


def enter_group(session: Database, group_id: UUID) -> Entry:
    """Enter with the permission that the table names for this route. Raises NotFound, NotAllowed."""
    permission = permissions.ROUTES[request.endpoint or ""].permission
    if permission is None:
        raise NotFound  # the table names no permission for this route: nobody comes in
    if g.pop("recalled", None) is not None:  # in vain: asked now, as everybody else is before
        _arrive(_token(), group_id)
        asking()
    if g.get("arrived_at") == group_id:
        return admitted(g.entry, permission)
    return enter(session, asking().person_id, group_id, permission)


def recalled() -> Recalled | None:
    """Whom this request's token recalls, for a statement that asks by itself whether that still stands."""
    return g.get("recalled")


def _token() -> str | None:
    """The session token that was shown. Straight from the environment: `request.cookies` walks through all of it."""
    return parse_cookie(request.environ).get(cookie_name())


def _arrive(token: str | None, group_id: UUID) -> None:
    """Who is asking, and what they are in the group that the path names: one read instead of two."""
    asker, g.entry, g.arrived_at = None, None, group_id
    if _may_be(token):
        idle_minutes = config.current().session_idle_minutes
        asker, g.entry = arrive(glance(), token, group_id, idle_minutes=idle_minutes, now=clock.now())
    _take(asker)


def _recall(token: str | None, group_id: UUID, permission: Permission | None) -> bool:
    """Whether this request needs not ask, since its own statement does."""
    if permission is None or not _may_be(token):
        return False
    idle_minutes = config.current().session_idle_minutes
    known = recall(token, group_id, permission, idle_minutes=idle_minutes, now=clock.now())
    if known is None:
        return False
    g.recalled = known
    audit.by_session(known.asker.session_id)
    return True


def admit() -> Response | None:
    """Before every request: refuse what the table does not list, whoever is not signed in, and forged changes."""
    endpoint = request.endpoint
    if endpoint is None:
        return None  # no such route: answered as such
    rule = permissions.ROUTES.get(endpoint)
    if rule is None:
        raise NotFound
    is_change = request.method not in SAFE
    if is_change and _is_from_elsewhere():
        raise NotAllowed("cross-site")
    _read_body()
    if endpoint not in permissions.URGENT:
        crowd.queue_up()
    if rule.who in ("anyone", "half", "token", "operator"):
        return None
    token = _token()
    is_forged = is_change and not _shows_csrf_token(token)
    if rule.who == "member" and isinstance(group_id := (request.view_args or {}).get("group_id"), UUID):
        is_recalled = endpoint in permissions.RECALLING and not is_forged
        if is_recalled and _recall(token, group_id, rule.permission):
            return None
        _arrive(token, group_id)
    asking()
    if is_forged:
        raise NotAllowed("csrf")
    return None


def _read_body() -> None:
    """Read the body before taking a place: whoever sends it a byte at a time keeps nobody else out."""
    environ = request.environ
    if environ.get("CONTENT_LENGTH", "0") == "0" and "HTTP_TRANSFER_ENCODING" not in environ:
        return  # none is announced, and nothing else says that there is one (RFC 9112)
    try:
        with gevent.Timeout(BODY_SECONDS):
            body = request.get_data()
    except gevent.Timeout:
        raise RequestTimeout from None
    except ParseException:  # in pieces that are none
        raise BadRequest from None
    if body and request.path.startswith("/api/") and not request.is_json:
        raise UnsupportedMediaType


def _is_from_elsewhere() -> bool:
    origin = request.headers.get("Origin")
    fetch_site = request.headers.get("Sec-Fetch-Site", "same-origin")
    own = config.current().public_origin
    return (origin is not None and origin != own) or fetch_site not in ("same-origin", "none")


def _shows_csrf_token(token: str | None) -> bool:
    return identity.same(request.headers.get("X-CSRF-Token", ""), identity.csrf_token(token or ""))


def off_loop(call: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Run heavy work in a thread of gevent's pool, so that the loop goes on serving phones."""
    return gevent.get_hub().threadpool.apply(call, args, kwargs)
