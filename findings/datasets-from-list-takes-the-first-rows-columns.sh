#!/usr/bin/env bash
# datasets 5.2.0, Dataset.from_list of rows of which only some have a hard negative.
# Expected: the columns of all rows, or an error.
# Seen: the columns of the first row; values that only later rows have are gone without a word.
# A training set whose first question has no negative loses all of them.
# Output: "['anchor', 'positive']", and in the other order "['anchor', 'positive', 'negative']"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import datasets

rows = [
    {"anchor": "q1", "positive": "p1"},
    {"anchor": "q2", "positive": "p2", "negative": "n2"},
]
columns = [datasets.Dataset.from_list(order).column_names for order in (rows, rows[::-1])]
print(*columns, sep="\n")
assert columns == [["anchor", "positive"], ["anchor", "positive", "negative"]]
PYTHON
