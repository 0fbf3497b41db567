"""What a failing round leaves in a log: the statement perhaps, a value never."""

import pytest
from sqlalchemy import Integer, Text, bindparam, literal_column, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from casenet.config import Config
from casenet.database import Prepared, glance


def test_a_glance_is_as_silent(database: Config) -> None:
    asked = Prepared(select(bindparam("what", type_=Text), literal_column("1 / 0", Integer)))

    with pytest.raises(DBAPIError) as caught:
        asked.all(glance(), {"what": "秘密の症状"})

    assert "division by zero" in str(caught.value)
    assert "秘密" not in str(caught.value)


def test_an_error_of_the_database_names_no_value(session: Session) -> None:
    with pytest.raises(DBAPIError) as caught:
        session.execute(text("select cast(:what as text), 1 / 0"), {"what": "秘密の症状"})

    assert "division by zero" in str(caught.value)
    assert "秘密" not in str(caught.value)
