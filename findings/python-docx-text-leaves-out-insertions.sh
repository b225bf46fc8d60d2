#!/usr/bin/env bash
# python-docx 1.2.0, Paragraph.text of a document with a tracked insertion and a content control.
# Expected: the text that a reader sees.
# Seen: both are left out in silence. Here the word "not" is a tracked insertion, and its loss turns
# the sentence into its opposite.
# Output: "['The limit is binding.', 'Name: ']" where Word shows "The limit is not binding." and
#         "Name: Ada"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-docx==1.2.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn

made = docx.Document()
first = made.add_paragraph("The limit is ")
first._p.append(
    parse_xml(
        f'<w:ins {nsdecls("w")} w:id="1" w:author="A" w:date="2026-01-01T00:00:00Z">'
        '<w:r><w:t xml:space="preserve">not </w:t></w:r></w:ins>'
    )
)
first.add_run("binding.")
second = made.add_paragraph("Name: ")
second._p.append(
    parse_xml(f'<w:sdt {nsdecls("w")}><w:sdtContent><w:r><w:t>Ada</w:t></w:r></w:sdtContent></w:sdt>')
)
made.save("a.docx")

paragraphs = docx.Document("a.docx").paragraphs
texts = [paragraph.text for paragraph in paragraphs]
whole = ["".join(part.text for part in each._p.iter(qn("w:t"))) for each in paragraphs]
print(texts)
assert texts == ["The limit is binding.", "Name: "]
assert whole == ["The limit is not binding.", "Name: Ada"]
PYTHON
