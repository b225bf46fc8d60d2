"""The public class: pairs of texts → token ids with segments → pack → encoder → head → scores."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.checks import require_text, require_whole
from sentune.cross_encoder.activations import activation_name, require_activation, usual
from sentune.cross_encoder.arguments import LoadOptions, pairs_of, with_new_names
from sentune.cross_encoder.card import CrossEncoderModelCardData, card_text
from sentune.cross_encoder.features import PairScores, pack_of
from sentune.cross_encoder.folder import PairModelFolder
from sentune.cross_encoder.scoring import score_pairs
from sentune.cross_encoder.scripted import ScriptedScorer
from sentune.cross_encoder.weights import read_parts, write_pair_weights
from sentune.errors import ArgumentError
from sentune.machine.hardware import choose_compute
from sentune.model_folder.resolve import resolve
from sentune.model_folder.weight_files import WEIGHTS
from sentune.network.pack import Pack
from sentune.tokens.prompts import choose_prompt

__all__ = ["CrossEncoder"]

logger = logging.getLogger(__name__)

_OLD_PREDICT = {"sentences": "inputs", "activation_fct": "activation_fn", "num_workers": ""}
_OLD_RANK = {
    "activation_fct": "activation_fn",
    **dict.fromkeys(("num_workers", "apply_softmax", "convert_to_numpy", "convert_to_tensor"), ""),
}
_ONE_PROCESS = {"pool": None, "chunk_size": None}

Device = str | torch.device | None
Function = Callable[[Tensor], Tensor]


class CrossEncoder(ScriptedScorer):
    """A model that reads two texts together and gives them one score, or one for each label.

    Example::

        from sentune import CrossEncoder

        model = CrossEncoder("cross-encoder/ms-marco-MiniLM-L6-v2")
        model.predict([("how do I copy a file", "shutil.copy copies a file.")])
        model.rank("how do I copy a file", ["Thread.join waits.", "shutil.copy copies a file."])

    It ranks better than a model that makes vectors, and computes every pair anew: use it on the
    best hits of a search. A folder without a head, such as a plain language model, gets a new one,
    whose scores mean nothing before training. Threads may share a model.

    Args:
        model_name_or_path: a model folder or a name on the Hugging Face hub, as for
            ``SentenceTransformer``.
        num_labels: scores of each pair; when None those of the folder's head, or 1.
        max_length: the most tokens of both texts with the special tokens; the folder's when None.
        device, compute_dtype, revision: as for ``SentenceTransformer``.
        prompts, default_prompt_name: texts to put before the first text of each pair, by name, and
            the name of the usual one.
        model_card_data: what the card says beside the model.
        options: ``cache_folder``, ``local_files_only`` and ``token``, which say where to look for a
            hub model; ``activation_fn``, which ``predict`` and ``rank`` apply to the scores (when
            None the folder's, else a sigmoid for one label and nothing for several);
            ``config_kwargs``, values that overrule those of ``config.json``; ``model_kwargs`` with
            ``dtype`` (to compute in) or ``ignore_mismatched_sizes`` (a new last layer where
            ``num_labels`` is not the folder's); ``processor_kwargs`` with ``model_max_length``;
            and their names in older versions.

    Attributes:
        head: from token vectors to scores.
        has_head: whether the folder's head is used, or a new one, whose scores mean nothing.
        segmented: whether the two texts are different segments to the encoder.
        model_card: the text that ``save_pretrained`` writes as ``README.md``; made when empty.
        base: the name, folder and origin of the model that was loaded.

    Raises:
        ModelNotFoundError: the name resolves to nothing.
        ModelError: the folder is incomplete, damaged or of an unsupported kind.
        ArgumentError: an argument outside its range, or one that sentune cannot follow.
    """

    def __init__(
        self,
        model_name_or_path: str | Path,
        num_labels: int | None = None,
        max_length: int | None = None,
        *,
        device: Device = None,
        compute_dtype: str = "auto",
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        revision: str | None = None,
        model_card_data: CrossEncoderModelCardData | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        asked = LoadOptions.of(options)
        self.compute_dtype = asked.compute_dtype or compute_dtype
        self.compute = choose_compute(self.compute_dtype, device)
        self.base = resolve(model_name_or_path, revision, **asked.where)
        logger.info("model %s from %s (%s)", self.base.name, self.base.folder, self.base.origin)
        self._folder = found = PairModelFolder.read(self.base.folder, asked.config)
        labels = found.num_labels if num_labels is None else require_whole("num_labels", num_labels)
        differ = _differ(found, labels, allowed=asked.new_labels_allowed)
        self.encoder, self.head = read_parts(found, labels, self.compute.device, new_labels=differ)
        self.compute_as(self.compute)
        self.tokenizer, self.segmented = found.tokenizer, found.segmented
        limit = asked.max_length if max_length is None else max_length
        if limit is not None:
            self.max_length = limit
        function: Any = usual(labels) if differ else found.activation
        self.activation_fn = function if asked.activation_fn is None else asked.activation_fn
        self.prompts = {**found.prompts, **(prompts or {})}
        self.default_prompt_name = default_prompt_name or found.default_prompt_name
        choose_prompt(self.prompts, self.default_prompt_name, None, None)
        self.model_card_data = model_card_data or CrossEncoderModelCardData()
        self.model_card = found.card if found.has_head else ""
        self.extras: dict[str, Any] = {}
        self.has_head = found.has_head and not differ
        self.eval()

    @property
    def num_labels(self) -> int:
        """Scores of each pair."""
        return self.head.num_labels

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the scores."""
        return self.head.out.weight.dtype

    @property
    def max_length(self) -> int:
        """The most tokens of both texts with the special tokens; the rest is cut off."""
        return self.tokenizer.max_seq_length

    @max_length.setter
    def max_length(self, length: int) -> None:
        self.tokenizer.max_seq_length = require_whole(
            "max_length",
            length,
            least=self.tokenizer.pair_frame() + 1,
            most=self.encoder.config.longest_text,
            fix="choose a limit that the encoder has positions for",
        )

    max_seq_length = max_length

    @property
    def activation_fn(self) -> Function:
        """What ``predict`` and ``rank`` apply to the scores."""
        return self._activation[0]

    @activation_fn.setter
    def activation_fn(self, function: Function) -> None:
        # In a list, because a module would become a part of this one.
        self._activation = [require_activation("activation_fn", function)]

    @property
    def config(self) -> SimpleNamespace:
        """A copy of the content of ``config.json``, with ``num_labels``."""
        return SimpleNamespace(**{**self._folder.config_json, "num_labels": self.num_labels})

    def forward(self, packed: Any = None, **features: Any) -> Any:
        """A pack of n pairs → their scores before the activation, (n, num_labels).

        This is the whole computation, with gradients where they are enabled. Padded features, in
        a mapping or by their names, are taken too, and give a mapping with ``scores``.
        """
        if not isinstance(packed, Pack):
            given = {**(packed or {}), **features}
            return PairScores(given, scores=self(pack_of(given, self.segmented)))
        if self.head.reads_first and not torch.is_grad_enabled():
            first = self.encoder.first_tokens(packed, self.reduced_dtype)
            if first is not None:
                return self.head.of_pooled(first)
        scores: Tensor = self.head(self.encoder(packed, self.reduced_dtype), packed)
        return scores

    def predict(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        activation_fn: Function | None = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Device = None,
        **others: Any,
    ) -> Any:
        """Scores of pairs of texts.

        Cost: one forward of the encoder over all tokens, without padding.

        Args:
            inputs: a pair of texts, or pairs in any iterable.
            prompt_name: a name from ``prompts``; the prompt is put before the first text.
            prompt: the prompt itself; beats ``prompt_name``.
            batch_size: the most pairs computed together; when None, a token budget decides alone.
            show_progress_bar: when None, shown if the package's logger is at INFO or below.
            activation_fn: instead of the model's.
            apply_softmax: after the activation, where there are several labels.
            convert_to_numpy: an array; otherwise a list of tensors.
            convert_to_tensor: one tensor; beats ``convert_to_numpy``.
            device: moves the model there first.
            others: ``sentences``, ``activation_fct`` and ``num_workers``, names of older versions.

        Returns:
            (n,) float32 for one label, (n, num_labels) for several; for a single pair without n.

        Raises:
            ArgumentError: an input that is no pair of texts (with its position), or an argument
                outside its range.
        """
        old = with_new_names(_one_process(others), _OLD_PREDICT)
        pairs, single = pairs_of(old.get("inputs") if inputs is None else inputs)
        chosen = activation_fn or old.get("activation_fn") or self.activation_fn
        if device is not None:
            self.compute_as(choose_compute(self.compute_dtype, device))
        prefix = choose_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        pairs = [(prefix + first, second) for first, second in pairs] if prefix else pairs
        if batch_size is not None:
            require_whole("batch_size", batch_size, fix="leave it out to have it chosen")
        scores = score_pairs(self, pairs, batch_size, show_progress_bar)
        scores = require_activation("activation_fn", chosen)(scores)
        if self.num_labels == 1:
            scores = scores[:, 0]
        elif apply_softmax:
            scores = torch.softmax(scores, dim=1)
        if convert_to_numpy and not convert_to_tensor:
            found: NDArray[np.float32] = scores.cpu().numpy()
            return found[0] if single else found
        if single:
            return scores[0]
        return scores if convert_to_tensor else list(scores)

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        return_documents: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        activation_fn: Function | None = None,
        device: Device = None,
        **others: Any,
    ) -> list[dict[str, Any]]:
        """Documents in the order of their scores with a query, the best first.

        Equal scores keep the order of the documents.

        Args:
            query: the first text of every pair.
            documents: the second ones.
            top_k: how many to return; all when None.
            return_documents: also return the texts.
            prompt_name, prompt, batch_size, show_progress_bar, activation_fn, device: as for
                ``predict``.
            others: names of older versions.

        Returns:
            ``{"corpus_id": place in documents, "score": score}`` for each, and ``"text"``.

        Raises:
            ArgumentError: a model with several labels, or what ``predict`` raises.
        """
        if self.num_labels != 1:
            raise ArgumentError(
                f"rank with a model of {self.num_labels} labels",
                expected="a model with one score for each pair",
                fix="use predict, and choose the label to sort by",
            )
        old = with_new_names(_one_process(others), _OLD_RANK)
        query, texts = require_text("query", query), _documents(documents)
        scores = self.predict(
            [(query, text) for text in texts],
            prompt_name=prompt_name,
            prompt=prompt,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            activation_fn=activation_fn or old.get("activation_fn"),
            device=device,
        )
        order = np.argsort(-scores, kind="stable")[:top_k]
        return [
            {"corpus_id": int(number), "score": float(scores[number])}
            | ({"text": texts[number]} if return_documents else {})
            for number in order
        ]

    def write_into(self, path: Path) -> None:
        """Write the model's files into an existing empty folder. Raises OutputError."""
        name = activation_name(self.activation_fn)
        if name is None:
            logger.warning(
                "a folder cannot name the function %r: pass it again when you load the model",
                self.activation_fn,
            )
        folder = replace(
            self._folder,
            num_labels=self.num_labels,
            prompts=self.prompts,
            default_prompt_name=self.default_prompt_name,
            card=self.model_card or card_text(self.model_card_data, self, None),
        )
        folder.write(path, name)
        write_pair_weights(path / WEIGHTS, self.encoder, self.head)


def _differ(folder: PairModelFolder, labels: int, *, allowed: bool) -> bool:
    """Whether the last layer must be new. Raises ArgumentError unless it is ``allowed``."""
    if not folder.has_head or labels == folder.num_labels:
        return False
    if not allowed:
        raise ArgumentError(
            f"num_labels is {labels} for a model of {folder.num_labels}",
            expected=f"num_labels {folder.num_labels}, or none",
            fix="leave it out, or pass model_kwargs={'ignore_mismatched_sizes': True} to train a "
            "new last layer",
        )
    return True


def _documents(given: Any) -> list[str]:
    if isinstance(given, str):
        given = [None]  # not its letters
    return [require_text(f"documents[{number}]", text) for number, text in enumerate(given)]


def _one_process(others: Mapping[str, Any]) -> dict[str, Any]:
    """Without ``pool`` and ``chunk_size``. Raises ArgumentError where one is given."""
    for name in _ONE_PROCESS:
        if others.get(name) is not None:
            raise ArgumentError(
                f"{name} is {others[name]!r}",
                expected="None, because one process scores with all cores",
                fix="leave it out",
            )
    return {name: value for name, value in others.items() if name not in _ONE_PROCESS}
