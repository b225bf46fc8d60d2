"""Texts that several rooms train and search on."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from sentune.data import Pairs

COPY = "The function shutil.copy takes the path of a file and makes a copy of that file."
WAIT = "The method Thread.join blocks the caller until the thread has come to its end."
JAPANESE = "この関数はファイルの経路を受け取り、ファイルの複写を作り、新しい経路を返すものである。"
TEXTS = {
    "both": f"{COPY} {WAIT}\n\nSee also",
    "third": f"Notes. {COPY.replace('copy', 'move')} " + "It is a part of the library. " * 3,
    "far east": JAPANESE * 3,
    "heading": "Contents",
}


def pairs_of_sentences(**changes: Any) -> Pairs:
    """One question, and passages of sentences."""
    made = Pairs({"q": "how do I copy a file"}, TEXTS, {"q": ("both",)})
    return replace(made, **changes)


_NOUNS = [
    *("river", "engine", "ladder", "window", "market", "forest", "bridge", "cabin", "letter"),
    *("copper", "winter", "garden", "harbour", "lantern", "meadow", "needle", "orchard", "pocket"),
    *("quarry", "ribbon", "saddle", "timber", "urchin", "violin", "wagon", "yard"),
]
_VERBS = [
    *("carries", "follows", "covers", "lifts", "turns", "measures", "paints", "repairs"),
    *("sells", "warms"),
]


def various_text(thing: str) -> str:
    """Three sentences about a thing; the same for the same thing.

    Two have nothing in common but their manner: no run of five words of one is in another.
    """
    draw = random.Random(thing)
    return " ".join(
        f"The {draw.choice(_NOUNS)} of a {thing} {draw.choice(_VERBS)} every {draw.choice(_NOUNS)} "
        f"and its {draw.choice(_NOUNS)}, while some {draw.choice(_NOUNS)} {draw.choice(_VERBS)} it."
        for _ in range(3)
    )
