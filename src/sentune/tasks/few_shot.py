"""Tuning the encoder on a handful of labelled texts, before a classifier is put on top.

SetFit (Tunstall et al. 2022, arXiv:2209.11055) turns n labelled texts into pairs, of which there
are many more, tunes the encoder on them contrastively, and then trains a linear classifier on the
tuned vectors. Here a step sees several texts of every label at once, under the supervised
contrastive loss (Khosla et al. 2020), which uses all their pairs. With 8 texts a label that gained
3 points of accuracy on both sets of ``bench/tasks_classification.py``. A learning rate of 1e-4
was better on one seed and worse on another; 20 and 50 passes gained no more than 10.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["few_shot_model", "label_rows"]

TEXTS_A_STEP = 32
PASSES = 10  # how often a text is seen, on average
LEARNING_RATE = 5e-5


def few_shot_model(
    model: SentenceTransformer,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    prompt: str = "",
    seed: int = 0,
    show_progress_bar: bool = False,
) -> SentenceTransformer:
    """A copy of the model, tuned so that texts of one label have like vectors.

    The same input and seed give the same weights on the same machine. Cost: each text goes through
    the encoder, forward and back, about 10 times.

    Args:
        model: left as it is.
        texts: at least two of each label.
        labels: one a text; at least two different ones.
        prompt: put before every text.
        seed: settles which texts stand together.
        show_progress_bar: draw a bar on standard error.

    Raises:
        MissingExtraError: the extra ``train`` is not installed.
        TrainingError: the loss is no longer finite.
    """
    from sentune.training.arguments import SentenceTransformerTrainingArguments
    from sentune.training.losses.supervised_contrastive import SupervisedContrastiveLoss
    from sentune.training.trainer import SentenceTransformerTrainer

    tuned = copy.deepcopy(model)
    # The trainer has one prompt for questions and one for passages; here all texts are of a kind.
    tuned.prompts, tuned.default_prompt_name = {}, None
    rows, texts_per_label = label_rows(texts, labels, seed)
    columns = {
        str(number): [prompt + text for text in column]
        for number, column in enumerate(zip(*rows, strict=True))
    }
    with tempfile.TemporaryDirectory() as scratch:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=scratch,
            num_train_epochs=1,
            per_device_train_batch_size=1,
            learning_rate=LEARNING_RATE,
            warmup_steps=0.1,
            seed=seed,
            dropout=0.0,
            batch_sampler="batch_sampler",
            disable_tqdm=not show_progress_bar,
        )
        trainer = SentenceTransformerTrainer(
            tuned, arguments, columns, loss=SupervisedContrastiveLoss(texts_per_label)
        )
        trainer.train()
    tuned.prompts, tuned.default_prompt_name = dict(model.prompts), model.default_prompt_name
    return tuned


def label_rows(
    texts: Sequence[str], labels: Sequence[str], seed: int
) -> tuple[list[list[str]], int]:
    """Rows for the supervised contrastive loss, and how many texts of each label a row holds.

    A row has 2 to 8 texts of each of up to 16 labels, about 32 together. Labels take turns, and so
    do the texts of a label, so that every text comes up about equally often within its label, and
    every label as often as any other.
    """
    rng = np.random.default_rng(seed)
    groups = [
        [text for text, own in zip(texts, labels, strict=True) if own == label]
        for label in sorted(set(labels))
    ]
    shown = min(len(groups), TEXTS_A_STEP // 2)
    most = max(map(len, groups))
    per_label = max(2, min(8, TEXTS_A_STEP // shown, most))
    steps = max(1, round(PASSES * len(texts) / (shown * per_label)))
    hands = [_deal(len(group), per_label, rng) for group in groups]
    label_hands = _deal(len(groups), shown, rng)
    rows = [
        [groups[number][place] for number in next(label_hands) for place in next(hands[number])]
        for _ in range(steps)
    ]
    return rows, per_label


def _deal(count: int, hand: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Endless hands of numbers below ``count``, without repetition in a hand if they suffice."""
    left: list[int] = []
    while True:
        if len(left) < hand:
            left += [number for number in rng.permutation(count).tolist() if number not in left]
        left *= -(-hand // len(left))
        yield left[:hand]
        left = left[hand:]
