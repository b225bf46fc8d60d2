"""Facts → the result for somebody who has no time, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from sentune.evaluation.claims import FEW_GROUPS, difference_figures, moved_counts
from sentune.evaluation.curve import Curve
from sentune.evaluation.facts import Facts, relation
from sentune.wording import counted

__all__ = ["advice", "curve_sentence", "plain_verdict"]

_SLOPE = 0.005  # of nDCG@10 for the last quarter of the pairs: less is not worth the work


def plain_verdict(facts: Facts, model: str = "the model", base: str = "the base") -> str:
    """One sentence without terms, which claims no more than the facts show.

    ``model`` and ``base`` are the names of two models that were compared without a tuning. Raises
    DataError without a base model.
    """
    told = _of_tuning(facts) if facts.tunes else _of_models(facts, model, base)
    where = "On questions made from the passages: " if facts.made else ""
    return f"{where}{told}{_first(facts, base)}."


def _of_tuning(facts: Facts) -> str:
    match facts.outcome:
        case "shown":
            return "Tuning helped: right passages stand higher in the results than before"
        case "not shown":
            return _in_counts(facts)
        case "no better":
            worse = relation(facts.change) == "worse"
            told = "Tuning made the model worse" if worse else "Tuning did not help"
            return f"{told}, so the model from before is kept"


def _in_counts(facts: Facts) -> str:
    """What happened to single questions, where a test shows nothing."""
    counts = moved_counts(facts)
    if not counts:
        return "These questions are too few to show whether tuning helped"
    return (
        f"The tuned model ranks right passages {counts}, and these questions are too few to show "
        "whether it is better"
    )


def _of_models(facts: Facts, model: str, base: str) -> str:
    match relation(facts.change):
        case "better":
            return f"{model} is better than {base}: right passages stand higher in its results"
        case "worse":
            return f"{model} is worse than {base}: right passages stand lower in its results"
        case "equal":
            return f"{model} is as good as {base} on these questions"
        case unshown:
            place = "ahead of" if unshown == "ahead" else "behind"
            if facts.seen:
                return f"{model} is {place} {base} on questions of a tuning, which proves nothing"
            return f"{model} is {place} {base}, but these questions are too few to be sure"


def _first(facts: Facts, base: str) -> str:
    if not {"model", "base"} <= facts.right_first.keys():
        return ""
    now, before = facts.right_first["model"], facts.right_first["base"]
    than = f"before it was {before:,}" if facts.tunes else f"with {base} for {before:,}"
    if now == before:
        than = "as many as before" if facts.tunes else f"as many as with {base}"
    asked = counted(facts.questions, "question")
    return f"; the right one comes first for {now:,} of {asked}, {than}"


def advice(facts: Facts, model: str = "the model", base: str = "the base") -> list[str]:
    """What to do next, one sentence each, the first thing first; names as in ``plain_verdict``."""
    use = _on_use(facts) if facts.tunes else _on_models(facts, model, base)
    return [*use, *_on_pairs(facts), *_on_search(facts.of_kept), *_on_general(facts)]


def _on_use(facts: Facts) -> Iterator[str]:
    match facts.outcome:
        case "shown":
            yield "Use the tuned model."
        case "not shown" if facts.leans:
            yield f"Try the tuned model, but measure it {_on_more(facts)}"
        case "not shown":
            yield _measure_both(facts)
        case "no better":
            # A learning curve says of more pairs what is known.
            other = "More pairs, or pairs" if facts.curve is None else "Pairs"
            yield f"Keep the base model. {other} closer to real questions may help."


def _on_models(facts: Facts, model: str, base: str) -> Iterator[str]:
    if "model_minus_base" not in facts.differences:
        return
    match relation(facts.change):
        case "better":
            yield f"Use {model}."
        case "worse":
            yield f"Use {base}."
        case _:
            yield _measure_both(facts)


def _measure_both(facts: Facts) -> str:
    if facts.seen:
        return "Measure both models on questions that neither was tuned on."
    return f"Measure both models {_on_more(facts)}"


def _on_more(facts: Facts) -> str:
    return (
        "on more questions before you rely on it: there are "
        f"{counted(facts.groups, 'independent group')} of questions here, and from about "
        f"{FEW_GROUPS} on smaller gains can be shown."
    )


def _on_pairs(facts: Facts) -> Iterator[str]:
    if facts.made:
        yield "Collect questions that people really asked, and measure both models on them."
    if facts.curve is not None:
        yield curve_sentence(facts.curve)


def curve_sentence(curve: Curve) -> str:
    """Whether more pairs would help."""
    change, between, p = difference_figures(curve.last)
    figures = f"the last quarter of the pairs changed nDCG@10 by {change} ({between}, p = {p})"
    if curve.last.shown and curve.last.value >= _SLOPE:
        return f"More pairs are likely to help: {figures}."
    if curve.last.high < _SLOPE:
        return f"More pairs of this kind are not likely to help much: {figures}."
    return f"Whether more pairs would help is not shown: {figures}."


def _on_search(facts: Facts) -> Iterator[str]:
    of_words = facts.relation("model", "bm25")
    if facts.shown_worse_than == "bm25":
        yield "Search by words alone (BM25): it is better than the model and than both together."
    elif facts.shown_worse_than == "model":
        yield "Search by the model alone: adding words (BM25) makes it worse."
    elif facts.relation("fusion", "model") == "better":
        yield "Search by the model and by words (BM25) together: that is better than the model."
    elif of_words == "worse" and not facts.made:
        yield "Do not search by the model alone: words (BM25) find more."


def _on_general(facts: Facts) -> Iterator[str]:
    if facts.general is not None and facts.general.forgot and facts.kept == "tuned":
        yield (
            "Use the tuned model for this subject only: on general sentences it became worse. "
            "Fewer epochs or a smaller learning rate forget less."
        )
