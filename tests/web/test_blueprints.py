"""What a view may ask to be given."""

import pytest
from flask import Response
from pydantic import BaseModel

from casenet.web.blueprints import Blueprint


class Shape(BaseModel):
    name: str


def of_header(header: Shape) -> Response:
    return Response(header.name)


def of_form(form: Shape) -> Response:
    return Response(form.name)


@pytest.mark.parametrize("view", [of_header, of_form])
def test_a_view_that_asks_for_what_is_not_read_is_refused_at_the_start(view: object) -> None:
    with pytest.raises(TypeError, match="path, query and body"):
        Blueprint("some", __name__).get("/some")(view)
