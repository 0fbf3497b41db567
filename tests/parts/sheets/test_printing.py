"""The paper: every value stands on it, chosen options are ticked, nothing typed is read as code."""

import io
import re
from datetime import UTC, date, datetime

import pytest
from pypdf import PdfReader

from casenet.sheets import printing
from casenet.sheets.forms import form
from casenet.sheets.printing.text import era_date, for_fax, printable
from tests.parts.sheets.case_a import VALUES

FORM = form("admission")
HOW = printing.Print(made_at=datetime(2026, 11, 21, 1, 15, tzinfo=UTC), footer="CaseNet")


def pages(values, how=HOW):
    return [page.extract_text() for page in PdfReader(io.BytesIO(printing.pdf(FORM, values, how))).pages]


def squeezed(values, how=HOW):
    """All text without spaces and line ends: a value may be broken over two lines."""
    return re.sub(r"\s", "", "".join(pages(values, how)))


def without_spaces(text):
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module")
def case_a():
    return squeezed(VALUES)


SHOWN = printable(FORM, VALUES)


@pytest.mark.parametrize("key", sorted(SHOWN["text"]))
def test_every_written_value_of_case_a_stands_on_the_paper(case_a, key):
    assert without_spaces(SHOWN["text"][key]) in case_a


TICKS = [
    (key, label)
    for key, codes in sorted(SHOWN["chosen"].items())
    if key != "hdr.consent_basis"
    for code, label in SHOWN["labels"][key]
    if code in codes
]


@pytest.mark.parametrize(("key", "label"), TICKS)
def test_every_chosen_option_of_case_a_is_ticked(case_a, key, label):
    assert f"✓{without_spaces(label)}" in case_a


def test_as_many_ticks_are_drawn_as_options_are_chosen(case_a):
    flags = [key for key, codes in SHOWN["chosen"].items() if codes == ["yes"] and not SHOWN["labels"][key]]

    assert "✓あり（ペニシリン）" in case_a
    assert case_a.count("✓") == len(TICKS) + len(flags)


@pytest.mark.parametrize("values", [{}, VALUES], ids=["blank", "case A"])
def test_every_option_has_its_drawn_box_chosen_or_not(values):
    paper = PdfReader(io.BytesIO(printing.pdf(FORM, values, HOW)))
    drawn = "".join(page.get_contents().get_data().decode("latin-1") for page in paper.pages)
    squares = re.findall(r"\b0 0 m (\S+) 0 l \1 \1 l 0 \1 l\s+h\s+S\b", drawn)
    fields = [field for field in FORM.fields.values() if field.key != "hdr.consent_basis"]

    assert len(squares) == sum(len(field.codes) + (field.type == "flag") for field in fields)


def test_the_services_stand_on_the_paper(case_a):
    for row in SHOWN["rows"]["sv.services"]:
        for cell in row:
            assert without_spaces(cell) in case_a


def test_every_field_of_the_form_has_its_place_in_the_layout():
    layout = printing.LAYOUTS["admission", FORM.version]
    source = (printing.FOLDER / layout).read_text("utf-8")
    placed = set(re.findall(r'"([a-z]+\.[a-z0-9_]+)"', source))

    assert placed == set(FORM.fields) - {"hdr.consent_note"}


def test_case_a_takes_two_pages_and_each_says_which():
    texts = pages(VALUES)

    assert len(texts) == 2
    assert "1/2" in texts[0]
    assert "2/2" in texts[1]
    assert "退院困難な要因" in texts[0]


def test_block_headings_stand_as_on_the_form(case_a):
    for heading in (
        "1．利用者（患者）基本情報について",
        "7．身体・生活機能の状況／療養生活上の課題について",
        "9．かかりつけ医について",
    ):
        assert heading in case_a


@pytest.mark.parametrize(
    "typed",
    [
        "{{7*7}}",
        '#eval("1+1")',
        "#sys.inputs",
        "*太字*",
        "$x^2$",
        "= 見出し",
        "<label>",
        "`raw`",
        "// 注",
        "\\u{1F600}",
        "@ref",
        '"]); #panic("x',
    ],
)
def test_what_looks_like_code_is_printed_as_typed(typed):
    assert without_spaces(typed) in squeezed({"w.interests": typed, "p.name": typed})


