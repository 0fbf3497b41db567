"""Groups of routes whose views are given what came in by its shapes."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel


class Blueprint(APIBlueprint):
    """The library's, which makes the OpenAPI document of `path`, `query` and `body` of every view; read by us.

    Its own reading asks for the query's schema at each request, and takes JSON within a JSON text for a body.
    """

    @staticmethod
    def create_view_func(
        func: Callable[..., Response],
        header: type[BaseModel] | None,
        cookie: type[BaseModel] | None,
        path: type[BaseModel] | None,
        query: type[BaseModel] | None,
        form: type[BaseModel] | None,
        body: type[BaseModel] | None,
        raw: type[BaseModel] | None,
        *_: Any,
        **__: Any,
    ) -> Callable[..., Response]:
        """The view as Flask calls it. It raises pydantic's ValidationError (errors.py) before `func` is called."""
        if header or cookie or form or raw:
            raise TypeError(f"{func.__name__}: path, query and body are all that a view may ask for")

        @wraps(func)
        def view(**steps: Any) -> Response:
            given: dict[str, BaseModel] = {}
            if path:
                given["path"] = path.model_validate(steps)
            if query:
                given["query"] = query.model_validate(request.args.to_dict())
            if body:
                given["body"] = body.model_validate(request.get_json(silent=True))
            return func(**given)

        return view
