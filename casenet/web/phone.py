"""Serves the phone app: built files with names that change with their content, and one page for every address."""

from mimetypes import add_type, guess_type
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory
from werkzeug.security import safe_join

from casenet.errors import NotFound

blueprint = Blueprint("phone", __name__)

# In an installed package the built app lies inside it; in the project beside it.
_PLACES = (Path(__file__).parents[1] / "static" / "dist", Path(__file__).parents[2] / "static" / "dist")

YEAR_SECONDS = 31_536_000

add_type("application/manifest+json", ".webmanifest")


def built() -> Path | None:
    """The folder of the built app; None when it was not built."""
    return next((place for place in _PLACES if (place / "index.html").is_file()), None)


@blueprint.get("/")
@blueprint.get("/<path:name>")
def index(name: str = "") -> Response:
    """The app's page, whatever address inside the app was asked for; a file when it is one."""
    folder = built()
    if folder is None or name.startswith(("api/", "socket.io", "health/", "handover/")):
        raise NotFound
    if name and _is_ours(folder, name):
        response = _packed(folder, name)
        forever = "-" in name and not name.startswith(("sw", "index"))
        response.headers["Cache-Control"] = (
            f"public, max-age={YEAR_SECONDS}, immutable" if forever else "no-cache"
        )
        return response
    if "." in name.rsplit("/", 1)[-1]:
        raise NotFound
    response = _packed(folder, "index.html")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _is_ours(folder: Path, name: str) -> bool:
    """A file of the app. Of files elsewhere the answer must not even tell whether they exist."""
    path = safe_join(str(folder), name)
    try:
        return path is not None and Path(path).is_file()
    except OSError:  # a name longer than any file's
        return False


def _packed(folder: Path, name: str) -> Response:
    """The file as the build packed it (.br, .gz), when the browser takes that: a third of the bytes."""
    for coding, ending in (("br", ".br"), ("gzip", ".gz")):
        if request.accept_encodings[coding] and (folder / f"{name}{ending}").is_file():
            mimetype = guess_type(name)[0] or "application/octet-stream"
            response = send_from_directory(
                folder, name + ending, mimetype=mimetype, download_name=Path(name).name
            )
            response.headers["Content-Encoding"] = coding
            break
    else:
        response = send_from_directory(folder, name)
    response.headers["Vary"] = "Accept-Encoding"
    return response
