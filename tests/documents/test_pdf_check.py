"""Two readings of a page compared: lost text, torn tables, another order, and none of these."""

from __future__ import annotations

from tests.documents.make import wrapped
from tests.documents.test_pdf import FIRST

from sentune.documents.parts import Block, Blocks
from sentune.documents.readers.arabic import righted
from sentune.documents.readers.pdf_check import compare, with_headings
from sentune.documents.readers.pdf_markdown import page_blocks

LINES = [
    "2. Pumps",
    "Action Risk",
    "Establish policies for the oversight of every pump",
    "and of its valves. Privacy and security of the data",
    "Keep a record of all changes. Confabulation",
]


def _lines(texts: list[str]) -> list[Block]:
    return [Block("text", text) for text in texts]


def _table(*rows: tuple[str, str]) -> list[Block]:
    made = Blocks()
    made.heading(1, "2. Pumps")
    made.table([("Action", "Risk"), *rows])
    return made.made


RIGHT = _table(
    (
        "Establish policies for the oversight of every pump and of its valves.",
        "Privacy and security of the data",
    ),
    ("Keep a record of all changes.", "Confabulation"),
)


def test_readings_that_agree() -> None:
    assert compare(RIGHT, _lines(LINES)) == (False, False, False, False)
    assert compare([], []) == (False, False, False, False)


def test_lost_text() -> None:
    found = compare(RIGHT[:-1], _lines(LINES))
    assert (found.lost, found.doubtful) == (True, True)


def test_added_text_is_doubtful_but_not_lost() -> None:
    found = compare([*RIGHT, Block("text", "a text that only one of them sees")], _lines(LINES))
    assert (found.lost, found.torn, found.doubtful) == (False, False, True)


def test_cells_that_mix_lines() -> None:
    mixed = _table(
        (
            "Establish policies for the Keep a record oversight of every pump of all changes. and "
            "of its valves.",
            "Privacy and Confabulation security of the data",
        ),
    )
    assert compare(mixed, _lines(LINES)).torn


def test_long_cells_in_another_order() -> None:
    swapped = _table(
        ("Privacy and security of the data", "Establish policies for the oversight of every pump"),
        ("and of its valves. Keep a record of all changes.", "Confabulation"),
    )
    assert compare(swapped, _lines(LINES)).torn


def test_short_cells_column_by_column_are_no_fault() -> None:
    made = Blocks()
    made.table([("Part", "Price"), ("Gasket", "3"), ("Valve", "9")])
    assert compare(made.made, _lines(["Part Gasket Valve", "Price 3 9"])).fails is False


def test_plain_lines_keep_the_headings() -> None:
    found = with_headings(_lines([*LINES, "Short.", "Next line of text"]), RIGHT)
    assert [block.kind for block in found] == ["heading", "text", "text"]
    assert found[0].text == "2. Pumps"
    assert found[1].text.endswith("Confabulation Short.")


def test_a_heading_over_two_lines_is_found() -> None:
    heading = Block("heading", "A heading of two lines", 2)
    found = with_headings(_lines(["Before.", "A heading of", "two lines", "After."]), [heading])
    assert [(block.kind, block.text) for block in found] == [
        ("text", "Before."),
        ("heading", "A heading of two lines"),
        ("text", "After."),
    ]


def test_the_marks_of_markdown_go_and_the_text_of_a_document_stays() -> None:
    markdown = (
        "# 2.1. Valves and\n# pumps\n\nA **bold** word, *slanted*, <u>under</u> and "
        "[a link](http://x.y/(z)). 2 * 3 * 4, __init__, a\\|b.\n- ** item\n12. numbered\n"
        "|A|B|\n|---|---|\n|**1**|x\\|y|\n### Note: one, two, three\n"
        "# A.1.2. Roles\n# The table below has these columns, in order:\n# See https://x.y/\n"
    )
    found = [(block.kind, block.level, block.text) for block in page_blocks(markdown)]
    assert found == [
        ("heading", 2, "2.1. Valves and pumps"),
        ("text", 0, "A bold word, slanted, under and a link. 2 * 3 * 4, __init__, a|b."),
        ("item", 0, "- item"),
        ("item", 0, "12. numbered"),
        ("row", 0, "1 | x|y"),
        ("text", 0, "Note: one, two, three"),
        ("heading", 3, "A.1.2. Roles"),
        ("text", 0, "The table below has these columns, in order:"),
        ("text", 0, "See https://x.y/"),
    ]


def test_items_in_one_line_are_items() -> None:
    made = page_blocks("- The lake is at 412 metres. • The river is at 398 metres.\n\na • b")
    assert [(block.kind, block.text) for block in made] == [
        ("item", "- The lake is at 412 metres."),
        ("item", "• The river is at 398 metres."),
        ("text", "a • b"),
    ]


def test_words_without_the_spaces_between_them() -> None:
    lines = _lines(["1.2 What to do first", *wrapped(FIRST, 60)])
    blocks = [
        Block("heading", "1.2 Whatto dofirst", level=2),
        Block("text", FIRST.replace("the ", "the").replace("a ", "a")),
    ]
    found = compare(blocks, lines)
    assert (found.lost, found.torn, found.glued, found.doubtful) == (False, False, True, True)
    heading, text = with_headings(lines, blocks)
    assert (heading.text, heading.level, text.text) == ("1.2 What to do first", 2, FIRST)


def test_letters_with_spaces_between_them_are_no_words() -> None:
    spread = _lines([" ".join(FIRST.replace(" ", ""))])
    assert not compare([Block("text", FIRST)], spread).glued


def test_a_ligature_of_lam_and_alef_says_nothing_of_the_order() -> None:
    text = "لا يدخل الزوار لأن الأنابيب مغلقة في الشتاء ولا تفتح"
    swapped = text.replace("لا", "ال").replace("لأ", "أل")
    assert swapped != text
    assert compare([Block("text", text)], _lines([swapped])) == (False, False, False, False)
    (mended,) = righted(_lines([swapped]), [Block("text", text)])
    assert mended.text == text
    (unknown,) = righted(_lines([swapped]), [Block("text", "pumps")])
    assert unknown.text == swapped
