"""Signing in in two steps, invitations, and the demo's marked button."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from casenet import clock, config, facilities, identity
from casenet.database import transaction
from casenet.errors import Invalid, NotFound, NotSignedIn
from casenet.identity import Asker
from casenet.web.answers import answer
from casenet.web.blueprints import Blueprint
from casenet.web.errors import problem
from casenet.web.gate import asker_of, asking, cookie_name, off_loop
from casenet.web.shapes import Id, Line, Password, Shape

blueprint = Blueprint("sessions", __name__, url_prefix="/api/v1")
demo_blueprint = Blueprint("demo", __name__, url_prefix="/api/v1/demo")


def _set_cookie(response: Response, token: str, *, seconds: int) -> None:
    response.set_cookie(
        cookie_name(),
        token,
        max_age=seconds,
        secure=config.current().secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )


class SignIn(Shape):
    """First step. `login`: login name or e-mail address."""

    login: Line
    password: Password


class SignInState(Shape):
    """What is awaited next."""

    state: str


class SessionState(Shape):
    """What a phone asks before it shows the sign-in page."""

    signed_in: bool
    demo: bool


class CodeIn(Shape):
    """The six digits of the authenticator."""

    code: Line


class FacilityOut(Shape):
    """The office of the signed-in person."""

    id: UUID
    name: str
    kind: str


class MyselfOut(Shape):
    """The signed-in person."""

    id: UUID
    name: str
    name_kana: str
    profession: str
    facility: FacilityOut | None
    is_administrator: bool


class Me(Shape):
    """Everything that the phone needs to start."""

    person: MyselfOut
    csrf_token: str
    vapid_public_key: str
    demo: bool


@blueprint.get("/session", responses={200: SessionState})
def session_state() -> Response:
    """Is this device signed in? Never an error, so that a first visit begins without one."""
    asker = asker_of(request.cookies.get(cookie_name()))
    return answer(SessionState(signed_in=asker is not None, demo=config.current().demo))


@blueprint.post("/session", responses={200: SignInState})
def sign_in(body: SignIn) -> Response:
    """First factor. The answer is the same for an unknown login and a wrong password."""
    now = clock.now()
    settings = config.current()
    address = request.remote_addr or ""
    if len(body.password) > 256:
        raise Invalid("input-invalid", {"password": "too-long"})
    with transaction() as session:
        credentials = identity.look_up_credentials(
            session, body.login, address=address, pepper=settings.pepper, now=now
        )
    # Argon2 takes some 40 ms of processor: in a thread, or every phone would wait.
    right = off_loop(identity.password_matches, credentials.password_hash, body.password, settings.pepper)
    with transaction() as session:
        if not right or credentials.person_id is None:
            identity.note_wrong_password(session, credentials, now=now)
            return problem(HTTPStatus.UNAUTHORIZED, "sign-in-refused")
        token = identity.start_session(session, credentials.person_id, device=_device(), now=now)
    response = answer(SignInState(state="code"))
    _set_cookie(response, token, seconds=300)
    return response


@blueprint.post("/session/code", responses={200: Me})
def sign_in_code(body: CodeIn) -> Response:
    """Second factor. The token changes with it."""
    half = request.cookies.get(cookie_name())
    if not half:
        raise NotSignedIn("not-signed-in")
    settings = config.current()
    with transaction() as session:
        token = identity.finish_session(
            session,
            half,
            body.code,
            address=request.remote_addr or "",
            pepper=settings.pepper,
            hours=settings.session_hours,
            now=clock.now(),
        )
    if token is None:
        return problem(HTTPStatus.UNAUTHORIZED, "code-refused")
    return _welcome(token)


def _welcome(token: str) -> Response:
    asker = asker_of(token)
    if asker is None:
        raise NotSignedIn("not-signed-in")
    with transaction() as session:
        response = answer(_me(session, asker, token))
    _set_cookie(response, token, seconds=config.current().session_hours * 3600)
    return response


@blueprint.get("/me", responses={200: Me})
def me() -> Response:
    """The signed-in person, and the token that changes must show."""
    asker = asking()
    with transaction() as session:
        return answer(_me(session, asker, request.cookies[cookie_name()]))


def _me(session: Session, asker: Asker, token: str) -> Me:
    person = identity.people(session, [asker.person_id])[asker.person_id]
    home = facilities.facility_of(session, asker.person_id)
    settings = config.current()
    return Me(
        person=MyselfOut(
            id=person.id,
            name=person.name,
            name_kana=person.name_kana,
            profession=person.profession,
            facility=FacilityOut(id=home.id, name=home.name, kind=home.kind) if home else None,
            is_administrator=bool(home and facilities.administers(session, person.id, home.id)),
        ),
        csrf_token=identity.csrf_token(token),
        vapid_public_key=settings.vapid_public_key,
        demo=settings.demo,
    )


@blueprint.delete("/session", responses={204: None})
def sign_out() -> Response:
    """End this device's session."""
    asker = asking()
    with transaction() as session:
        identity.end_session(session, asker.session_id, asker.person_id, now=clock.now())
    response = Response(status=204)
    response.delete_cookie(cookie_name(), path="/", secure=config.current().secure, httponly=True)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


