#!/usr/bin/env bash
# python-pptx 1.0.2, the text of a slide's shapes.
# Expected: the usual loop over slide.shapes with a text frame gives all text of the slide.
# Seen: text in groups and in tables is not among them, and a soft line break is a vertical tab
# (U+000B), which str.split() takes for white space but a tokenizer may not.
# Output: "['first\\x0bsecond']" of a slide that also shows "in a group" and "in a table"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-pptx==1.0.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pptx
from pptx.util import Inches

made = pptx.Presentation()
slide = made.slides.add_slide(made.slide_layouts[6])
size = (Inches(3), Inches(1))
slide.shapes.add_textbox(0, 0, *size).text_frame.text = "first\vsecond"
slide.shapes.add_group_shape().shapes.add_textbox(0, 0, *size).text_frame.text = "in a group"
slide.shapes.add_table(1, 1, 0, 0, *size).table.cell(0, 0).text = "in a table"
made.save("a.pptx")

shapes = pptx.Presentation("a.pptx").slides[0].shapes
texts = [shape.text_frame.text for shape in shapes if shape.has_text_frame]
print(texts)
assert texts == ["first\x0bsecond"]
PYTHON
