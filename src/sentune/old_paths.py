"""Paths of modules in the reference, new and older ones, that have no module of their own here.

``from sentune.losses.CoSENTLoss import CoSENTLoss`` and
``from sentune.sentence_transformer.losses import CoSENTLoss`` give ``sentune.losses.CoSENTLoss``.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["OldPath", "install"]

# [prefix, older prefix, door], where - is sentune itself. Then a module in each line, and its
# names: @ before a name that is also a module under the older prefix; * for what the door has.
_TABLE = """\
[- - -]
base *
multi_vector_encoder MultiVectorEncoder MultiVectorEncoderTrainer maxsim maxsim_pairwise
  MultiVectorEncoderTrainingArguments MultiVectorEncoderModelCardData
  MultiVectorEncoderDataCollator
sentence_transformer *
[backend - backend]
load load_onnx_model load_openvino_model
optimize export_optimized_onnx_model
quantize export_dynamic_quantized_onnx_model export_static_quantized_openvino_model
utils backend_should_export backend_warn_to_save save_or_push_to_hub_model
[base - -]
losses CachedLossMixin RandContext column_merging_disabled has_static_embedding_input
  uses_gradient_cache
merging merge_models
modality InputFormatter format_modality infer_batch_modality infer_modality is_audio_url_or_path
  is_image_url_or_path is_message_dict is_video_url_or_path raise_unsupported_modality_error
modality_types AudioDict MessageDict MultimodalInput VideoDict PairInput PairableInput
model BaseModel
peft_mixin peft_wrapper PeftAdapterMixin
trainer BaseTrainer
[base - data_collator]
data_collator BaseDataCollator
[base - evaluation]
evaluation *
[base - model_card]
model_card BaseModelCardCallback BaseModelCardData format_duration format_log generate_model_card
  get_losses get_versions
[base.losses - -]
gradcache CachedLossMixin RandContext has_static_embedding_input uses_gradient_cache
merged_forward chunked_padded_forward column_merging_disabled embed_columns embed_columns_padded
  merge_feature_batches
[base - models]
modules *
[base - sampler]
sampler DefaultBatchSampler GroupByLabelBatchSampler NoDuplicatesBatchSampler
  MultiDatasetDefaultBatchSampler RoundRobinBatchSampler ProportionalBatchSampler BatchSamplers
  MultiDatasetBatchSamplers SetEpochMixin
[base - training_args]
training_args BaseTrainingArguments
[base.evaluation evaluation evaluation]
evaluator BaseEvaluator @SentenceEvaluator
sequential @SequentialEvaluator
[base.modules models models]
dense @Dense
input_module @InputModule
module @Module
normalize @Normalize
router @Router @Asym
transformer ModalityParams ProcessingKwargs QueryExpansionConfig set_temporary_class_attrs
  @Transformer
[cross_encoder cross_encoder cross_encoder]
data_collator CrossEncoderDataCollator
fit_mixin FitMixin FitMixinLoss EvaluatorCallback OriginalCallback SaveModelCallback
model_card CrossEncoderModelCardCallback CrossEncoderModelCardData
[cross_encoder - models]
modules *
[cross_encoder.modules - models]
logit_score LogitScore
[cross_encoder - util]
util cross_encoder_init_args_decorator cross_encoder_predict_rank_args_decorator
[cross_encoder.evaluation cross_encoder.evaluation cross_encoder.evaluation]
classification CrossEncoderClassificationEvaluator
correlation CrossEncoderCorrelationEvaluator
deprecated @CEBinaryAccuracyEvaluator @CEBinaryClassificationEvaluator @CEF1Evaluator
  @CESoftmaxAccuracyEvaluator @CECorrelationEvaluator @CERerankingEvaluator
nano_beir CrossEncoderNanoBEIREvaluator
[cross_encoder.losses cross_encoder.losses cross_encoder.losses]
adr_mse ADRMSELoss
binary_cross_entropy @BinaryCrossEntropyLoss
cached_multiple_negatives_ranking @CachedMultipleNegativesRankingLoss
cross_entropy @CrossEntropyLoss
list_mle @ListMLELoss
list_net @ListNetLoss
margin_mse @MarginMSELoss
mse @MSELoss
multiple_negatives_ranking @MultipleNegativesRankingLoss
plist_mle PListMLELambdaWeight @PListMLELoss
rank_net @RankNetLoss
[multi_vector_encoder - -]
data_collator MultiVectorEncoderDataCollator
evaluation MultiVectorInformationRetrievalEvaluator MultiVectorNanoBEIREvaluator
  MultiVectorTripletEvaluator MultiVectorDistillationEvaluator MultiVectorRerankingEvaluator
