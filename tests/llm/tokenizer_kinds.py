"""A small tokenizer of every kind that language models come with, control tokens and all."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hub_llama2
from hub_llama2 import ASCII
from tiny_llms import CHATML, byte_tokenizer, metaspace_tokenizer
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from stages.llm import weights

PROSE = ["A man walks his dog on the beach.", "How important is the central frame? score: 5"]


def _byte_level(extra: list[str | AddedToken], **parts: Any) -> Any:
    built = Tokenizer(models.BPE(ignore_merges=parts.pop("ignore_merges", False)))
    built.pre_tokenizer = parts.pop(
        "pre_tokenizer", pre_tokenizers.ByteLevel(add_prefix_space=False)
    )
    built.normalizer = parts.pop("normalizer", None)
    built.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    built.train_from_iterator(PROSE * 3, trainer)
    built.add_tokens([each for each in extra if isinstance(each, AddedToken)])
    built.add_special_tokens([each for each in extra if isinstance(each, str)])
    return PreTrainedTokenizerFast(tokenizer_object=built, chat_template=CHATML, **parts)


def gpt2() -> Any:
    """Unknown, beginning and end are one token."""
    end = "<|endoftext|>"
    names = dict.fromkeys(("unk_token", "bos_token", "eos_token"), end)
    return _byte_level([end, "<|im_start|>", "<|im_end|>"], **names)


def llama3() -> Any:
    """Tiktoken's manner: words that are in the vocabulary are never merged together."""
    words = r"[^\s\p{L}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+"
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    control = ["begin_of_text", "start_header_id", "end_header_id", "eot_id", "im_end"]
    return _byte_level(
        [f"<|{name}|>" for name in control],
        pre_tokenizer=split,
        ignore_merges=True,
        bos_token="<|begin_of_text|>",
        eos_token="<|eot_id|>",
    )


def qwen() -> Any:
    """Control tokens that are not called special."""
    added = ["<tool_call>", "</tool_call>", "<think>", "</think>"]
    return _byte_level(
        [
            "<|endoftext|>",
            "<|im_start|>",
            "<|im_end|>",
            *(AddedToken(each, special=False, normalized=False) for each in added),
        ],
        normalizer=normalizers.NFC(),
        eos_token="<|im_end|>",
    )


def greedy() -> Any:
    """Control tokens that are found in what Unicode holds to be the same, with spaces around."""
    return _byte_level(
        [
            AddedToken("<|im_start|>", special=True, normalized=True),
            AddedToken("<|im_end|>", special=True, normalized=True, lstrip=True, rstrip=True),
            AddedToken("<tool>", special=False, normalized=True, rstrip=True),
            AddedToken("[INST]", special=True, normalized=False, lstrip=True),
            AddedToken("<word>", special=False, normalized=True, single_word=True),
        ],
        normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]),
        eos_token="<|im_end|>",
    )


def llama2() -> Any:
    """As the hub has it: a normalizer writes a space before every part, and bytes spell the rest.

    Its vocabulary holds pieces that merge into its control tokens.
    """
    with TemporaryDirectory() as folder:
        return weights.tokenizer(str(hub_llama2.save(Path(folder), CHATML)))


def llama_metaspace() -> Any:
    """The same vocabulary in the newer manner: a space before the whole text alone."""
    backend = llama2().backend_tokenizer
    backend.normalizer = None
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        chat_template=CHATML,
    )


def unigram() -> Any:
    """Viterbi over pieces among which the control tokens are the likeliest."""
    control = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    pieces = [(piece, 0.0) for piece in control]
    pieces += [(piece, -5.0 - len(piece) / 9) for piece in ["▁", "▁the", "end", *ASCII]]
    built = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=False))
    built.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    built.decoder = decoders.Metaspace()
    return PreTrainedTokenizerFast(
        tokenizer_object=built,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
        chat_template=CHATML,
    )


def wordpiece() -> Any:
    """Whole words first, and a normalizer that drops what is no character."""
    control = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "<|im_start|>", "<|im_end|>"]
    alphabet = [*ASCII.lower(), *(f"##{each}" for each in ASCII.lower())]
    pieces = dict.fromkeys([*control, *alphabet, "the", "##man", "12", "[sep]"])
    vocabulary = {piece: token for token, piece in enumerate(pieces)}
    built = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer(lowercase=True)
    built.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    built.decoder = decoders.WordPiece(cleanup=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=built,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=CHATML,
    )


def extended() -> Any:
    """A vocabulary extended by runs of spaces, letters and words, as Gemma's and DeepSeek's are."""
    writing = ["\n", "\n\n", "   ", "▁▁", "ø", "÷", "dachshund"]
    return _byte_level(
        [
            *(AddedToken(each, special=False, normalized=False) for each in writing),
            "<|im_start|>",
            "<|im_end|>",
            "!",
        ],
        eos_token="<|im_end|>",
        pad_token="!",
    )


def in_python() -> Any:
    """Without a tokenizer.json's backend."""
    return ByT5Tokenizer(chat_template=CHATML)


KINDS: dict[str, Callable[[], Any]] = {
    "bytes": byte_tokenizer,
    "gpt-2": gpt2,
    "llama-3": llama3,
    "qwen": qwen,
    "greedy": greedy,
    "spaces before words": metaspace_tokenizer,
    "llama-2": llama2,
    "llama, metaspace": llama_metaspace,
    "unigram": unigram,
    "wordpiece": wordpiece,
    "extended": extended,
}