def test_the_longest_texts_still_print_whole_and_the_pages_count_on():
    values = dict(VALUES)
    for field in FORM.fields.values():
        if field.type in ("text", "long_text"):
            values[field.key] = ("長い文章をここに書く。" * 60)[: field.limit]

    texts = pages(values)

    assert f"{len(texts)}/{len(texts)}" in texts[-1]
    whole = without_spaces("".join(texts))
    assert whole.count("長い文章をここに書く。") > 300


def test_lines_of_a_long_text_stay_lines():
    text = "".join(pages({"x.recent_course": "11/20 朝 体温37.8\n11/20 夜 体温38.6"}))

    assert "体温37.8\n11/20" in text


def test_old_forms_of_characters_in_names_are_printed():
    assert "髙橋𠮷田葛󠄀城" in squeezed({"p.name": "髙橋 𠮷田 葛󠄀城"})


def test_the_paper_is_tagged_titled_and_embeds_its_fonts():
    paper = PdfReader(io.BytesIO(printing.pdf(FORM, VALUES, HOW)))

    assert paper.metadata.title == "入院時情報提供書"
    assert paper.trailer["/Root"]["/MarkInfo"]["/Marked"]
    fonts = [font.get_object() for page in paper.pages for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        assert "/FontFile3" in inner["/FontDescriptor"]
        assert "NotoSansCJKjp" in inner["/FontDescriptor"]["/FontName"]


def test_the_same_sheet_gives_the_same_bytes():
    assert printing.pdf(FORM, VALUES, HOW) == printing.pdf(FORM, VALUES, HOW)


@pytest.mark.parametrize("layout", printing.LAYOUTS.values())
def test_a_layout_asks_for_its_values_as_a_file_and_never_as_inputs(layout):
    """Inputs are part of everything that typst lays out: with them nothing is kept from one sheet to the next."""
    source = (printing.FOLDER / layout).read_text("utf-8")
    code = re.sub(r"^//.*", "", source, flags=re.MULTILINE)

    assert 'json("/sheet.json")' in code
    assert "sys." not in code


def test_an_instant_with_microseconds_is_no_obstacle():
    instant = datetime(2026, 11, 21, 1, 15, 30, 123456, tzinfo=UTC)

    assert printing.pdf(FORM, VALUES, printing.Print(made_at=instant)).startswith(b"%PDF")


def test_an_empty_sheet_prints_as_a_blank_form():
    texts = pages({})

    assert len(texts) == 2
    assert "✓" not in "".join(texts)


def test_a_draft_says_so_on_every_page_and_a_released_sheet_does_not():
    draft = printing.Print(made_at=HOW.made_at, draft=True)

    assert all("下書き" in without_spaces(text) for text in pages(VALUES, draft))
    assert "下書き" not in squeezed(VALUES)


def test_for_fax_name_birth_date_and_address_are_cut():
    fax = squeezed(VALUES, printing.Print(made_at=HOW.made_at, fax=True))

    assert "佐○○○" in fax
    assert "東京都文京区（以下省略）" in fax
    for hidden in ("ハル", "昭和13年", "架空町", "03-0000-0001", "佐野"):
        assert hidden not in fax


def test_for_fax_an_address_without_a_municipality_is_left_out():
    assert for_fax({"p.addr": "どこか"}) == {"p.addr": "（省略）"}


@pytest.mark.parametrize(
    ("day", "written"),
    [
        (date(1938, 4, 12), "昭和13年4月12日"),
        (date(2019, 5, 1), "令和元年5月1日"),
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(1989, 1, 7), "昭和64年1月7日"),
        (date(1926, 12, 25), "昭和元年12月25日"),
        (date(1926, 12, 24), "大正15年12月24日"),
        (date(1912, 7, 29), "明治45年7月29日"),
    ],
)
def test_dates_are_written_in_eras(day, written):
    assert era_date(day) == written
