"""What the documents name is there: files, tests, functions, links, words."""

import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DOCUMENTS = sorted((PROJECT / "docs").rglob("*.md"))
ALERT_CODES = tuple("target. duty. rank. state. step. channel. outcome. sign. how. event.".split())
TEXTS = {path: path.read_text("utf-8") for path in DOCUMENTS}


def words_of(room: str) -> dict[str, str]:
    return json.loads((PROJECT / "casenet" / "words" / "ja" / f"{room}.json").read_text("utf-8"))


def named_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=named_of)
def test_every_file_that_a_document_names_is_there(path: Path) -> None:
    named = re.findall(
        r"\b(?:casenet|workers|migrations|static|tests|benchmarks)/[\w/.]+\.\w+\b", TEXTS[path]
    )
    # Only made by a build.
    missing = {name for name in named if not (PROJECT / name).exists() and "/dist/" not in name}

    assert missing == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=named_of)
def test_every_link_between_documents_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", TEXTS[path])
    dead = {link for link in links if not (path.parent / link).exists()}

    assert dead == set()


def test_every_test_that_a_document_names_is_there() -> None:
    code = "\n".join(file.read_text("utf-8") for file in (PROJECT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"^def (test_\w+)", code, re.MULTILINE))
    named = {name for text in TEXTS.values() for name in re.findall(r"`(test_\w+)`", text)}

    assert len(named) > 30
    assert named <= there, named - there


def test_the_journeys_walk_through_functions_that_exist() -> None:
    text = TEXTS[PROJECT / "docs" / "architecture.md"]
    steps = re.findall(r"((?:casenet|workers|static)/[\w/.]+\.\w+) +(\w+)\(\)", text)
    lost = [(file, name) for file, name in steps if not _defines(PROJECT / file, name)]

    assert len(steps) > 25
    assert lost == []


def _defines(file: Path, name: str) -> bool:
    code = file.read_text("utf-8")
    return bool(re.search(rf"^\s*(?:export )?(?:async )?(?:def |function )?{name}\(", code, re.MULTILINE))


def test_the_glossary_has_every_code_that_people_read_a_word_for() -> None:
    glossary = TEXTS[PROJECT / "docs" / "glossary.md"]
    codes = set(words_of("vocabulary"))
    codes |= {
        key
        for key in words_of("alerts")
        if key.startswith(ALERT_CODES) and key != "target.everybody" and not key.startswith("event.ping.")
    }
    codes |= {key for key in words_of("sheets") if key.startswith(("state.", "completeness."))}
    missing = {code for code in codes if f"`{code.split('.', 1)[1]}`" not in glossary}

    assert missing == set()


def test_no_two_decisions_have_one_number() -> None:
    numbers = [path.name[:4] for path in DOCUMENTS if path.parent.name == "decisions"]

    assert len(set(numbers)) == len(numbers)
