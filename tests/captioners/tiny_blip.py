"""A randomly initialised BLIP of the real classes, small enough to make and run in a test."""

from pathlib import Path

import torch
from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipProcessor
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

SIDE = 24
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"]
WORDS = [
    "a",
    "the",
    "man",
    "dog",
    "cat",
    "street",
    "river",
    "boat",
    "plane",
    "red",
    "blue",
    "white",
]
WORDS += ["stands", "sits", "runs", "flies", "on", "in", "over", "next", "to", "of", "with", "and"]
WORDS += ["two", "people", "group", "background", "large", "small", "mountain", "woman"]


def save_blip(folder: Path, seed: int = 0) -> Path:
    """Weights and processor laid out as Salesforce/blip-image-captioning-base."""
    folder.mkdir(parents=True, exist_ok=True)
    words = SPECIAL + WORDS
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = BertTokenizer(str(vocabulary), bos_token="[DEC]")
    layers = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2}
    config = BlipConfig(
        text_config={
            **layers,
            "num_hidden_layers": 2,
            "vocab_size": len(words),
            "encoder_hidden_size": 32,
            "max_position_embeddings": 64,
            "bos_token_id": words.index("[DEC]"),
            "eos_token_id": words.index("[SEP]"),
            "sep_token_id": words.index("[SEP]"),
            "pad_token_id": 0,
        },
        vision_config={**layers, "num_hidden_layers": 2, "image_size": SIDE, "patch_size": 8},
        projection_dim=16,
    )
    torch.manual_seed(seed)
    model = BlipForConditionalGeneration(config)
    for name, weight in model.named_parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.6 if "word_embeddings" in name else 0.25)
    model.save_pretrained(folder)
    images = BlipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    BlipProcessor(images, tokenizer).save_pretrained(folder)
    return folder
