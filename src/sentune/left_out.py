"""Names of the reference that sentune does not have: they say so when they are used.

A script that imports one of them among others runs as long as it does not use it.
"""

from __future__ import annotations

from typing import Any, NoReturn

from sentune.errors import ArgumentError

__all__ = ["LeftOut", "left_out_name", "not_there"]


class LeftOut:
    """A class that stands for a name; calling it or deriving from it raises ArgumentError.

    Attributes:
        reason: why the name is left out.
        instead: what to use.
    """

    reason, instead = "", ""

    def __new__(cls, *_: Any, **__: Any) -> NoReturn:
        """Raise ArgumentError."""
        raise cls.refusal()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls.__module__.startswith("sentune"):
            left_out = next(each for each in cls.__mro__[1:] if issubclass(each, LeftOut))
            raise left_out.refusal()  # type: ignore[attr-defined]

    @classmethod
    def refusal(cls) -> ArgumentError:
        """The error for using the name."""
        return ArgumentError(
            f"{cls.__name__}, which sentune does not have, because {cls.reason}",
            expected="what sentune has",
            fix=cls.instead,
        )


_SPARSE = (
    "its vectors have a number for each word of a vocabulary",
    "use SentenceTransformer, and search with words as well: sentune search fuses both",
)
_MULTI = (
    "its models give a vector for each token",
    "use SentenceTransformer, and let sentune index compare the vectors of tokens in a late stage",
)
_EXPORT = ("sentune computes its models itself", "run sentune export for an ONNX graph")
_SAMPLER = (
    "the batches of all processes and epochs are planned together",
    "name one of BatchSamplers in the argument batch_sampler",
)
_STAGE = (
    "a model here is a transformer, a pooling and modules after it",
    "use models.Transformer, Pooling, Dense, LayerNorm, Dropout and Normalize, or a class of your "
    "own after the Transformer",
)
_BASE = (
    "sentune has no classes that only others derive from",
    "use the class for SentenceTransformer or the one for CrossEncoder",
)
_INSIDE = (
    "it is an inner part of sentence-transformers",
    "write the few lines that you need into the script",
)
_CALLBACK = ("the card is written when the model is saved", "pass model_card_data to the model")

