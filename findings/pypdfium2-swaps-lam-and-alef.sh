#!/usr/bin/env bash
# pypdfium2 5.15.2, the Arabic ligature of lam and alef, one glyph that ToUnicode maps to two letters.
# Expected: the letters as the file says: U+0644 U+0627 ("la", not).
# Seen: get_text_range() turns the line around to get the order of reading, and the two letters of
# the glyph with it: U+0627 U+0644 ("al", the). LibreOffice writes Arabic so, and every word
# with the ligature is another one. pdf-inspector 1.25.2 gives the expected text.
# Output: '\u0627\u0644 \u064a\u062f\u062e'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pypdfium2==5.15.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pypdfium2

# Code 1 is the ligature. A line of Arabic is drawn from the left, its last letter first.
letters = {1: "\u0644\u0627", 2: "\u064a", 3: "\u062f", 4: "\u062e", 32: " "}
mapped = "\n".join(
    f"<{code:02x}> <{text.encode('utf-16-be').hex()}>" for code, text in letters.items()
)
to_unicode = (
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
    "1 begincodespacerange <00> <ff> endcodespacerange\n"
    f"{len(letters)} beginbfchar\n{mapped}\nendbfchar endcmap end end"
)


def stream(content):
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"


glyphs = " ".join(f"/g{code} 6 0 R" for code in letters)
codes = " ".join(f"{code} /g{code}" for code in letters)
objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
    "/Resources << /Font << /F1 5 0 R >> >> >>",
    stream("BT /F1 20 Tf 100 700 Td <0403022001> Tj ET"),
    "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 600 600] /FontMatrix [.001 0 0 .001 0 0] "
    f"/CharProcs << {glyphs} >> /Encoding << /Type /Encoding /Differences [{codes}] >> "
    f"/FirstChar 0 /LastChar 32 /Widths [{' '.join(['600'] * 33)}] /ToUnicode 7 0 R >>",
    stream("600 0 0 0 600 600 d1 0 0 500 500 re f"),
    stream(to_unicode),
]
made, places = "%PDF-1.4\n", []
for number, content in enumerate(objects, start=1):
    places.append(len(made))
    made += f"{number} 0 obj\n{content}\nendobj\n"
table = "".join(f"{place:010} 00000 n \n" for place in places)
made += (
    f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(made)}\n%%EOF\n"
)
seen = pypdfium2.PdfDocument(made.encode())[0].get_textpage().get_text_range()
print(ascii(seen))
assert seen.startswith("\u0627\u0644 ")
PYTHON
