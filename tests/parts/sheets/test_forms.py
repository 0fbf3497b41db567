"""The form as data: whole, consistent, and refused when it contradicts itself."""

import json

import pytest

from casenet.errors import NotFound
from casenet.sheets import forms


def read_changed(change):
    document = json.loads(json.dumps(forms.form("admission").document))
    change(document["blocks"][1]["fields"])
    return forms.read(json.dumps(document))


def test_the_admission_form_has_nine_numbered_blocks_in_order():
    numbers = [block["number"] for block in forms.form("admission").document["blocks"]]

    assert [number for number in numbers if number] == list(range(1, 10))


def test_every_field_says_how_sure_we_are_of_it():
    for block in forms.form("admission").document["blocks"]:
        for field in block["fields"]:
            assert field["confidence"] in forms.CONFIDENCE
            assert field.get("ours", False) == (field["confidence"] == "D") or block.get("ours")


def test_the_causes_of_a_difficult_discharge_are_starred():
    starred = {
        field["key"]
        for block in forms.form("admission").document["blocks"]
        for field in block["fields"]
        if field["starred"]
    }

    assert {"f.household", "o.care_power", "o.abuse", "ex.urine", "mn.problems", "tx.list"} <= starred


def test_a_form_that_never_was_is_not_found():
    with pytest.raises(NotFound):
        forms.form("admission", "1999.1")


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.append(fields[0]),
        lambda fields: fields[0].update(type="colour"),
        lambda fields: fields[0].update(confidence="?"),
        lambda fields: fields[0].update(options=[{"code": "a", "label": "a"}]),
        lambda fields: fields[3].pop("options"),
        lambda fields: fields[3]["options"].append(fields[3]["options"][0]),
        lambda fields: fields[0].update(type="rows"),
        lambda fields: fields[0].update(when={"key": "p.sex", "codes": ["other"]}),
        lambda fields: fields[0].update(when={"key": "p.nobody", "codes": []}),
    ],
)
def test_a_form_that_contradicts_itself_is_refused(change):
    with pytest.raises(forms.FormError):
        read_changed(change)
