#!/usr/bin/env bash
# haystack-ai 3.4.1, @component on a class whose __init__ calls that of a parent.
# Expected: super().__init__() calls it, as in the same class without the decorator.
# Seen: component makes the class anew, from its namespace, so the super() of its methods still means
# the class that was thrown away: "TypeError: super(type, obj): obj must be an instance or subtype of
# type". A parent that is a component itself does not help; naming the parent does.
# Output: "plain: 3", "component: TypeError", "by name: 3"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check haystack-ai==3.4.1
cd "$folder"
export HAYSTACK_TELEMETRY_ENABLED=False
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from haystack import component


class Parent:
    def __init__(self, number):
        self.number = number

    def run(self, text: str):
        return {"text": text}


class Plain(Parent):
    def __init__(self, number):
        super().__init__(number)


class WithSuper(Parent):
    def __init__(self, number):
        super().__init__(number)

    @component.output_types(text=str)
    def run(self, text: str):
        return {"text": text}


class ByName(Parent):
    def __init__(self, number):
        Parent.__init__(self, number)

    @component.output_types(text=str)
    def run(self, text: str):
        return {"text": text}


print(f"plain: {Plain(3).number}")
try:
    component(WithSuper)(3)
    seen = "none"
except TypeError as error:
    assert "super(type, obj)" in str(error)
    seen = type(error).__name__
print(f"component: {seen}")
print(f"by name: {component(ByName)(3).number}")
assert seen == "TypeError"
PYTHON
