"""The steps before training: pairs as the recipe takes them, and the trainer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.evaluation import InformationRetrievalEvaluator
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.examples import TrainingData
from sentune.training.checkpoints.schedule import CheckpointSchedule
from sentune.training.loader import prompts_of_model
from sentune.training.losses import EmbeddingLoss
from sentune.training.mining.mine import mine_hard_negatives
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.curve import WITHOUT_WATCHING
from sentune.tuning.folder import RunFolder
from sentune.tuning.recipes import Prepared, recipe
from sentune.tuning.settings import TuneSettings
from sentune.tuning.split import Split
from sentune.wording import counted

__all__ = ["part_trainer", "prepared_pairs", "trainer_of"]

# Every piece of a long passage is encoded for it, which can take minutes.
_SOON_READ = 50_000  # letters of all passages, which take a second or two
_PREPARING = (
    "preparing {}: long passages are cut, and the base model and BM25 look for the piece that "
    "answers each question"
)


def prepared_pairs(
    split: Split,
    base: SentenceTransformer,
    settings: TuneSettings,
    say: Callable[[str], None],
    begin: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """The training pairs with mined negatives, as the recipe prepares them.

    ``say`` is called with what was done, ``begin`` with what takes time and comes next.
    """
    pairs = split.train
    on_terminal = settings.show_progress and sys.stderr.isatty()
    if settings.hard_negatives:
        if split.texts_only:
            raise ArgumentError(
                f"hard_negatives {settings.hard_negatives} for texts without questions",
                expected="pairs: a sentence's own neighbours answer it nearly as well",
                fix="leave hard_negatives out",
            )
        mined = mine_hard_negatives(
            pairs,
            base,
            num_negatives=settings.hard_negatives,
            show_progress_bar=on_terminal,
        )
        asked = counted(len(pairs.questions), "question")
        say(f"mined {counted(mined.negatives, 'hard negative')} for {asked}")
        pairs = mined.pairs
    epochs = settings.resolved()["num_train_epochs"]
    way = recipe(settings.recipe)
    if settings.long_text == "truncate":
        way = replace(way, passage_tokens=None)
    letters = sum(map(len, pairs.passages.values()))
    if way.passage_tokens and pairs.relevant and not pairs.made and letters > _SOON_READ:
        begin(_PREPARING.format(counted(len(pairs), "pair")))
    prepared = way.prepare(pairs, base, epochs, settings.seed, show_progress_bar=on_terminal)
    for note in prepared.pairs.notes[len(pairs.notes) :]:
        say(note)
    return prepared


def trainer_of(
    model: SentenceTransformer,
    data: TrainingData,
    split: Split,
    settings: TuneSettings,
    folder: RunFolder,
    loss: EmbeddingLoss,
) -> SentenceTransformerTrainer:
    """A trainer that writes checkpoints as ``tune`` does."""
    training = settings.resolved()
    # The last checkpoint may be damaged: then the one before it is needed.
    arguments = SentenceTransformerTrainingArguments(
        **{"save_total_limit": 2, "save_strategy": "no", **training},
        prompts=prompts_of_model(model, data.columns),
        output_dir=str(folder.checkpoints),
        disable_tqdm=not settings.show_progress,
    )
    trainer = SentenceTransformerTrainer(
        model,
        arguments,
        data,
        loss=loss,
        evaluator=None if split.watched is None else _evaluator(split, split.watched),
    )
    trainer.print_no_logs()
    if "save_strategy" not in settings.training:
        trainer.add_callback(CheckpointSchedule())
    return trainer


def _evaluator(split: Split, watched: Pairs) -> InformationRetrievalEvaluator:
    task = split.task(watched)
    return InformationRetrievalEvaluator(
        {str(row): text for row, text in enumerate(task.questions)},
        {str(row): text for row, text in enumerate(task.passages)},
        {str(row): set(map(str, found)) for row, found in enumerate(task.relevant)},
        write_csv=False,
    )


def part_trainer(settings: TuneSettings) -> Callable[[Split, Path], SentenceTransformer]:
    """Tunes a new model on the pairs of a split with the settings of a run."""
    training = {name: value for name, value in settings.training.items() if "eval_" not in name}
    own = replace(settings, training={**training, **WITHOUT_WATCHING})

    def train(split: Split, output: Path) -> SentenceTransformer:
        base, model = (SentenceTransformer(settings.base) for _ in range(2))
        data = prepared_pairs(split, base, own, lambda _: None).data
        loss = recipe(settings.recipe).make_loss()
        trainer_of(model, data, split, own, RunFolder(output), loss).train()
        return model

    return train