_NAMES: tuple[tuple[str, tuple[str, str]], ...] = (
    (
        "SparseEncoder SparseEncoderTrainer SparseEncoderTrainingArguments "
        "SparseEncoderModelCardData SparseEncoderDataCollator SpladeLoss CSRLoss FlopsLoss "
        "SparseMultipleNegativesRankingLoss SparseMarginMSELoss SparseDistillKLDivLoss "
        "SparseNanoBEIREvaluator SparseInformationRetrievalEvaluator MLMTransformer SpladePooling "
        "SparseAutoEncoder SparseStaticEmbedding to_scipy_coo select_max_active_dims "
        "compute_count_vector CachedSpladeLoss CSRReconstructionLoss SparseAnglELoss "
        "SparseCoSENTLoss "
        "SparseCosineSimilarityLoss SparseMSELoss SparseTripletLoss ReciprocalRankFusionEvaluator "
        "SparseBinaryClassificationEvaluator SparseEmbeddingSimilarityEvaluator SparseMSEEvaluator "
        "SparseRerankingEvaluator SparseTranslationEvaluator SparseTripletEvaluator SchedulerType "
        "SpladeRegularizerWeightSchedulerCallback semantic_search_qdrant semantic_search_seismic "
        "semantic_search_elasticsearch semantic_search_opensearch normalized_mean_squared_error "
        "TiedTranspose SparseEncoderModelCardCallback",
        _SPARSE,
    ),
    (
        "MultiVectorEncoder MultiVectorEncoderTrainer MultiVectorEncoderTrainingArguments "
        "MultiVectorEncoderModelCardData maxsim maxsim_pairwise mean_maxsim mean_maxsim_pairwise "
        "cat_padded_token_embeddings stack_padded_token_embeddings repad_flattened_features "
        "MultiVectorEncoderDataCollator MultiVectorInformationRetrievalEvaluator "
        "MultiVectorNanoBEIREvaluator MultiVectorTripletEvaluator MultiVectorRerankingEvaluator "
        "MultiVectorDistillationEvaluator MultiVectorMultipleNegativesRankingLoss "
        "CachedMultiVectorMultipleNegativesRankingLoss MultiVectorDistillKLDivLoss "
        "MultiVectorMarginMSELoss MultiVectorMask HierarchicalTokenPooling LambdaTokenPooling "
        "BaseTokenPooling MultiVectorEncoderModelCardCallback XTRKDScores XTRScores "
        "colbert_kd_scores colbert_scores colbert_scores_pairwise mean_colbert_kd_scores "
        "mean_colbert_scores mean_colbert_scores_pairwise xtr_kd_scores xtr_scores "
        "xtr_scores_pairwise get_n_patches maxsim_heatmap maxsim_similarity_map "
        "real_query_token_slice render_similarity_map_on_image",
        _MULTI,
    ),
    (
        "export_optimized_onnx_model export_dynamic_quantized_onnx_model "
        "export_static_quantized_openvino_model load_onnx_model load_openvino_model "
        "backend_should_export backend_warn_to_save save_or_push_to_hub_model "
        "_save_pretrained_wrapper",
        _EXPORT,
    ),
    (
        "DefaultBatchSampler GroupByLabelBatchSampler NoDuplicatesBatchSampler "
        "MultiDatasetDefaultBatchSampler RoundRobinBatchSampler ProportionalBatchSampler "
        "SetEpochMixin",
        _SAMPLER,
    ),
    (
        "StaticEmbedding Asym BoW CNN LSTM WeightedLayerPooling WordEmbeddings WordWeights "
        "CLIPModel InputModule Router WordTokenizer WhitespaceTokenizer PhraseTokenizer LogitScore "
        "TransformersTokenizerWrapper ENGLISH_STOP_WORDS",
        _STAGE,
    ),
    ("BaseTrainer BaseTrainingArguments BaseModel BaseDataCollator BaseModelCardData", _BASE),
    (
        "ModelCardCallback BaseModelCardCallback SentenceTransformerModelCardCallback "
        "CrossEncoderModelCardCallback",
        _CALLBACK,
    ),
    (
        "generate_model_card ModelCardTemplate format_duration format_log get_losses get_versions",
        ("a card has other facts here", "save the model, which writes its card"),
    ),
    (
        "InputFormatter format_modality infer_batch_modality infer_modality is_audio_url_or_path "
        "is_image_url_or_path is_message_dict is_video_url_or_path AudioDict MessageDict "
        "MultimodalInput VideoDict PairInput PairableInput ModalityParams ProcessingKwargs "
        "raise_unsupported_modality_error QueryExpansionConfig",
        ("its models read text alone", "pass texts to encode"),
    ),
    (
        "CachedLossMixin RandContext uses_gradient_cache CachedLossDecorator",
        ("a loss computes its gradients in parts by itself", "use one of the Cached losses"),
    ),
    (
        "merge_models",
        ("models are not averaged", "average what state_dict gives, and call load_state_dict"),
    ),
    (
        "EvaluatorCallback OriginalCallback SaveModelCallback FitMixinLoss",
        ("fit calls the evaluator itself", "pass evaluator and callback to fit"),
    ),
    (
        "SentenceTransformerDataCollator CrossEncoderDataCollator",
        ("batches are packs of token ids", "leave data_collator out"),
    ),
    (
        "CrossEncoderNanoBEIREvaluator",
        ("it downloads its data", "read the data, and use CrossEncoderRerankingEvaluator"),
    ),
    (
        "ADRMSELoss PListMLELambdaWeight",
        ("it was used by no script that was looked at", "use LambdaLoss or PListMLELoss"),
    ),
    (
        "DenoisingAutoEncoderDataset",
        ("it trains with a decoder", "mine pairs from your texts with sentune tune"),
    ),
    ("PeftAdapterMixin peft_wrapper", ("adapters are merged", "load the folder of the adapter")),
    (
        "save_to_hub_args_decorator all_gather all_gather_padded all_gather_with_grad get_rank "
        "get_world_size check_package_availability check_version_requirements "
        "is_dist_initialized "
        "load_dir_path load_file_path disabled_tqdm install_logger similarity_fct_name "
        "check_teacher_targets import_from_string import_module_class disable_datasets_caching "
        "disable_logging append_to_last_row ORIGINAL_TRANSFORMER_MODELS _convert_to_batch "
        "_convert_to_batch_tensor _convert_to_tensor _move_tensors_to_cpu resolve_ids "
        "deprecated_kwargs cross_encoder_init_args_decorator "
        "cross_encoder_predict_rank_args_decorator FitMixin transformer_kwargs_decorator "
        "setup_deprecated_module_imports set_temporary_class_attrs distributed_evaluation "
        "get_installed_version suggest_extra_on_exception column_merging_disabled "
        "has_static_embedding_input chunked_padded_forward embed_columns embed_columns_padded "
        "merge_feature_batches TransformerDecorator ForwardDecorator shrink",
        _INSIDE,
    ),
)


def left_out_name(name: str) -> type[LeftOut] | None:
    """The class that stands for a name of the reference; None for any other name."""
    for names, (reason, instead) in _NAMES:
        if name in names.split():
            inside = {"reason": reason, "instead": instead, "__module__": __name__}
            return type(name, (LeftOut,), inside)
    return None


def not_there(module: str, name: str) -> type[LeftOut]:
    """For ``__getattr__`` of a module: what stands for the name. Raises AttributeError."""
    found = left_out_name(name)
    if found is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    return found