losses MultiVectorMultipleNegativesRankingLoss CachedMultiVectorMultipleNegativesRankingLoss
  MultiVectorDistillKLDivLoss MultiVectorMarginMSELoss
model MultiVectorEncoder
interpretability get_n_patches maxsim_heatmap maxsim_similarity_map real_query_token_slice
  render_similarity_map_on_image
model_card MultiVectorEncoderModelCardCallback MultiVectorEncoderModelCardData
modules BaseTokenPooling HierarchicalTokenPooling LambdaTokenPooling MultiVectorMask
scoring XTRKDScores XTRScores colbert_kd_scores colbert_scores colbert_scores_pairwise
  mean_colbert_kd_scores mean_colbert_scores mean_colbert_scores_pairwise xtr_kd_scores xtr_scores
  xtr_scores_pairwise
trainer MultiVectorEncoderTrainer
training_args MultiVectorEncoderTrainingArguments
[multi_vector_encoder.evaluation - -]
distillation MultiVectorDistillationEvaluator
information_retrieval MultiVectorInformationRetrievalEvaluator
nano_beir MultiVectorNanoBEIREvaluator
reranking MultiVectorRerankingEvaluator
triplet MultiVectorTripletEvaluator
[multi_vector_encoder.losses - -]
cached_multiple_negatives_ranking CachedMultiVectorMultipleNegativesRankingLoss
distill_kl_div MultiVectorDistillKLDivLoss
margin_mse MultiVectorMarginMSELoss
multiple_negatives_ranking MultiVectorMultipleNegativesRankingLoss
[multi_vector_encoder.modules - -]
multi_vector_mask MultiVectorMask
token_pooling BaseTokenPooling HierarchicalTokenPooling LambdaTokenPooling
[multi_vector_encoder.scoring - -]
colbert colbert_kd_scores colbert_scores colbert_scores_pairwise mean_colbert_kd_scores
  mean_colbert_scores mean_colbert_scores_pairwise maxsim maxsim_pairwise
xtr XTRKDScores XTRScores xtr_kd_scores xtr_scores xtr_scores_pairwise
[sentence_transformer - -]
deprecated_model_card_templates ModelCardTemplate
fit_mixin FitMixin EvaluatorCallback OriginalCallback SaveModelCallback
model SentenceTransformer
[sentence_transformer - data_collator]
data_collator SentenceTransformerDataCollator
[sentence_transformer - datasets]
datasets *
[sentence_transformer - evaluation]
evaluation *
[sentence_transformer - losses]
losses *
[sentence_transformer - model_card]
model_card SentenceTransformerModelCardCallback SentenceTransformerModelCardData ModelCardCallback
[sentence_transformer - models]
modules *
[sentence_transformer - readers]
readers *
[sentence_transformer - trainer]
trainer SentenceTransformerTrainer
[sentence_transformer - training_args]
training_args *
[sentence_transformer.datasets datasets datasets]
denoising_auto_encoder @DenoisingAutoEncoderDataset
no_duplicates_dataloader @NoDuplicatesDataLoader
parallel_sentences @ParallelSentencesDataset
sentence_label @SentenceLabelDataset
sentences @SentencesDataset
[sentence_transformer.evaluation evaluation evaluation]
binary_classification @BinaryClassificationEvaluator
embedding_similarity @EmbeddingSimilarityEvaluator
information_retrieval @InformationRetrievalEvaluator
label_accuracy @LabelAccuracyEvaluator
mse @MSEEvaluator
mse_from_dataframe @MSEEvaluatorFromDataFrame
nano_beir @NanoBEIREvaluator
paraphrase_mining @ParaphraseMiningEvaluator
reranking @RerankingEvaluator
translation @TranslationEvaluator
triplet @TripletEvaluator
[sentence_transformer.losses losses losses]
adaptive_layer TransformerDecorator ForwardDecorator @AdaptiveLayerLoss
angle @AnglELoss
batch_all_triplet @BatchAllTripletLoss
batch_hard_soft_margin_triplet @BatchHardSoftMarginTripletLoss
batch_hard_triplet BatchHardTripletLossDistanceFunction @BatchHardTripletLoss
batch_semi_hard_triplet @BatchSemiHardTripletLoss
cached_gist_embed @CachedGISTEmbedLoss
cached_multiple_negatives_ranking @CachedMultipleNegativesRankingLoss
cached_multiple_negatives_symmetric_ranking @CachedMultipleNegativesSymmetricRankingLoss
contrastive SiameseDistanceMetric @ContrastiveLoss
contrastive_tension @ContrastiveTensionLoss ContrastiveTensionLossInBatchNegatives
  ContrastiveTensionDataLoader
