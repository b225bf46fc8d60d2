#!/usr/bin/env bash
# python-calamine 0.9.1, to_python() of a sheet whose first used cell is B3.
# Expected: row 0 of the result is row 1 of the sheet, and a whole number is an int.
# Seen: the result begins at the first used cell, so its indices are no cell addresses
# (sheet.start has the offset), 12 comes as 12.0, and a formula without a stored result as "".
# Output: "[['name', 12.0], ['', '']] from (2, 1)"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-calamine==0.9.1 xlsxwriter==3.3.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import python_calamine
import xlsxwriter

book = xlsxwriter.Workbook("a.xlsx")
sheet = book.add_worksheet()
sheet.write(2, 1, "name")
sheet.write(2, 2, 12)
sheet.write_formula(3, 2, "=C3*2", None, "")
sheet.write(4, 1, "end")
book.close()

read = python_calamine.CalamineWorkbook.from_path("a.xlsx").get_sheet_by_index(0)
rows = read.to_python()
print(rows[:2], "from", read.start)
assert rows == [["name", 12.0], ["", ""], ["end", ""]]
assert read.start == (2, 1)
PYTHON
