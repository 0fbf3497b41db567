"""docs/api.md tells the truth about what programs depend on: the stable codes and the addresses."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from casenet import errors
from casenet.config import Config
from casenet.web.app import create_app

PROJECT = Path(__file__).parents[2]
DOCUMENT = (PROJECT / "docs" / "api.md").read_text("utf-8")
CODE = re.compile(r"[a-z]+(-[a-z]+)*")
REFUSALS = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {"problem", "__init__"}


def codes_in(path: Path) -> Iterator[str]:
    """Every stable code that a file can answer with, wherever it is written down."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and name_of(node.func) in REFUSALS:
            # problem() takes the status first, a domain error its code.
            yield from constants(node.args[1:2] if name_of(node.func) == "problem" else node.args[:1])
        elif isinstance(node, ast.FunctionDef) and node.name == "_of_http":
            yield from codes_of_http(node)


def codes_of_http(function: ast.FunctionDef) -> Iterator[str]:
    """The codes for what Flask itself refuses: a table, and a word for the rest."""
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            yield from constants(node.values)
        elif isinstance(node, ast.Call) and name_of(node.func) == "get":
            yield from constants(node.args[1:])


def name_of(node: ast.expr) -> str:
    """The last word of a name: `errors.Invalid` is Invalid."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def constants(nodes: list[ast.expr]) -> Iterator[str]:
    """The codes among these expressions, also both sides of `a if … else b`."""
    for node in nodes:
        for inner in ast.walk(node):
            if (
                isinstance(inner, ast.Constant)
                and isinstance(inner.value, str)
                and CODE.fullmatch(inner.value)
            ):
                yield inner.value


def raised() -> set[str]:
    own = {errors.NotFound().code}  # raised without arguments
    return own | {code for path in sorted((PROJECT / "casenet").rglob("*.py")) for code in codes_in(path)}


def documented() -> set[str]:
    table = DOCUMENT.split("## Codes", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    return set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))


def test_every_code_that_is_raised_stands_in_the_table_and_no_other() -> None:
    found = raised()

    assert len(found) > 40, "the search itself has gone blind"
    assert documented() == found


def test_every_address_of_the_document_exists(config: Config, doors: sessionmaker[Session]) -> None:
    app: Flask = create_app(config)
    there = {
        re.sub(r"<(?:\w+:)?\w+>", "*", route.rule).removeprefix("/api/v1")
        for route in app.url_map.iter_rules()
    }
    told = re.findall(r"`(?:GET|POST|PUT|DELETE) (/[^`\s?]*)", DOCUMENT)

    assert len(told) > 30
    assert {re.sub(r"\{\w+\}", "*", path) for path in told} <= there | {"/demo/people", "/demo/session"}