cosent @CoSENTLoss
cosine_similarity @CosineSimilarityLoss
denoising_auto_encoder @DenoisingAutoEncoderLoss
distill_kl_div @DistillKLDivLoss
embed_distill EmbedDistillLoss
gist_embed @GISTEmbedLoss
global_orthogonal_regularization GlobalOrthogonalRegularizationLoss
margin_mse @MarginMSELoss
matryoshka CachedLossDecorator ForwardDecorator shrink @MatryoshkaLoss
matryoshka_2d @Matryoshka2dLoss
mega_batch_margin @MegaBatchMarginLoss
mse @MSELoss
multiple_negatives_ranking @MultipleNegativesRankingLoss
multiple_negatives_symmetric_ranking @MultipleNegativesSymmetricRankingLoss
online_contrastive @OnlineContrastiveLoss
softmax @SoftmaxLoss
triplet TripletDistanceMetric @TripletLoss
[sentence_transformer.modules models models]
bow @BoW
clip_model @CLIPModel
cnn @CNN
dropout @Dropout
layer_norm @LayerNorm
lstm @LSTM
pooling @Pooling
static_embedding @StaticEmbedding
tokenizer WordTokenizer WhitespaceTokenizer PhraseTokenizer TransformersTokenizerWrapper
  ENGLISH_STOP_WORDS @tokenizer
weighted_layer_pooling @WeightedLayerPooling
word_embeddings @WordEmbeddings
word_weights @WordWeights
[sentence_transformer.modules.tokenizer models.tokenizer models]
phrase @PhraseTokenizer
whitespace @WhitespaceTokenizer
word TransformersTokenizerWrapper @WordTokenizer
[sentence_transformer.readers readers readers]
input_example @InputExample
label_sentence @LabelSentenceReader
nli_data @NLIDataReader
paired_files @PairedFilesReader
sts_data @STSDataReader STSBenchmarkDataReader
triplet @TripletReader
[sparse_encoder sparse_encoder sparse_encoder]
callbacks SpladeRegularizerWeightSchedulerCallback SchedulerType
data_collator SparseEncoderDataCollator
model @SparseEncoder
search_engines semantic_search_qdrant semantic_search_elasticsearch semantic_search_seismic
  semantic_search_opensearch
[sparse_encoder - models]
modules *
[sparse_encoder.callbacks - sparse_encoder]
splade_callbacks SchedulerType SpladeRegularizerWeightSchedulerCallback
[sparse_encoder.evaluation sparse_encoder.evaluation sparse_encoder.evaluation]
reciprocal_rank_fusion @ReciprocalRankFusionEvaluator
sparse_binary_classification @SparseBinaryClassificationEvaluator
sparse_embedding_similarity @SparseEmbeddingSimilarityEvaluator
sparse_information_retrieval @SparseInformationRetrievalEvaluator
sparse_mse @SparseMSEEvaluator
sparse_nano_beir @SparseNanoBEIREvaluator
sparse_reranking @SparseRerankingEvaluator
sparse_translation @SparseTranslationEvaluator
sparse_triplet @SparseTripletEvaluator
[sparse_encoder.losses sparse_encoder.losses sparse_encoder.losses]
cached_splade @CachedSpladeLoss
csr CSRReconstructionLoss normalized_mean_squared_error @CSRLoss
flops @FlopsLoss
sparse_angle @SparseAnglELoss
sparse_cosent @SparseCoSENTLoss
sparse_cosine_similarity @SparseCosineSimilarityLoss
sparse_distill_kl_div @SparseDistillKLDivLoss
sparse_margin_mse @SparseMarginMSELoss
sparse_mse @SparseMSELoss
sparse_multiple_negatives_ranking @SparseMultipleNegativesRankingLoss
sparse_triplet @SparseTripletLoss
splade @SpladeLoss
[sparse_encoder.modules sparse_encoder.models sparse_encoder]
mlm_transformer @MLMTransformer
sparse_auto_encoder TiedTranspose @SparseAutoEncoder
sparse_static_embedding @SparseStaticEmbedding
splade_pooling @SpladePooling
[util evaluation quantization]
quantization semantic_search_faiss semantic_search_usearch quantize_embeddings
[util evaluation util]
dataset resolve_ids
decorators deprecated_kwargs cross_encoder_init_args_decorator
  cross_encoder_predict_rank_args_decorator save_to_hub_args_decorator
  transformer_kwargs_decorator
deprecated_import setup_deprecated_module_imports
distributed get_rank get_world_size all_gather all_gather_with_grad all_gather_padded
  distributed_evaluation
