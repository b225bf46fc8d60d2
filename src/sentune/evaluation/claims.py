"""Facts → the sentences about a result, for terminal, model card and JSON alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sentune.evaluation.facts import Facts, relation
from sentune.evaluation.significance import SIGNIFICANCE, Difference, SeenDifference
from sentune.wording import agreeing, counted

if TYPE_CHECKING:
    from sentune.evaluation.forgetting import General

__all__ = [
    "FEW_GROUPS",
    "certainty",
    "chance_sentence",
    "counts_sentence",
    "difference_figures",
    "evidence",
    "general_sentence",
    "moved_counts",
    "notes",
    "standing",
    "verdict_text",
]

FEW_GROUPS = 30
_TOO_FEW_GROUPS = 6  # the test has 2 to the power of 5 exchanges with 5 groups: p is above .05
_FEW_PASSAGES = 100
_NOT_SHOWN = ", but that may be chance"
_SEEN = ", on questions of a tuning, which proves nothing"


def verdict_text(facts: Facts) -> str:
    """Whether tuning helped, in counts and with the evidence. Raises DataError without a base."""
    counts = counts_sentence(facts)
    return " ".join([_headline(facts), *([counts] if counts else []), evidence(facts)])


def _headline(facts: Facts) -> str:
    told = _told(facts)
    if facts.made:
        return f"On questions made from the passages, {told}"
    return told[0].upper() + told[1:]


def _told(facts: Facts) -> str:
    match facts.outcome:
        case "shown":
            return "tuning helped."
        case "not shown" if not facts.leans:
            return "these questions do not show whether tuning helped; the tuned model is kept."
        case "not shown":
            return (
                "tuning may have helped, but these questions do not show it; the tuned model is "
                "kept."
            )
        case "no better":
            worse = ": it made the model worse" if relation(facts.change) == "worse" else ""
            return f"tuning did not help{worse}, so the base model is kept."


def counts_sentence(facts: Facts) -> str:
    """For how many questions the first result is right; empty if that was not measured."""
    if not {"model", "base"} <= facts.right_first.keys():
        return ""
    now, before = facts.right_first["model"], facts.right_first["base"]
    than = ", as before tuning" if now == before else f" in place of {before:,}"
    first = f"Right passage first: {now:,} of {counted(facts.questions, 'question')}{than}."
    moved = moved_counts(facts)
    return f"{first} Right passages rank {moved}." if moved else first


def moved_counts(facts: Facts) -> str:
    """For how many questions the model ranks right passages higher, and for how many lower.

    Empty if that is not known.
    """
    if facts.won is None or facts.lost is None:
        return ""
    return f"higher for {counted(facts.won, 'question')} and lower for {facts.lost:,}"


def evidence(facts: Facts) -> str:
    """The paired difference of tuned and base model, with its interval and p."""
    found = facts.change
    change, between, p = difference_figures(found)
    tested = "" if facts.seen else f"p = {p}, "
    return (
        f"nDCG@10 changed by {change} (95% interval {between}, {tested}"
        f"{counted(facts.groups, 'independent group')} of questions)."
    )


def chance_sentence(facts: Facts) -> str:
    """What the p of the verdict means, as a count; empty on questions that were trained on."""
    if facts.seen or facts.groups < _TOO_FEW_GROUPS:
        return ""
    return (
        "If tuning had changed nothing, chance alone would make such a difference in "
        f"{_tries(facts.change.p_value)} of 100 tries. It counts as shown at 5 or fewer."
    )


def _tries(p: float) -> str:
    if p < 0.01:
        return "fewer than 1"
    near = abs(p - SIGNIFICANCE) < 0.01
    return f"about {100 * p:.{2 if near else 0}f}"


def _bound(value: float) -> str:
    """Three decimals, or more where they would hide on which side of 0 the bound is."""
    text = f"{value:+.3f}"
    return f"{value:+.0e}" if value and not float(text) else text


def notes(facts: Facts) -> list[str]:
    """What a reader of the figures should know, one sentence each; may be empty."""
    return [
        *(_of_base(facts, note) for note in _on_systems(facts.of_kept)),
        *_on_general(facts),
        *_on_data(facts),
        *_on_texts(facts),
    ]


def _of_base(facts: Facts, note: str) -> str:
    """The table has the tuned model's figures, also where the base model is kept."""
    if facts.base_alone is None:
        return note
    told = note if note.startswith("BM25") else note[0].lower() + note[1:]
    return f"With the base model, {told}"


def _on_systems(facts: Facts) -> Iterator[str]:
    of_words = facts.relation("model", "bm25")
    if of_words in ("worse", "behind"):
        verb = "beats" if of_words == "worse" else "is ahead of"
        pair = _pair(facts, "bm25", "model", shown=of_words == "worse")
        usual = ": made questions repeat words of their passages" if facts.made else ""
        yield f"BM25 alone {verb} the model ({pair}){usual}."
    parts = () if facts.made else (("model", "the model"), ("bm25", "BM25"))
    for part, name in parts:
        found = facts.relation("fusion", part)
        if found in ("worse", "behind"):
            verb = "worse than" if found == "worse" else "behind"
            advice = _advice(facts, name, part)
            pair = _pair(facts, "fusion", part, shown=found == "worse")
            yield f"The fusion is {verb} {name} alone ({pair}){advice}."
    yield from _on_late(facts)


