"""Whatever JSON a phone sends: it is refused by name or it prints. Nothing in between."""

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from casenet.errors import Invalid
from casenet.sheets import printing, rules
from casenet.sheets.forms import form

FORM = form("admission")
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=30),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
TYPED = some.text(max_size=60)


def fitting(field):
    """Values of the field's own type, good and bad."""
    codes = some.sampled_from(field.codes) if field.codes else some.nothing()
    cells = some.fixed_dictionaries({}, optional=dict.fromkeys(field.columns, TYPED))
    return {
        "text": TYPED,
        "long_text": some.text(max_size=700),
        "number": some.integers(-5, 2000) | some.floats(),
        "date": some.dates().map(str) | TYPED,
        "time": some.times().map(lambda time: f"{time:%H:%M}") | TYPED,
        "choice": codes | TYPED,
        "choices": some.lists(codes | TYPED, max_size=5),
        "flag": some.booleans(),
        "rows": some.lists(cells, max_size=14),
        "fixed": TYPED,
    }[field.type]


ANSWERS = some.fixed_dictionaries({}, optional={key: fitting(field) for key, field in FORM.fields.items()})


def checked(values):
    """(what is kept, the keys that were refused)"""
    try:
        return rules.check_values(FORM, values), set()
    except Invalid as refusal:
        good = {key: value for key, value in values.items() if key not in refusal.fields}
        return rules.check_values(FORM, good), set(refusal.fields)


@settings(max_examples=300, deadline=None)
@given(some.dictionaries(some.sampled_from(sorted(FORM.fields)) | some.text(max_size=10), JSON, max_size=6))
def test_any_json_is_kept_or_refused_by_name(values):
    kept, refused = checked(values)

    assert refused <= values.keys()
    assert kept.items() <= values.items()
    rules.digest(FORM, kept)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANSWERS)
def test_what_is_kept_prints(values):
    kept, _ = checked(values)

    how = printing.Print(made_at=datetime(2026, 11, 21, tzinfo=UTC))
    assert printing.pdf(FORM, kept, how).startswith(b"%PDF")
