"""What every answer says to the browser, whichever view or error has made it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; frame-src 'self' blob:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors {ancestors}"
)
# No view sets one of these.
ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "geolocation=(), microphone=(), payment=()"),
)
UNDER_TLS = (("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),)
# Unless a view has set them.
USUALLY = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_POLICY.format(ancestors="'none'"),
}
# A sheet's preview is shown in a frame of our own page.
SHEET = ("Content-Type", "application/pdf")
OF_SHEETS = USUALLY | {"Content-Security-Policy": CONTENT_POLICY.format(ancestors="'self'")}
# What most answers bring with them: nothing that stands in USUALLY.
BARE = {"content-type", "content-length", "x-request-id"}

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AnswerHeaders:
    """WSGI around the pages, so that an answer which Flask makes without us carries them too (docs/decisions/0022)."""

    pages: "WSGIApplication"

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: Headers, *exc_info: Any) -> Callable[[bytes], object]:
            return start_response(status, _completed(headers, environ["wsgi.url_scheme"]), *exc_info)

        return self.pages(environ, start)


def _completed(headers: Headers, scheme: str) -> Headers:
    usually = (OF_SHEETS if SHEET in headers else USUALLY).items()
    given = {name.lower() for name, _ in headers}
    if not given <= BARE:
        usually = [(name, value) for name, value in usually if name.lower() not in given]
    return [*headers, *usually, *ALWAYS, *(UNDER_TLS if scheme in ("https", "wss") else ())]
