"""Randomly initialised text models of the real classes, small enough to make in a test."""

from pathlib import Path
from typing import Any

import torch
from tiny_llms import save as save_llm
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerFast,
)

from stages.encoders.settings import Pooling, Sentences

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["a", "dog", "cat", "man", "runs", "sits", "on", "the", "street", "[", "]", "sep"]


def _words(first: str, last: str) -> Any:
    """A tokenizer of words that sets a token before a text and one behind it."""
    vocabulary = {word: number for number, word in enumerate(SPECIAL + WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=16,
    )


def save_bert(folder: Path) -> Path:
    """Laid out as a sentence-transformer is; its pooler is not among the weights, as in many."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(SPECIAL + WORDS), hidden_size=32, intermediate_size=48,
        num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=32,
        initializer_range=0.4,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    _words("[CLS]", "[SEP]").save_pretrained(folder)
    return folder


def save_clip(folder: Path) -> Path:
    """Both halves of a CLIP; a text ends in the token that its state is taken of."""
    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
             "num_attention_heads": 2}  # fmt: skip
    config = CLIPConfig(
        text_config={**small, "vocab_size": len(SPECIAL + WORDS), "max_position_embeddings": 16,
                     "eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 0,
                     "projection_dim": 24},
        vision_config={**small, "image_size": 16, "patch_size": 8},
        projection_dim=24,
    )  # fmt: skip
    CLIPModel(config).save_pretrained(folder)
    _words("[CLS]", "[SEP]").save_pretrained(folder)
    return folder


KINDS: dict[str, tuple[Any, Pooling, int]] = {
    "llm": (save_llm, "mean", 64),
    "bert": (save_bert, "mean", 32),
    "bert, first": (save_bert, "first", 32),
    "clip": (save_clip, "mean", 32),
    "clip, projected": (save_clip, "projected", 24),
}
"""What saves the model, how it pools, and the width of its vectors."""


def settings(folder: Path, pooling: Pooling = "mean", budget: int = 24) -> Sentences:
    return Sentences(
        model=str(folder),
        revision=None,
        dtype="float32",
        pooling=pooling,
        window=1,
        token_budget=budget,
    )
