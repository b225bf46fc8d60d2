"""What requests may say. A field that is not here is refused, never left out in silence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from sentune.errors import ArgumentError
from sentune.serving.problems import RefusedError

__all__ = [
    "EmbedBody",
    "EmbeddingsBody",
    "ExplainBody",
    "OldOllamaBody",
    "OllamaBody",
    "PassageBody",
    "PlaceBody",
    "RerankBody",
    "SearchBody",
    "SimilarityBody",
    "TokenizeBody",
]

Texts = str | Annotated[list[str], Field(min_length=1)]
Truncate = Annotated[bool, Field(description="False: a text over the length limit is refused.")]
Side = Literal["left", "right", "Left", "Right"]
Dimensions = Annotated[
    int | None, Field(ge=1, description="The model's own number, or one that it was trained for.")
]
# Which of these there are depends on the server: the route looks at that, and names them.
Mode = Annotated[
    str, Field(json_schema_extra={"enum": ["dense", "words", "hybrid", "late", "base"]})
]
_IGNORED = Field(default=None, description="Taken, and without effect.")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


class EmbeddingsBody(_Body):
    """``POST /v1/embeddings``, as OpenAI's clients send it."""

    input: Texts
    model: str = Field(default="", description="Any name: one model answers, and says its own.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Dimensions = None
    user: str | None = _IGNORED

    @staticmethod
    def explain(content: bytes) -> RefusedError | None:
        """The reason for a body with token ids, which are those of another model's tokenizer."""
        return token_ids(content)


class EmbedBody(_Body):
    """``POST /embed``, as clients of text-embeddings-inference send it."""

    inputs: Texts
    truncate: Truncate | None = True
    truncation_direction: Side | None = None
    normalize: bool | None = Field(
        default=None, description="To unit length; what the model does when left out."
    )
    prompt_name: str | None = None
    dimensions: Dimensions = None


class SimilarityInputs(_Body):
    """One sentence, and those to compare it with."""

    source_sentence: str
    sentences: Annotated[list[str], Field(min_length=1)]


class SimilarityParameters(_Body):
    """How texts are read."""

    truncate: Truncate | None = True
    truncation_direction: Side | None = None
    prompt_name: str | None = None


class SimilarityBody(_Body):
    """``POST /similarity``."""

    inputs: SimilarityInputs
    parameters: SimilarityParameters | None = None


class TokenizeBody(_Body):
    """``POST /tokenize``."""

    inputs: Texts
    add_special_tokens: bool = True
    prompt_name: str | None = None


class Document(_Body):
    """A document of a rerank request."""

    text: str


class RerankBody(_Body):
    """``POST /rerank``: ``texts`` as text-embeddings-inference, or ``documents`` as Cohere."""

    query: str
    texts: Annotated[list[str], Field(min_length=1)] | None = None
    documents: Annotated[list[str | Document], Field(min_length=1)] | None = None
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool | None = None
    return_text: bool | None = None
    raw_scores: bool | None = Field(
        default=None, description="The scores before the reranker's activation."
    )
    truncate: Truncate | None = True
    truncation_direction: Side | None = None
    model: str | None = Field(default=None, description="Any name: one model answers.")
    max_tokens_per_doc: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Documents are cut there, before the model's own limit."
    )
    priority: int | None = _IGNORED


class OllamaBody(_Body):
    """``POST /api/embed``."""

    model: str = ""
    input: Texts
    truncate: Truncate | None = True
    dimensions: Dimensions = None
    keep_alive: str | int | float | None = _IGNORED
    options: dict[str, object] | None = _IGNORED


class OldOllamaBody(_Body):
    """``POST /api/embeddings``, the route before ``/api/embed``."""

    model: str = ""
    prompt: str
    keep_alive: str | int | float | None = _IGNORED
    options: dict[str, object] | None = _IGNORED


class SearchBody(_Body):
    """``POST /search``."""

    query: Annotated[str, Field(min_length=1)]
    top: Annotated[int, Field(ge=1, le=1000)] = 10
    where: str | None = Field(default=None, description="A condition on fields: page > 3")
    mode: Mode | None = None
    modes: Annotated[list[Mode], Field(min_length=1, max_length=5)] | None = Field(
        default=None, description="Several at once, instead of mode."
    )
    marks: bool = Field(
        default=False, description="Where in each text the words stand that BM25 matches."
    )


class ExplainBody(_Body):
    """``POST /explain``: why the late stage gives a text, or a passage, its score."""

    query: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Any text; or a passage, by source and id."
    )
    source: str | None = None
    id: str | None = None


class PassageBody(_Body):
    """``POST /passage``: a passage by its name."""

    source: str
    id: str


class PlaceBody(_Body):
    """``POST /map``: what to find on the map."""

    query: Annotated[str, Field(min_length=1)]
    passages: Annotated[list[PassageBody], Field(max_length=1000)] = []


def token_ids(content: bytes) -> RefusedError | None:
    """A refusal if a body's input has token ids instead of texts: 400."""
    try:
        given = from_json(content).get("input")
    except (ValueError, AttributeError):
        return None
    first = given[0] if isinstance(given, list) and given else None
    first = first[0] if isinstance(first, list) and first else first
    if type(first) is not int:
        return None
    error = ArgumentError(
        "input is token ids",
        expected="texts, because these ids are of another model's tokenizer",
        fix="send texts: OpenAIEmbeddings(check_embedding_ctx_length=False) in LangChain",
    )
    return RefusedError(400, error)
