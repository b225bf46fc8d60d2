"""Stages of a script's own class, beside the reference's model with the same stages."""

from __future__ import annotations

import copy
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentune import models
from sentune.encoding.fingerprint import fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.stages.own import OwnStages
from sentune.errors import ArgumentError, ModelError, OutputError, UnsupportedModelError
from sentune.export.onnx import export_onnx
from sentune.network.names import VECTORS

TEXTS = ["the words of a text", "find", "the file and the other file", "a list of names"]


class Attention(nn.Module):
    """A pooling by learned weights, written as for sentence-transformers 3."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.weigh = dim, nn.Linear(dim, 1)

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        tokens, there = features["token_embeddings"], features["attention_mask"]
        weights = self.weigh(tokens).squeeze(-1).masked_fill(there == 0, -1e9).softmax(-1)
        features["sentence_embedding"] = (tokens * weights.unsqueeze(-1)).sum(1)
        features["most"] = weights.amax(1)
        return features

    def get_sentence_embedding_dimension(self) -> int:
        return self.dim

    def get_config_dict(self) -> dict[str, Any]:
        return {"dim": self.dim}

    def save(self, output_path: str) -> None:
        Path(output_path, "config.json").write_text(json.dumps(self.get_config_dict()))
        save_file(self.state_dict(), Path(output_path, "weights.safetensors"))

    @staticmethod
    def load(input_path: str) -> Attention:
        made = Attention(**json.loads(Path(input_path, "config.json").read_text()))
        made.load_state_dict(load_file(Path(input_path, "weights.safetensors")))
        return made


class Shift(models.Module):
    """Changes token vectors; derived from the class that both libraries have for it."""

    config_keys = ["by"]  # noqa: RUF012 — as people write it

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by, self.scale = by, nn.Parameter(torch.ones(32) * 2)

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        del options
        features["token_embeddings"] = features["token_embeddings"] * self.scale + self.by
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **_: Any) -> None:
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **options: Any) -> Shift:
        made = cls(**cls.load_config(model_name_or_path, subfolder=subfolder))
        cls.load_torch_weights(model_name_or_path, subfolder=subfolder, model=made)
        return made


class Twice(nn.Module):
    """After pooling, without weights, and without a way into a folder."""

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        vectors = features["sentence_embedding"]
        return {**features, "sentence_embedding": torch.cat([vectors, vectors], 1)}


OWN = (Attention, Shift, Twice)


def stages(library: Any, folder: Path) -> list[list[nn.Module]]:
    """Lists of modules of either library, with equal weights."""
    torch.manual_seed(0)
    weights = Attention(32).state_dict()
    attention = Attention(32)
    attention.load_state_dict(weights)
    dense = library.Dense(32, 8)
    with torch.no_grad():
        dense.linear.weight.copy_(torch.linspace(-1, 1, 256).view(8, 32))
        dense.linear.bias.zero_()
    words = [library.Transformer(str(folder)) for _ in range(3)]
    return [
        [words[0], attention, library.Normalize()],
        [words[1], Shift(0.5), library.Pooling(32, "mean"), dense],
        [words[2], library.Pooling(32, "cls"), Twice()],
    ]


def both(number: int, folder: Path) -> tuple[SentenceTransformer, Any]:
    ours = SentenceTransformer(
        modules=stages(models, folder)[number], device="cpu", compute_dtype="float32"
    )
    with warnings.catch_warnings():  # of the reference, about its own names
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        from sentence_transformers import SentenceTransformer as Reference
        from sentence_transformers import models as theirs

        return ours, Reference(modules=stages(theirs, folder)[number], device="cpu")


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("number", range(3))
def test_vectors_and_gradients_are_those_of_the_reference(number: int, tiny_folder: Path) -> None:
    ours, reference = both(number, tiny_folder)
    assert [type(stage).__name__ for stage in ours] == [type(s).__name__ for s in reference]
    expected = reference.encode(TEXTS)
    np.testing.assert_allclose(ours.encode(TEXTS), expected, rtol=0, atol=1e-5)
    assert ours.get_embedding_dimension() == expected.shape[1]
    for ours_of_text, theirs in zip(
        ours.encode(TEXTS, output_value="token_embeddings", convert_to_numpy=False),
        reference.encode(TEXTS, output_value="token_embeddings", convert_to_numpy=False),
        strict=True,
    ):
        torch.testing.assert_close(torch.as_tensor(ours_of_text), theirs, rtol=0, atol=1e-5)
    values = []
    for model in (ours, reference):
        model.eval()
        found = model(model.tokenize(TEXTS))
        found["sentence_embedding"].pow(3).sum().backward()
        own = [p.grad for stage in model for p in stage.parameters() if type(stage) in OWN]
        values.append([found["sentence_embedding"], found.get("most", torch.zeros(1)), *own])
    torch.testing.assert_close(values[0], values[1], rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("number", range(2))
def test_a_saved_folder_loads_here_and_in_the_reference(
    number: int, tiny_folder: Path, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer as Reference

    model = both(number, tiny_folder)[0]
    expected = model.encode(TEXTS)
    model.save(tmp_path / "saved")
    again = SentenceTransformer(tmp_path / "saved", device="cpu", compute_dtype="float32")
    np.testing.assert_array_equal(again.encode(TEXTS), expected)
    assert fingerprint(again) == fingerprint(model)
    assert repr(again) == repr(model)
    if number == 0:  # the other class is derived from sentune's
        reference = Reference(str(tmp_path / "saved"), device="cpu", trust_remote_code=True)
        np.testing.assert_allclose(reference.encode(TEXTS), expected, rtol=0, atol=1e-5)
    with torch.no_grad():
        next(again[1].parameters()).add_(1)
    assert fingerprint(again).weights != fingerprint(model).weights


def test_a_class_that_the_program_has_not_imported_is_refused(
    tiny_folder: Path, tmp_path: Path, edit_json: Any
) -> None:
    both(0, tiny_folder)[0].save(tmp_path / "saved")
    command = "import sys; from sentune import SentenceTransformer as S; S(sys.argv[1])"
    ran = subprocess.run(
        [sys.executable, "-c", command, str(tmp_path / "saved")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "UnsupportedModelError" in ran.stderr
    assert f"import {__name__} before".lower() in ran.stderr.lower()
    listing = tmp_path / "saved" / "modules.json"
    for name in ("torch.nn.Linear", "os.system", "Attention", f"{__name__}.TEXTS", "torch.nn."):
        edit_json(listing, lambda entries, name=name: entries[1].update(type=name))
        with pytest.raises(UnsupportedModelError, match="names the class"):
            SentenceTransformer(tmp_path / "saved")


@pytest.mark.parametrize(
    ("number", "name", "message"),
    [
        (0, f"{__name__}.Shift", "as the first module"),
        (0, "custom_st.Transformer", "as the first module"),
        (1, "__main__.Mine", "[Mm]ove the class into a module"),
    ],
)
def test_a_refused_class_is_refused_for_the_true_cause(
    number: int, name: str, message: str, tiny_folder: Path, tmp_path: Path, edit_json: Any
) -> None:
    both(0, tiny_folder)[0].save(tmp_path / "saved")
    edit_json(tmp_path / "saved" / "modules.json", lambda all_: all_[number].update(type=name))
    with pytest.raises(UnsupportedModelError, match=message):
        SentenceTransformer(tmp_path / "saved")


def test_what_load_raises_is_said_with_the_folder(
    tiny_folder: Path, tmp_path: Path, edit_json: Any
) -> None:
    for number, kind in enumerate(("Attention", "Shift")):
        both(number, tiny_folder)[0].save(tmp_path / kind)
        edit_json(tmp_path / kind / f"1_{kind}" / "config.json", lambda all_: all_.update(powr=1))
        with pytest.raises(ModelError, match=rf"1_{kind}: load of .*{kind} raised TypeError.*powr"):
            SentenceTransformer(tmp_path / kind)


def test_a_hub_model_never_names_a_class(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "hub" / "models--me--own"
    (snapshot / "refs").mkdir(parents=True)
    (snapshot / "refs" / "main").write_text("1" * 40)
    both(0, tiny_folder)[0].save(snapshot / "snapshots" / ("1" * 40))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(UnsupportedModelError, match="without custom modules"):
        SentenceTransformer("me/own")


def test_stages_come_and_go(tiny_folder: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    before = model.encode(TEXTS)
    model.append(Twice())
    np.testing.assert_array_equal(model.encode(TEXTS), np.hstack([before, before]))
    assert isinstance(model.pooling, OwnStages)
    np.testing.assert_array_equal(copy.deepcopy(model).encode(TEXTS), model.encode(TEXTS))
    assert isinstance(model.pop(), Twice)
    np.testing.assert_array_equal(model.encode(TEXTS), before)
    assert model.normalize
    assert len(model) == 3


def test_what_cannot_be_done_with_them_says_so(tiny_folder: Path, tmp_path: Path) -> None:
    model = both(2, tiny_folder)[0]
    with pytest.raises(ArgumentError, match="no method save"):
        model.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    with pytest.raises(ArgumentError, match="no method save"):
        model.start_multi_process_pool(["cpu"])
    with pytest.raises(UnsupportedModelError, match="Twice"):
        export_onnx(model, tmp_path / "graph")
    with pytest.raises(ArgumentError, match="append"):
        model.normalize = True


def test_a_pool_imports_the_module_of_a_class(tiny_folder: Path) -> None:
    model = both(0, tiny_folder)[0]
    with model.start_multi_process_pool(["cpu"]) as pool:
        np.testing.assert_allclose(model.encode(TEXTS, pool=pool), model.encode(TEXTS), atol=1e-5)

    class Inner(Attention):
        pass

    model.pop()
    model[1] = Inner(32)
    with pytest.raises(ArgumentError, match=r"a model with Inner of .* for other processes"):
        model.start_multi_process_pool(["cpu"])


class Power(models.Module):
    """Pools alone, with a setting and a buffer."""

    config_keys = ["power"]  # noqa: RUF012 — as people write it

    seen: Tensor

    def __init__(self, power: float) -> None:
        super().__init__()
        self.power = power
        self.register_buffer("seen", torch.tensor([2**40, 1]))

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        del options
        found = features["token_embeddings"].mean(1).abs() ** self.power * self.seen[1]
        return {**features, "sentence_embedding": found}


def test_a_fingerprint_has_the_settings_and_buffers_of_a_single_stage(tiny_folder: Path) -> None:
    def made(power: float, first: int) -> SentenceTransformer:
        stage = Power(power)
        stage.seen[0] = first
        return SentenceTransformer(modules=[models.Transformer(str(tiny_folder)), stage])

    before = fingerprint(made(1.0, 2**40))
    assert before == fingerprint(made(1.0, 2**40))
    assert before.weights != fingerprint(made(3.0, 2**40)).weights
    assert before.weights != fingerprint(made(1.0, 2**40 + 1)).weights


@pytest.mark.parametrize("stage", [lambda: Power(1.0), Twice])
def test_training_that_could_not_be_saved_does_not_begin(
    stage: Any, tiny_folder: Path, tmp_path: Path
) -> None:
    from sentune import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentune.losses import MultipleNegativesRankingLoss

    words = [models.Transformer(str(tiny_folder)), models.Pooling(32), stage()]
    model = SentenceTransformer(modules=words)
    data, loss = {"anchor": TEXTS, "positive": TEXTS}, MultipleNegativesRankingLoss(model)
    usual: dict[str, Any] = {"disable_tqdm": True, "use_cpu": True, "max_steps": 1}
    args = SentenceTransformerTrainingArguments(str(tmp_path / "run"), **usual)
    trainer = SentenceTransformerTrainer(model, args, data, loss=loss)
    with pytest.raises(ArgumentError, match="no method save"):
        trainer.train()
    assert trainer.state.global_step == 0
    with pytest.raises(ArgumentError, match="no method save"):
        model.fit([(data, loss)], output_path=str(tmp_path / "fitted"))
    assert not (tmp_path / "fitted").exists()
    args = SentenceTransformerTrainingArguments(str(tmp_path), save_strategy="no", **usual)
    SentenceTransformerTrainer(model, args, data, loss=loss).train()


def test_what_save_raises_is_said_with_the_stage(tiny_folder: Path, tmp_path: Path) -> None:
    class Full(Attention):
        def save(self, output_path: str) -> None:
            raise OSError("no space left")

    model = SentenceTransformer(modules=[models.Transformer(str(tiny_folder)), Full(32)])
    with pytest.raises(OutputError, match=r"save of Full raised OSError \(no space left\)"):
        model.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


class Tied(models.Module):
    """Two layers with one weight, of which a part has a name too."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.b.weight = self.a.weight
        self.register_buffer("part", self.a.weight.detach()[1:])


