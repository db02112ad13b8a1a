"""The tokenizer's files of a folder laid out as meta-llama/Llama-2-13b-chat-hf on the hub is.

The vocabulary is small; its pieces, ids and rules are of the same kinds and in the same places.
"""

import json
from pathlib import Path
from typing import Any

from tiny_llms import LLAMA2

ASCII = "".join(map(chr, range(33, 127)))
_WORDS = ["▁[/", "▁<<", "SYS", ">>", "INST", "▁The", "▁dog", "▁score", "▁man", "▁A", "he"]
_WORDS += ["▁:", "▁t", "▁f", "▁F", "</s>", "<s>", "<unk>"]


def _model() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges: control tokens, the bytes, pieces that grow a letter at a time."""
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2}
    vocabulary |= {f"<0x{byte:02X}>": 3 + byte for byte in range(256)}
    merges = {("▁", "["): None}
    for word in _WORDS:
        merges |= {(word[:end], word[end]): None for end in range(1, len(word))}
    grown = [left + right for left, right in merges]
    for piece in [*"▁", *ASCII, *grown]:
        vocabulary.setdefault(piece, len(vocabulary))
    return vocabulary, list(merges)


VOCABULARY, MERGES = _model()


def _control(literal: str) -> dict[str, Any]:
    flags = ("single_word", "lstrip", "rstrip", "normalized")
    return {"id": VOCABULARY[literal], "content": literal, **dict.fromkeys(flags, False)}


def _file() -> dict[str, Any]:
    """tokenizer.json: a space is written before every part that lies between control tokens."""
    beginning = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    one, other = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_control(each) | {"special": True} for each in ("<unk>", "<s>", "</s>")],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [beginning, one],
            "pair": [beginning, one, beginning, other],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": VOCABULARY,
            "merges": [f"{left} {right}" for left, right in MERGES],
        },
    }


def _named(literal: str) -> dict[str, Any]:
    flags = ("single_word", "lstrip", "rstrip", "normalized")
    return {"__type": "AddedToken", "content": literal, **dict.fromkeys(flags, False)}


def save(folder: Path, template: str = LLAMA2, **changes: Any) -> Path:
    """Write the files. `changes`: of tokenizer_config.json's keys; None drops one."""
    config = {
        "add_bos_token": True,
        "add_eos_token": False,
        "bos_token": _named("<s>"),
        "chat_template": template,
        "clean_up_tokenization_spaces": False,
        "eos_token": _named("</s>"),
        "legacy": False,
        "model_max_length": 1000000000000000019884624838656,
        "padding_side": "right",
        "sp_model_kwargs": {},
        "tokenizer_class": "LlamaTokenizer",
        "unk_token": _named("<unk>"),
    } | changes
    said = {key: value for key, value in config.items() if value is not None}
    files = {
        "tokenizer.json": _file(),
        "tokenizer_config.json": said | {"pad_token": None},
        "config.json": {"model_type": "llama", "architectures": ["LlamaForCausalLM"]},
        "generation_config.json": {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in files.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    (folder / "model.safetensors").touch()
    return folder
