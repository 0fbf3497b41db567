"""JSON answers, in one write and with one serializer."""

from typing import Any

import orjson
from flask import Response
from pydantic import BaseModel


def answer(body: BaseModel | dict[str, Any], status: int = 200) -> Response:
    """A JSON response; instants in ISO 8601 with zone, ids as text."""
    data = body.model_dump() if isinstance(body, BaseModel) else body
    return answer_bytes(as_json(data), status)


def answer_bytes(body: bytes, status: int = 200) -> Response:
    """A response of JSON that is made already."""
    return Response(body, status=status, content_type="application/json")


def as_json(data: Any) -> bytes:
    """UTF-8 JSON."""
    return orjson.dumps(data, option=orjson.OPT_UTC_Z)
