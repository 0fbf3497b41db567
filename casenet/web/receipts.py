"""The hospital's page: no account, no script, plain HTML. A link, six digits, the paper, 「受け取りました」.

Unknown, expired, locked and other browsers' links are answered with the same bytes.
"""

from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Response,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
)
from werkzeug.wrappers import Response as Redirect

from casenet import clock, config, sheets
from casenet.database import transaction
from casenet.errors import Invalid
from casenet.sheets import Ward
from casenet.web.sheets import pdf_answer
from casenet.words import say

blueprint = Blueprint("receipts", __name__, template_folder="templates", url_prefix="/handover")

COOKIE = "casenet-handover"
TOKEN_CHARS_MAX = 100
FOLDER = Path(__file__).parent / "templates" / "receipts"
WEEKDAYS = "月火水木金土日"


@blueprint.after_request
def _keep_origin(response: Response) -> Response:
    # With no-referrer a browser sends "Origin: null" with our own form, and the gate would refuse it.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@blueprint.get("/receipts.css")
def style() -> Response:
    """The page's style."""
    response = send_from_directory(FOLDER, "receipts.css")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.get("/<token>")
@blueprint.get("/<token>/open")
@blueprint.get("/<token>/receipt")
@blueprint.get("/<token>/return")
def show(token: str) -> Response:
    """What is behind a link: the question for the code, or the document for the bound browser.

    A page that answered a form can be reloaded by its address, too.
    """
    ward = _look(token)
    return _dead() if ward is None else _page(ward, token)


@blueprint.post("/<token>/open")
def open_link(token: str) -> Response | Redirect:
    """Try the six digits; the right ones bind this browser to the link."""
    code = "".join(digit for digit in request.form.get("code", "")[:20] if digit.isdecimal())
    with transaction() as session:
        opening = sheets.open_link(session, token[:TOKEN_CHARS_MAX], _in_ascii(code), now=clock.now())
    if opening is None:
        return _dead()
    if opening.browser is None:
        ward = _look(token)
        wrong = say("receipts.code.wrong", tries=opening.tries_left)
        return _dead() if ward is None else _page(ward, token, HTTPStatus.FORBIDDEN, wrong=wrong)
    answer = redirect(_address(token), HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        opening.browser,
        max_age=sheets.LINK_VALID,
        path=_address(token),
        secure=config.current().secure,
        httponly=True,
        # Lax, not Strict: the ward opens the link from its mail again.
        samesite="Lax",
    )
    return answer


@blueprint.get("/<token>/document.pdf")
def document(token: str) -> Response:
    """The paper, for the bound browser."""
    with transaction() as session:
        content = sheets.read_document(session, token[:TOKEN_CHARS_MAX], _browser(), now=clock.now())
    return _dead() if content is None else pdf_answer(content)


@blueprint.post("/<token>/receipt")
def confirm(token: str) -> Response | Redirect:
    """「受け取りました」 with name and completeness."""
    name, rating = request.form.get("name", ""), request.form.get("completeness", "")
    try:
        with transaction() as session:
            known = sheets.confirm_receipt(
                session,
                token[:TOKEN_CHARS_MAX],
                _browser(),
                name=name,
                completeness=rating,
                now=clock.now(),
            )
    except Invalid as refusal:
        faults = [say(f"receipts.receipt.{field}.{code}") for field, code in refusal.fields.items()]
        ward = _look(token)
        typed: dict[str, Any] = {"faults": faults, "name": name[:60], "rating": rating}
        return _dead() if ward is None else _page(ward, token, HTTPStatus.UNPROCESSABLE_ENTITY, **typed)
    return redirect(_address(token), HTTPStatus.SEE_OTHER) if known else _dead()


@blueprint.post("/<token>/return")
def send_back(token: str) -> Response:
    """The ward cannot take it: wrong address, not admitted, unreadable."""
    reason = request.form.get("reason", "")
    try:
        with transaction() as session:
            known = sheets.send_back(
                session, token[:TOKEN_CHARS_MAX], _browser(), reason=reason, now=clock.now()
            )
    except Invalid:
        ward = _look(token)
        faults = [say("receipts.return.reason.missing")]
        return _dead() if ward is None else _page(ward, token, HTTPStatus.UNPROCESSABLE_ENTITY, faults=faults)
    return _message("receipts.return.done", "receipts.return.thanks") if known else _dead()


def _address(token: str) -> str:
    return f"{blueprint.url_prefix}/{token}"


def _look(token: str) -> Ward | None:
    with transaction() as session:
        return sheets.look(session, token[:TOKEN_CHARS_MAX], _browser(), now=clock.now())


def _browser() -> str | None:
    return request.cookies.get(COOKIE)


def _page(ward: Ward, token: str, status: HTTPStatus = HTTPStatus.OK, **facts: Any) -> Response:
    shown: dict[str, Any] = {
        "say": say,
        "token": token,
        "sender": ward.sender,
        "receiver": ward.receiver,
        "sent_at": _when(ward.sent_at),
        "expires_at": _when(ward.expires_at),
        "patient": ward.patient,
        "received": _received(ward),
        "ratings": sheets.COMPLETENESS,
        "reasons": sheets.RETURN_REASONS,
        "faults": [],
        "name": "",
        "rating": "",
    }
    name = "receipts/document.html" if ward.opened else "receipts/code.html"
    return make_response(render_template(name, **(shown | facts)), status)


def _received(ward: Ward) -> str | None:
    if ward.received_at is None:
        return None
    rating = say(f"sheets.completeness.{ward.completeness}")
    at = _when(ward.received_at)
    return say("receipts.receipt.done_by", at=at, name=ward.received_by or "", completeness=rating)


def _dead() -> Response:
    return _message("receipts.dead", "receipts.dead.why", "receipts.dead.how", status=HTTPStatus.NOT_FOUND)


def _message(heading: str, *lines: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    told = {"say": say, "heading": say(heading), "lines": [say(line) for line in lines]}
    return make_response(render_template("receipts/message.html", **told), status)


def _when(instant: datetime) -> str:
    """11月21日(土) 10:15, in Japan."""
    local = instant.astimezone(clock.JAPAN)
    return f"{local.month}月{local.day}日({WEEKDAYS[local.weekday()]}) {local:%H:%M}"


def _in_ascii(digits: str) -> str:
    """Wards type in full width too: １２３４５６ is 123456."""
    return "".join(str(int(digit)) for digit in digits)
