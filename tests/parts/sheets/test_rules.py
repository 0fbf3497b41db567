"""States, values, what is missing, the hash."""

import pytest

from casenet.errors import Conflict, Invalid
from casenet.sheets import rules
from casenet.sheets.forms import form
from tests.parts.sheets.case_a import VALUES

FORM = form("admission")


def faults(values):
    with pytest.raises(Invalid) as caught:
        rules.check_values(FORM, values)
    return caught.value.fields


@pytest.mark.parametrize(
    ("state", "act", "after"),
    [
        ("draft", "release", "released"),
        ("released", "send", "sent"),
        ("sent", "receive", "received"),
        ("sent", "return", "returned"),
        ("draft", "withdraw", "withdrawn"),
        ("released", "withdraw", "withdrawn"),
    ],
)
def test_a_sheet_moves_only_along_the_table(state, act, after):
    assert rules.next_state(state, act) == after


@pytest.mark.parametrize("state", ["draft", "released", "sent", "received", "returned", "withdrawn"])
@pytest.mark.parametrize("act", ["release", "send", "receive", "return", "withdraw"])
def test_every_other_move_is_refused(state, act):
    if (state, act) in rules.STATES:
        return
    with pytest.raises(Conflict):
        rules.next_state(state, act)


def test_case_a_fits_the_form_and_lacks_nothing():
    assert rules.check_values(FORM, VALUES) == VALUES
    assert rules.missing(FORM, VALUES) == ()


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("p.nickname", "x", "unknown-field"),
        ("hdr.consent_note", "x", "unknown-field"),
        ("p.name", 7, "wrong-type"),
        ("p.name", "あ" * 101, "too-long"),
        ("p.name", "佐野\nハル", "control-character"),
        ("w.interests", "編み物\x00", "control-character"),
        ("p.name", "佐野\u202eハル", "control-character"),
        ("p.age", 131, "out-of-range"),
        ("p.age", -1, "out-of-range"),
        ("p.age", float("nan"), "out-of-range"),
        ("p.age", "88", "wrong-type"),
        ("p.age", True, "wrong-type"),
        ("p.birth", "1938-02-30", "not-a-date"),
        ("p.birth", "昭和13年", "not-a-date"),
        ("p.birth", "19380412", "not-a-date"),
        ("hdr.date_admitted", "9999-12-31", "not-a-date"),
        ("p.birth", 19380412, "wrong-type"),
        ("hdr.time_admitted", "24:00", "not-a-time"),
        ("p.sex", "x", "unknown-option"),
        ("p.sex", ["female"], "wrong-type"),
        ("tx.list", "suction", "wrong-type"),
        ("tx.list", ["suction", "suction"], "unknown-option"),
        ("tx.list", ["none", "suction"], "none-with-others"),
        ("f.daytime_alone", "yes", "wrong-type"),
        ("sv.services", [{"kind": "訪問看護", "price": "1"}], "wrong-type"),
        ("sv.services", [{"kind": "訪" * 31}], "too-long"),
        ("sv.services", [{"kind": "訪問看護"}] * 13, "too-many"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_reason(key, value, code):
    assert faults({key: value}) == {key: code}


def test_a_period_cannot_end_before_it_starts():
    values = {"p.cert_from": "2026-02-01", "p.cert_to": "2026-01-31"}

    assert faults(values) == {"p.cert_to": "ends-before-it-starts"}


def test_an_empty_value_is_no_value():
    assert rules.check_values(FORM, {"p.name": " ", "tx.list": [], "p.tel": None, "c.inhouse": False}) == {}


def test_an_empty_sheet_lacks_every_required_field():
    lacking = rules.missing(FORM, {})

    assert "p.name" in lacking
    assert "hdr.consent_basis" in lacking
    assert "hdr.consent_date" not in lacking, "asked for only once a way of consent is chosen"


def test_what_an_answer_makes_necessary_is_missing_until_it_is_given():
    assert "hdr.consent_reason" in rules.missing(FORM, VALUES | {"hdr.consent_basis": "emergency"})


def test_a_suspicion_of_abuse_is_shown_only_to_those_who_write_sheets():
    values = {"o.abuse": "yes", "o.abuse_text": "あざ", "p.sex": "female"}

    assert rules.visible(FORM, values, may_write=False) == {"p.sex": "female"}
    assert rules.visible(FORM, values, may_write=True) == values


def test_the_hash_depends_on_the_values_and_not_on_their_order():
    turned = dict(reversed(VALUES.items()))

    assert rules.digest(FORM, VALUES) == rules.digest(FORM, turned)
    assert rules.digest(FORM, VALUES) != rules.digest(FORM, VALUES | {"p.age": 89})