class InvitationPath(Shape):
    """A one-time token."""

    token: Line


class Invited(Shape):
    """Whom the invitation is for."""

    name: str
    facility_name: str


class PasswordIn(Shape):
    """The password that a new person chooses."""

    password: Password


class SecondFactor(Shape):
    """What the authenticator app needs, shown once."""

    totp_secret: str
    totp_uri: str


@blueprint.get("/invitations/<token>", responses={200: Invited})
def invitation(path: InvitationPath) -> Response:
    """Whom this invitation is for."""
    with transaction() as session:
        person = identity.invited_person(session, path.token, now=clock.now())
        home = facilities.facility_of(session, person.id)
        return answer(Invited(name=person.name, facility_name=home.name if home else ""))


@blueprint.post("/invitations/<token>", responses={200: SecondFactor})
def take_invitation(path: InvitationPath, body: PasswordIn) -> Response:
    """Choose the password; the second factor's secret is handed out."""
    now = clock.now()
    with transaction() as session:
        person = identity.invited_person(session, path.token, now=now)
        home = facilities.facility_of(session, person.id)
        own_words = [person.login, *person.name.split(), home.name if home else ""]
        identity.check_new_password(body.password, own_words)
    hashed = off_loop(identity.hash_password, body.password, config.current().pepper)
    with transaction() as session:
        secret, uri = identity.set_password(session, path.token, hashed, now=now)
    return answer(SecondFactor(totp_secret=secret, totp_uri=uri))


@blueprint.post("/invitations/<token>/code", responses={204: None})
def confirm_invitation(path: InvitationPath, body: CodeIn) -> Response:
    """Show the first code: the person can sign in from now on, the link is used."""
    with transaction() as session:
        right = identity.confirm_second_factor(session, path.token, body.code, now=clock.now())
    return Response(status=204) if right else problem(HTTPStatus.UNAUTHORIZED, "code-refused")


class DemoPerson(Shape):
    """An invented person."""

    id: UUID
    name: str
    profession: str
    facility_name: str


class DemoPeople(Shape):
    """All invented persons."""

    people: list[DemoPerson]


class DemoSignIn(Shape):
    """Whom to be."""

    person_id: Id


@demo_blueprint.get("/people", responses={200: DemoPeople})
def people() -> Response:
    """The invented persons that the marked button signs in as. Exists in the demo only."""
    with transaction() as session:
        found: list[DemoPerson] = []
        for facility in facilities.facilities(session):
            ids = [member.person_id for member in facilities.staff_of(session, facility.id)]
            known = identity.people(session, ids)
            found += [
                DemoPerson(
                    id=id, name=known[id].name, profession=known[id].profession, facility_name=facility.name
                )
                for id in ids
            ]
        return answer(DemoPeople(people=found))


@demo_blueprint.post("/session", endpoint="sign_in", responses={200: Me})
def demo_sign_in(body: DemoSignIn) -> Response:
    """Be this invented person. Exists in the demo only."""
    hours = config.current().session_hours
    with transaction() as session:
        if not identity.people(session, [body.person_id]):
            raise NotFound
        token = identity.open_session(session, body.person_id, device=_device(), hours=hours, now=clock.now())
    return _welcome(token)


def _device() -> str:
    return request.headers.get("User-Agent", "")[:200]
