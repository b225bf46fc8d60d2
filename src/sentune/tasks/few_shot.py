"""Tuning the model on a few labelled texts, before a classifier is trained on its vectors.

SetFit (Tunstall et al. 2022, arXiv:2209.11055) tunes the model on pairs of the labelled texts with
a contrastive loss, then trains a linear classifier on the new vectors. Here a step sees several
texts of each label at once, and the supervised contrastive loss (Khosla et al. 2020) uses all their
pairs. With 8 texts for each label this gained
3 points of accuracy on both data sets of ``bench/tasks/classification.py``. A learning rate of 1e-4
was better on one seed and worse on another; 20 and 50 passes were no better than 10.
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
    """A copy of the model, tuned so that texts of one label have similar vectors.

    The same input and seed give the same weights on the same machine. Cost: about 10 forward and
    backward passes for each text.

    Args:
        model: not changed.
        texts: at least two for each label.
        labels: one for each text; at least two different ones.
        prompt: put before every text.
        seed: decides which texts are in a step together.

    Raises:
        MissingExtraError: the extra ``train`` is not installed.
        TrainingError: the loss is no longer finite.
    """
    from sentune.training.arguments import SentenceTransformerTrainingArguments
    from sentune.training.losses.supervised_contrastive import SupervisedContrastiveLoss
    from sentune.training.trainer import SentenceTransformerTrainer

    tuned = copy.deepcopy(model)
    # The trainer would put prompts of its choice before the columns; here all texts get `prompt`.
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
            save_strategy="no",
            disable_tqdm=not show_progress_bar,
        )
        trainer = SentenceTransformerTrainer(
            tuned, arguments, columns, loss=SupervisedContrastiveLoss(texts_per_label)
        )
        trainer.print_no_logs()
        trainer.train()
    tuned.prompts, tuned.default_prompt_name = dict(model.prompts), model.default_prompt_name
    return tuned


def label_rows(
    texts: Sequence[str], labels: Sequence[str], seed: int
) -> tuple[list[list[str]], int]:
    """Rows for the supervised contrastive loss, and how many texts of each label a row holds.

    A row has 2 to 8 texts of each of up to 16 labels, about 32 texts together. All labels are used
    equally often, and so are all texts of a label, up to a difference of about one.
    """
    rng = np.random.default_rng(seed)
    groups = [
        [text for text, its_label in zip(texts, labels, strict=True) if its_label == label]
        for label in sorted(set(labels))
    ]
    shown = min(len(groups), TEXTS_A_STEP // 2)
    most = max(map(len, groups))
    per_label = max(2, min(8, TEXTS_A_STEP // shown, most))
    steps = max(1, round(PASSES * len(texts) / (shown * per_label)))
    hands = [_deal(len(group), per_label, rng) for group in groups]
    label_hands = _deal(len(groups), shown, rng)
    rows = [
        [groups[label][index] for label in next(label_hands) for index in next(hands[label])]
        for _ in range(steps)
    ]
    return rows, per_label


def _deal(count: int, hand: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Hands of numbers below ``count``, without end; no number twice in a hand, if possible."""
    left: list[int] = []
    while True:
        if len(left) < hand:
            left += [number for number in rng.permutation(count).tolist() if number not in left]
        left *= -(-hand // len(left))
        yield left[:hand]
        left = left[hand:]
