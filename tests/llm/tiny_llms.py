"""Randomly initialised language models small enough to make and run in a test."""

import copy
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)
from transformers.models.auto.modeling_auto import AutoModelForCausalLM

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA2 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{% set loop_messages = messages[1:] %}"
    "{% set system = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}"
    "{% else %}{% set loop_messages = messages %}{% set system = '' %}{% endif %}"
    "{% for message in loop_messages %}{% if message['role'] == 'user' %}"
    "{% if loop.index0 > 0 %}{{ bos_token }}{% endif %}"
    "{{ '[INST] ' + (system if loop.index0 == 0 else '') + message['content'] | trim + ' [/INST]' }}"  # noqa: E501
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] | trim + ' ' + eos_token }}"  # noqa: E501
    "{% endif %}{% endfor %}"
)
NO_SYSTEM = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_SHAPE = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 1024,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
    # Wide enough that attention is far from uniform and answers differ between prompts.
    "initializer_range": 0.3,
}
CONFIGS = {
    "llama, grouped heads": LlamaConfig(num_key_value_heads=2, **_SHAPE),
    "llama, a key head each": LlamaConfig(num_key_value_heads=4, **_SHAPE),
    "llama, biases": LlamaConfig(
        num_key_value_heads=1, attention_bias=True, mlp_bias=True, **_SHAPE
    ),
    "qwen2, biases": Qwen2Config(num_key_value_heads=2, **_SHAPE),
    "mistral": MistralConfig(num_key_value_heads=2, sliding_window=None, **_SHAPE),
    "mistral, window inside the own tokens": MistralConfig(
        num_key_value_heads=2, sliding_window=8, **_SHAPE
    ),
    "mistral, window into the prefix": MistralConfig(
        num_key_value_heads=2, sliding_window=40, **_SHAPE
    ),
}


def causal_lm(config: Any, seed: int = 0) -> Any:
    """A model of random weights, biases and norms included."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(copy.deepcopy(config), dtype=torch.float32).eval()
    for name, parameter in model.named_parameters():
        if name.endswith(("bias", "norm.weight")):
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return model


def byte_tokenizer(template: str | None = CHATML, corpus: tuple[str, ...] = ()) -> Any:
    """A byte-level tokenizer over at most 512 ids, beginning with <unk>, <s> and </s>."""
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<unk>", "<s>", "<|im_end|>", "<|im_start|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="<|im_end|>",
        chat_template=template,
    )


def metaspace_tokenizer(template: str | None = LLAMA2) -> Any:
    """Spaces begin words, and one is written before the first alone."""
    corpus = ["[INST] Frames: A dog runs. [/INST] score: 5 a cat sits How important is it?"] * 3
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False
    )
    alphabet = ["".join(map(chr, range(32, 127)))]
    tokenizer.train_from_iterator(corpus + alphabet, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        chat_template=template,
    )


def save(folder: Path, config: Any = CONFIGS["llama, grouped heads"], **tokenizer: Any) -> Path:
    """A folder as transformers saves it: weights, configuration, tokenizer."""
    causal_lm(config).save_pretrained(folder)
    byte_tokenizer(**tokenizer).save_pretrained(folder)
    return folder
