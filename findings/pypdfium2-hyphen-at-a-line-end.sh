#!/usr/bin/env bash
# pypdfium2 5.15.2, a word that is hyphenated at the end of a line.
# Expected: a hyphen and a line break, or the joined word.
# Seen: get_text_range() gives U+FFFE and get_text_bounded() U+0002 in place of both, with no line
# break. A compound that was broken at its hyphen ("well-known") looks the same as a divided word
# ("informa-tion"), so neither can be told apart without a dictionary.
# Output: "'Send the informa\\ufffetion to the well\\ufffeknown address of 2026.'"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pypdfium2==5.15.2 fpdf2==2.8.9
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import fpdf
import pypdfium2

made = fpdf.FPDF()
made.add_page()
made.set_font("Helvetica", size=12)
for line in ("Send the informa-", "tion to the well-", "known address of 2026."):
    made.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")
made.output("a.pdf")
page = pypdfium2.PdfDocument("a.pdf")[0].get_textpage()
seen = [page.get_text_range(), page.get_text_bounded()]
print(*map(ascii, seen), sep="\n")
assert seen[0] == "Send the informa\ufffetion to the well\ufffeknown address of 2026."
assert seen[1] == "Send the informa\x02tion to the well\x02known address of 2026."
PYTHON