def test_tied_weights_are_saved_once_and_read_from_either_name(tmp_path: Path) -> None:
    from safetensors.torch import load_model

    stage, again, theirs = Tied(), Tied(), Tied()
    stage.save_torch_weights(str(tmp_path))
    Tied.load_torch_weights(str(tmp_path), model=again)
    torch.testing.assert_close(again.state_dict(), stage.state_dict(), rtol=0, atol=0)
    assert again.b.weight is again.a.weight
    del stage.part, again.part, theirs.part  # safetensors' own function refuses parts
    stage.save_torch_weights(str(tmp_path))
    load_model(theirs, tmp_path / "model.safetensors")  # as the reference reads a stage
    torch.testing.assert_close(theirs.state_dict(), stage.state_dict(), rtol=0, atol=0)
    again.state_dict()["a.weight"].zero_()
    written = load_file(tmp_path / "model.safetensors")
    written["b.weight"] = written.pop("a.weight")  # as safetensors may name it
    save_file(written, tmp_path / "model.safetensors")
    Tied.load_torch_weights(str(tmp_path), model=again)
    torch.testing.assert_close(again.state_dict(), stage.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("first", [0, 1])
def test_tokens_that_a_stage_leaves_out_are_not_given_as_if_they_were_there(
    first: int, tiny_folder: Path
) -> None:
    def change(found: dict[str, Any]) -> dict[str, Any]:
        tokens, mask = found["token_embeddings"][:, first:] * 2, found["attention_mask"][:, first:]
        if not first:
            mask = mask.clone()
            mask[:, 0] = 0  # a gap: the reference gives the tokens up to the last one
        vectors = (tokens * mask.unsqueeze(-1)).sum(1)
        return {"token_embeddings": tokens, "attention_mask": mask, VECTORS: vectors}

    model = SentenceTransformer(modules=[models.Transformer(tiny_folder), Wrong(change)])
    assert model.encode(TEXTS).shape == (4, 32)
    for value in ("token_embeddings", None):
        if first:
            with pytest.raises(ArgumentError, match="Wrong with other tokens after it"):
                model.encode(TEXTS, output_value=value)
            continue
        plain = SentenceTransformer(tiny_folder).encode(TEXTS, output_value="token_embeddings")
        found = model.encode(TEXTS, output_value=value)
        rows: Any = found if value else [cast("Any", each)["token_embeddings"] for each in found]
        for ours, usual in zip(rows, plain, strict=True):
            torch.testing.assert_close(torch.as_tensor(ours), 2 * torch.as_tensor(usual))


class Wrong(nn.Module):
    def __init__(self, change: Any) -> None:
        super().__init__()
        self.change = change

    def forward(self, features: dict[str, Any]) -> Any:
        return self.change(features)


class MyPooling(models.Pooling):
    pass


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: [Wrong(lambda _: None)], "returned a NoneType"),
        (lambda: [Wrong(lambda found: found)], "sentence_embedding is NoneType"),
        (lambda: [Wrong(lambda found: found), models.Normalize()], "before there is"),
        (
            lambda: [
                Wrong(lambda f: {**f, "attention_mask": f["attention_mask"] * 0}),
                models.Pooling(32),
            ],
            "attention_mask",
        ),
        (lambda: [models.Pooling(32), nn.Linear(32, 2)], "a Linear among"),
        (lambda: [MyPooling(32)], "derived from Pooling"),
    ],
)
def test_wrong_stages_say_what_is_wrong(made: Any, message: str, tiny_folder: Path) -> None:
    with pytest.raises(ArgumentError, match=message):
        SentenceTransformer(modules=[models.Transformer(tiny_folder), *made()]).encode(TEXTS)


def test_other_weights_than_the_class_has(tiny_folder: Path, tmp_path: Path) -> None:
    both(1, tiny_folder)[0].save(tmp_path / "saved")
    weights = tmp_path / "saved" / "1_Shift" / "model.safetensors"
    save_file({"scale": torch.ones(3)}, weights)
    with pytest.raises(ModelError, match="does not fit Shift"):
        SentenceTransformer(tmp_path / "saved")
    weights.unlink()
    with pytest.raises(ModelError, match="is not there"):
        SentenceTransformer(tmp_path / "saved")


def test_a_hook_keeps_threads_out_and_says_nothing(
    tiny_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from sentune.encoding.encode import pack_plan

    model = both(0, tiny_folder)[0]
    with caplog.at_level(logging.WARNING):
        assert pack_plan(model, [[2, 5, 3]] * 4000, None)[1] == 1
    assert not caplog.records