environment is_dist_initialized get_device_name check_package_availability is_accelerate_available
  is_datasets_available is_training_available check_version_requirements
  get_installed_version suggest_extra_on_exception
file_io disabled_tqdm is_sentence_transformer_model load_file_path load_dir_path http_get
hard_negatives mine_hard_negatives
logging LoggingHandler install_logger
misc fullname similarity_fct_name check_teacher_targets import_from_string import_module_class
  disable_datasets_caching disable_logging append_to_last_row
retrieval paraphrase_mining paraphrase_mining_embeddings information_retrieval semantic_search
  community_detection
similarity pytorch_cos_sim cos_sim pairwise_cos_sim dot_score pairwise_dot_score manhattan_sim
  pairwise_manhattan_sim euclidean_sim pairwise_euclidean_sim maxsim maxsim_pairwise mean_maxsim
  mean_maxsim_pairwise pairwise_angle_sim @SimilarityFunction
tensor normalize_embeddings truncate_embeddings select_max_active_dims repad_flattened_features
  stack_padded_token_embeddings cat_padded_token_embeddings batch_to_device to_scipy_coo
  compute_count_vector
[- - -]
[- - -]
peft_mixin peft_wrapper PeftAdapterMixin
[- - -]
fit_mixin FitMixin
[- - -]
SentenceTransformer SentenceTransformer
[- - util]
LoggingHandler LoggingHandler install_logger
[cross_encoder - cross_encoder]
CrossEncoder CrossEncoder
[cross_encoder.losses - cross_encoder.losses]
LambdaLoss NoWeightingScheme NDCGLoss1Scheme NDCGLoss2Scheme LambdaRankScheme NDCGLoss2PPScheme
  LambdaLoss
[sentence_transformer.modules - models]
normalize Normalize
"""


# By the path of a module: the door, and a line of the table with the names.
_FOUND: dict[str, tuple[str, str]] = {}


class OldPath(ModuleType):
    """A module whose names are those of a door, which is imported when one of them is used."""

    __path__: list[str] = []  # noqa: RUF012 — what makes a module a package; never changed

    def __getattr__(self, name: str) -> object:
        door, line = _FOUND[self.__name__]
        names = line.replace("@", "").split()[1:]
        if name == "__all__":
            return _public(door, names)
        # No other name: some code asks all loaded modules for any name, and doors load PyTorch.
        if name not in names and not (names == ["*"] and name[:1].isupper()):
            if (below := sys.modules.get(f"{self.__name__}.{name}")) is not None:
                return below
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(_imported(door), name)


def _imported(door: str) -> ModuleType:
    import importlib

    return importlib.import_module(door)


def _public(door: str, names: list[str]) -> list[str]:
    """What ``import *`` takes from a path."""
    module = _imported(door)
    if names == ["*"]:
        names = [name for name in getattr(module, "__all__", ()) if name[:1].isupper()]
    return [name for name in names if hasattr(module, name)]


class _Finder:
    """Finds paths below those that are packages in the reference alone."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """A specification of a path of the table; None for any other name."""
        del path, target
        return _spec(name) if name in _FOUND else None


class _Loader:
    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        """The path itself."""
        return OldPath(spec.name)

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Nothing: names are looked up when they are used."""


def _spec(path: str) -> ModuleSpec:
    loader: Any = _Loader()
    return ModuleSpec(path, loader, is_package=True)


def install() -> None:
    """Make the paths known to ``import``; each door does so. Takes a millisecond, once."""
    if not _FOUND:
        _read_table()
        for path in _FOUND:
            made = sys.modules.setdefault(path, OldPath(path))
            made.__spec__ = made.__spec__ or _spec(path)
        sys.meta_path.append(_Finder)
    _bind()


def _read_table() -> None:
    prefix = older = door = ""
    for line in _TABLE.replace("\n  ", " ").splitlines():
        if line[:1] == "[":
            words = line[1:-1].replace("-", "").split(" ")
            prefix, older, door = (f"sentune.{word}".rstrip(".") for word in words)
            continue
        first, *others = line.split("@")
        _FOUND[f"{prefix}.{first.partition(' ')[0]}"] = door, line
        for name in others:
            _FOUND[f"{older}.{name.partition(' ')[0]}"] = door, line


def _bind() -> None:
    """Make paths attributes of their doors: ``import`` does so only with what it loads."""
    for path, (_, line) in _FOUND.items():
        parent, _, name = path.rpartition(".")
        door = sys.modules.get(parent)
        # What the door has under that name stays, and so do names of classes and functions.
        free = door is not None and parent not in _FOUND and name not in vars(door)
        if free and name[:1].islower() and name not in line.replace("@", "").split()[1:]:
            setattr(door, name, sys.modules[path])
