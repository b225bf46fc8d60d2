#!/usr/bin/env bash
# selectolax 1.0.2 (Lexbor), text() of a page.
# Expected: the text that a browser shows.
# Seen: text() also holds the title, the style rules and the scripts; body.text() still holds the
# scripts; and a separator, which keeps blocks apart, tears words with inline tags.
# Output: "'Tp{color:red}Hello worldvar x=1;'", "'Hello worldvar x=1;'", "'Hel lo  world var x=1;'"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check selectolax==1.0.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from selectolax.lexbor import LexborHTMLParser

page = LexborHTMLParser(
    "<html><head><title>T</title><style>p{color:red}</style></head>"
    "<body><p>Hel<b>lo</b> world</p><script>var x=1;</script></body></html>"
)
seen = [page.text(), page.body.text(), page.body.text(separator=" ")]
for text in seen:
    print(repr(text))
assert seen == ["Tp{color:red}Hello worldvar x=1;", "Hello worldvar x=1;", "Hel lo  world var x=1;"]
PYTHON
