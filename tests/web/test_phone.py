from pathlib import Path

import pytest
from flask import Flask

from casenet.web import phone


@pytest.fixture
def app_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built app, with a file beside it that is nobody's business."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text("the page")
    (tmp_path / "secret").write_text("nobody's business")
    monkeypatch.setattr(phone, "_PLACES", (folder,))
    return folder


def test_a_file_elsewhere_and_a_made_up_one_get_the_same_bytes(app: Flask, app_folder: Path) -> None:
    client = app.test_client()

    there, absent = client.get("/..%2Fsecret"), client.get("/..%2Fabsent")

    assert there.status_code == absent.status_code == 200
    assert there.data == absent.data == b"the page"


def test_a_name_longer_than_any_files_is_an_address_of_the_app(app: Flask, app_folder: Path) -> None:
    assert app.test_client().get("/" + "a" * 300).data == b"the page"
