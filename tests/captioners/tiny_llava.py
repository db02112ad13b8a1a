"""Randomly initialised multimodal LLMs small enough to make and run in a test."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import skimage.data
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    GenerationConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaNextConfig,
    LlavaNextProcessor,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.modeling_auto import AutoModelForImageTextToText
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil,
)

# The one of llava-hf/llava-1.5-7b-hf, as far as one turn of a user goes.
TEMPLATE = (
    "{% for message in messages %}{{ message['role'].upper() + ': ' }}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>\n' }}{% endfor %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ content['text'] + ' ' }}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
SIDE, PATCH = 24, 8
SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "<image>"]
VOCABULARY = 384
# Of a vocabulary so random a single end would hardly ever be drawn.
ENDS = [2, *range(30, 60)]

_VISION = CLIPVisionConfig(
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=2,
    image_size=SIDE,
    patch_size=PATCH,
)
_TEXT = LlamaConfig(
    vocab_size=VOCABULARY,
    hidden_size=48,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=1024,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=3,
)


def tokenizer() -> Any:
    """Byte-level, with Llama's special tokens, LLaVA's <image>, and <s> before every text."""
    from tokenizers.processors import TemplateProcessing

    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    built.train_from_iterator(["a dog runs on the beach", "a cat looks out of the window"], trainer)
    built.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=built,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        additional_special_tokens=["<image>"],
    )


def model(config: Any, seed: int = 0, ends: list[int] = ENDS) -> Any:
    """Random weights, wide enough that what is said depends on what is seen."""
    torch.manual_seed(seed)
    built = AutoModelForImageTextToText.from_config(config, dtype=torch.float32).eval()
    for name, parameter in built.named_parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=1.5 / parameter[0].numel() ** 0.5)
        elif name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    torch.nn.init.normal_(built.get_input_embeddings().weight)
    # Sampling and penalties, as many a model on the hub recommends: greedy decoding ignores them.
    built.generation_config = GenerationConfig(
        do_sample=True, temperature=0.7, repetition_penalty=1.3, eos_token_id=ends, pad_token_id=3
    )
    return built


def save_llava(folder: Path, seed: int = 0, template: str | None = TEMPLATE) -> Path:
    """LLaVA-1.5 as transformers saves it: weights, configurations, processor, tokenizer."""
    config = LlavaConfig(
        vision_config=_VISION, text_config=_TEXT, image_token_index=SPECIAL.index("<image>")
    )
    model(config, seed).save_pretrained(folder)
    LlavaProcessor(
        CLIPImageProcessorPil(
            size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
        ),
        tokenizer(),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    ).save_pretrained(folder)
    return folder


def save_llava_next(folder: Path) -> Path:
    """LLaVA-NeXT, whose prompts grow with the image, so that batches have to be padded."""
    pinpoints = [[SIDE, 2 * SIDE], [2 * SIDE, SIDE], [2 * SIDE, 2 * SIDE], [3 * SIDE, SIDE]]
    config = LlavaNextConfig(
        vision_config=_VISION,
        text_config=_TEXT,
        image_token_index=SPECIAL.index("<image>"),
        image_grid_pinpoints=pinpoints,
    )
    model(config).save_pretrained(folder)
    LlavaNextProcessor(
        LlavaNextImageProcessorPil(
            size={"shortest_edge": SIDE},
            crop_size={"height": SIDE, "width": SIDE},
            image_grid_pinpoints=pinpoints,
        ),
        tokenizer(),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    return folder


def pictures(count: int) -> list[npt.NDArray[np.uint8]]:
    """Crops of photographs: wide, tall, square, small."""
    sources = [skimage.data.coffee(), skimage.data.chelsea(), skimage.data.astronaut()]
    sizes = [(120, 200), (220, 90), (150, 150), (40, 60), (90, 280)]
    chosen = []
    for index in range(count):
        source, (height, width) = sources[index % 3], sizes[index % 5]
        top = 3 * index
        crop = source[top : top + height, 5 * index : 5 * index + width]
        chosen.append(np.asarray(Image.fromarray(crop).convert("RGB")))
    return chosen
