"""A multimodal LLM to measure with where no real one is."""

from pathlib import Path

from stages.work import architecture


def save(folder: Path) -> Path:
    """A LLaVA of random weights with SmolLM2's language model and a small vision tower of LLaVA's
    576 patches, for machines without a real one: the shape of the work, not its words.

    Raises UserError where SmolLM2's tokenizer cannot be had.
    """
    from transformers import CLIPVisionConfig, LlavaConfig, LlavaProcessor
    from transformers.models.auto.modeling_auto import AutoModelForImageTextToText
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.utils import logging

    from stages.llm import smollm2, weights

    logging.disable_progress_bar()
    tokenizer = weights.tokenizer(smollm2.NAME)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    text = architecture.configuration(smollm2.NAME, None, weights.KIND, weights.fetch(smollm2.NAME))
    text.vocab_size = len(tokenizer)
    vision = CLIPVisionConfig(
        hidden_size=384,
        intermediate_size=1536,
        num_hidden_layers=6,
        num_attention_heads=6,
        image_size=336,
        patch_size=14,
    )
    image = tokenizer.convert_tokens_to_ids("<image>")
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=image)
    model = AutoModelForImageTextToText.from_config(config)
    model.save_pretrained(folder)
    size = {"height": 336, "width": 336}
    LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size=size),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template="{% for m in messages %}USER: {% for c in m['content'] %}"
        "{% if c['type'] == 'image' %}<image>\n{% else %}{{ c['text'] }} {% endif %}{% endfor %}"
        "{% endfor %}ASSISTANT:",
    ).save_pretrained(folder)
    return folder
