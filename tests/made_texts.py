"""Texts that have nothing in common but their manner: no run of five words of one is in another."""

from __future__ import annotations

import random

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
    """Three sentences about a thing; the same for the same thing."""
    draw = random.Random(thing)
    return " ".join(
        f"The {draw.choice(_NOUNS)} of a {thing} {draw.choice(_VERBS)} every {draw.choice(_NOUNS)} "
        f"and its {draw.choice(_NOUNS)}, while some {draw.choice(_NOUNS)} {draw.choice(_VERBS)} it."
        for _ in range(3)
    )