def _on_late(facts: Facts) -> Iterator[str]:
    found = facts.relation("late", "fusion")
    if found is None:
        return
    if not facts.late_weight:
        yield (
            "The late stage does not help here: these questions chose the weight 0 for it, so it "
            "ranks as the fusion does."
        )
    elif found == "better":
        yield f"The late stage finds more than the fusion ({_pair(facts, 'late', 'fusion')})."
    elif found in ("worse", "behind"):
        verb = "worse than" if found == "worse" else "behind"
        pair = _pair(facts, "late", "fusion", shown=found == "worse")
        yield f"The late stage is {verb} the fusion ({pair})."
    elif found == "ahead":
        pair = _pair(facts, "late", "fusion", shown=False)
        yield f"The late stage is ahead of the fusion ({pair}), so searches do without it."


def _advice(facts: Facts, name: str, part: str) -> str:
    if part != facts.shown_worse_than:
        unshown = facts.relation("fusion", part) == "behind"
        both = unshown and facts.tunes and 0 < facts.search_weight < 1
        return ", so searches use both" if both else ""
    if facts.tunes:
        saved = f"{facts.search_weight:g}"
        return f", so the fusion weight saved is {saved}: searches rank by {name} alone"
    return f": search with {name} alone"


def _pair(facts: Facts, first: str, second: str, *, shown: bool = True) -> str:
    figures = f"nDCG@10 {facts.means[first]:.3f} against {facts.means[second]:.3f}"
    of = facts.differences
    found = of.get(f"{first}_minus_{second}") or of.get(f"{second}_minus_{first}")
    return figures if shown else figures + _unshown(found)


def _unshown(found: Difference | None) -> str:
    """Why a difference is no proof."""
    return _SEEN if isinstance(found, SeenDifference) else _NOT_SHOWN


def _on_general(facts: Facts) -> Iterator[str]:
    found = facts.general
    if found is None or not found.forgot or facts.kept != "tuned":
        return
    yield (
        f"The tuned model is worse at general English sentences: on {found.pairs} pairs, its "
        f"correlation with their scores is {found.model.value:.3f} in place of "
        f"{found.base.value:.3f}."
    )


def general_sentence(found: General, name: str) -> str:
    """What tuning did to the similarity of general English sentences."""
    change = found.change
    figures = (
        f"{change.value:+.3f} in the correlation with people's scores, 95% interval "
        f"{change.low:+.3f} to {change.high:+.3f}"
    )
    if found.forgot:
        return f"On general English sentences, {name} is worse ({figures})."
    if change.high < 0:
        return f"On general English sentences, {name} is a little worse ({figures})."
    if change.low > 0:
        return f"On general English sentences, {name} is better ({figures})."
    return f"On general English sentences, no change is shown ({figures})."


def _on_data(facts: Facts) -> Iterator[str]:
    # The verdict of a tuning has their number.
    few = "So few" if facts.tunes else f"Only {counted(facts.groups, 'independent group')}"
    groups = f"{few} {'groups ' if facts.tunes else ''}of questions"
    if facts.groups == 1:
        yield "All questions are connected through shared passages, so no interval can be computed."
    elif facts.groups < _TOO_FEW_GROUPS:
        yield f"{groups}: fewer than {_TOO_FEW_GROUPS} cannot show any difference."
    elif facts.groups < FEW_GROUPS:
        yield (
            f"{groups}: the intervals are wide, and those of a single system should be wider still."
        )
    if facts.groups > 1 and 2 * facts.largest_group > facts.questions:
        yield (
            f"{facts.largest_group:,} of {counted(facts.questions, 'question')} are connected "
            "through shared passages, so they count as one observation."
        )
    if facts.means.get("base", facts.means["model"]) == 1:
        yield (
            "The right passages already rank first for every question, so these questions cannot "
            "show a gain: measure on harder ones, or among more passages."
        )
    if facts.passages < _FEW_PASSAGES:
        yield (
            f"Only {counted(facts.passages, 'passage')} to choose from: in a larger collection, "
            "all figures will be lower."
        )


def _on_texts(facts: Facts) -> Iterator[str]:
    for what, found in (("training", facts.trained), ("measuring", facts.measured)):
        if found is not None and found.truncated:
            was = agreeing(found.truncated, "was")
            yield (
                f"In {what}, {found.truncated:,} of {counted(found.texts, 'text')} {was} cut at "
                f"{facts.limit:,} tokens: {counted(found.tokens_left_out, 'token')} went unseen."
            )


def standing(first: str, second: str, found: Difference) -> str:
    """How one model stands to another, by name."""
    match relation(found):
        case "better" | "worse" as shown:
            return f"{first} is {shown} than {second}."
        case "equal":
            return f"{first} and {second} have the same nDCG@10."
        case unshown:
            place = "ahead of" if unshown == "ahead" else "behind"
            return f"{first} is {place} {second}{_unshown(found)}."


def certainty(found: Difference) -> str:
    """What the test says of a difference, in a word or two for a table."""
    if isinstance(found, SeenDifference):
        return "trained on"
    return "shown" if found.shown else "not shown"


def difference_figures(found: Difference) -> tuple[str, str, str]:
    """A paired difference, its interval and its p, as tables show them.

    There is no p on questions that a model was trained on: it would be read as a proof.
    """
    return (
        f"{found.value:+.3f}",
        f"{_bound(found.low)} to {_bound(found.high)}",
        "–" if isinstance(found, SeenDifference) else f"{found.p_value:.4f}",
    )
