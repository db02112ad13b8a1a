"""The loss is on the answer's tokens alone, and reaches no weight but the adapter's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from tiny_llms import CONFIGS, causal_lm
from transformers import LlamaConfig

from stages import section
from stages.errors import UserError
from stages.finetuning.pupil import Ids, Pupil, Sample
from stages.finetuning.settings import Finetune
from stages.work import adapters

PARAMS = Path(__file__).parents[2] / "params.yaml"
KINDS = ("llama, grouped heads", "qwen2, biases", "mistral")
SAMPLES = [Sample((5, 9, 14, 22), "ab"), Sample((7, 8), "abc"), Sample((3, 4, 11, 12, 13, 15), "b")]


class Letters:
    """Reads ids as they are, and answers by letters."""

    name = "tiny"

    def __init__(self, model: Any) -> None:
        self.model = model

    def read(self, prompts: Sequence[Ids], /) -> tuple[list[Ids], Mapping[str, torch.Tensor]]:
        return list(prompts), {}

    def answer(self, text: str, /) -> Ids:
        return (*(100 + ord(letter) for letter in text), 2)


def settings(**lora: Any) -> Finetune:
    found: Finetune = section.lookup(Finetune, "datasets", "summe", "finetune", path=PARAMS)
    changed = found.lora.model_copy(update={"dropout": 0.0} | lora)
    return found.model_copy(update={"lora": changed})


def pupil(kind: str = KINDS[0], checkpointing: bool = False, **lora: Any) -> Pupil:
    wanted = settings(**lora).model_copy(update={"checkpointing": checkpointing})
    made = Pupil(Letters(causal_lm(CONFIGS[kind])), wanted)
    made.begin(0)
    # B is zero in a beginner, and then nothing of A could be seen.
    for name, weight in made.weights.items():
        if ".lora_B." in name:
            weight.data.normal_(std=0.1, generator=torch.Generator().manual_seed(len(name)))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_that_of_transformers_on_each_answer_alone(kind: str) -> None:
    made = pupil(kind)
    expected = 0.0
    for sample in SAMPLES:
        answer = Letters.answer(made._reader, sample.answer)  # type: ignore[arg-type]
        ids = torch.tensor([[*sample.prompt, *answer]])
        labels = torch.tensor([[-100] * len(sample.prompt) + list(answer)])
        expected += float(made.model(input_ids=ids, labels=labels).loss.detach()) * len(answer)
    assert made.loss(SAMPLES).item() == pytest.approx(expected, rel=1e-5)
    assert made.tokens(SAMPLES) == 3 + 4 + 2


def gradients(made: Pupil) -> dict[str, torch.Tensor]:
    made.loss(SAMPLES).backward()  # type: ignore[no-untyped-call]
    return {name: of.grad for name, of in made.weights.items() if of.grad is not None}


def test_states_that_are_computed_again_lead_to_the_same_gradients() -> None:
    kept, again = gradients(pupil()), gradients(pupil(checkpointing=True))
    assert kept.keys() == again.keys()
    for name, of in kept.items():
        assert torch.allclose(of, again[name], atol=1e-6), name


@pytest.mark.parametrize("checkpointing", [False, True])
def test_only_the_adapter_of_the_last_layers_learns_and_no_graph_is_kept_below(
    checkpointing: bool,
) -> None:
    made = pupil(checkpointing=checkpointing, layers=1, modules=("q_proj", "v_proj"))
    assert {name.rpartition(".lora_")[0] for name in made.weights} == {
        "model.layers.2.self_attn.q_proj",
        "model.layers.2.self_attn.v_proj",
    }
    seen = []
    for layer in made.model.model.layers:
        layer.register_forward_hook(lambda *it: seen.append(it[-1].requires_grad))
    assert set(gradients(made)) == set(made.weights)
    assert seen[:3] == [False, False, True]
    assert all(of.grad is None for of in made.model.parameters() if not of.requires_grad)


def test_an_adapter_is_in_the_weights_what_peft_computes_beside_them(tmp_path: Path) -> None:
    made = pupil(rank=4, alpha=6)
    weights = {name: of.detach().numpy() for name, of in made.weights.items()}
    content = adapters.packed(4, 6, weights)
    assert content == adapters.packed(4, 6, dict(reversed(weights.items())))
    ids = torch.tensor([[5, 9, 14, 22, 8]])
    made.model.eval()
    merged = adapters.merge("tiny", causal_lm(CONFIGS[KINDS[0]]), content)
    plain = causal_lm(CONFIGS[KINDS[0]])(ids).logits
    assert torch.allclose(merged(ids).logits, made.model(ids).logits, atol=1e-4)
    assert not torch.allclose(merged(ids).logits, plain, atol=0.1)

    # peft knows the file's tensors by their names.
    from safetensors.torch import load

    config = LoraConfig(r=4, lora_alpha=6, target_modules=[*settings().lora.modules])
    theirs = get_peft_model_state_dict(get_peft_model(causal_lm(CONFIGS[KINDS[0]]), config))
    assert {name: of.shape for name, of in theirs.items()} == {
        name: of.shape for name, of in load(content).items()
    }


def test_an_adapter_of_another_model_is_one_message() -> None:
    content = adapters.packed(
        8, 16, {name: of.detach().numpy() for name, of in pupil().weights.items()}
    )
    narrow = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    said = r"narrow: the adapter is of another model, which has a map .*_proj of \(\d+, 64\)"
    with pytest.raises(UserError, match=said):
        adapters.merge("narrow", causal_lm(narrow), content)


@pytest.mark.parametrize(
    ("lora", "said"),
    [
        ({"layers": 4}, "finetune.lora.layers: asks for the last 4, and tiny has 3"),
        ({"modules": ("q_prj",)}, r"lora.modules: the layers of tiny have no q_prj \(they have q_"),
    ],
)
def test_what_a_model_has_not_is_one_message(lora: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        pupil(**lora)


def test_a_beginners_adapter_changes_nothing_and_follows_from_its_seed() -> None:
    made = Pupil(Letters(causal_lm(CONFIGS[KINDS[0]])), settings())
    made.begin(3)
    ids = torch.tensor([[5, 9, 14]])
    assert torch.equal(made.model(ids).logits, causal_lm(CONFIGS[KINDS[0]])(ids).logits)
    first = {name: of.detach().numpy().copy() for name, of in made.weights.items()}
    made.begin(4)
    assert not np.array_equal(first[next(iter(first))], next(iter(made.weights.values())).detach())
    made.begin(3)
    assert all(np.array_equal(first[name], of.detach()) for name, of in made.weights.items())


@pytest.mark.parametrize("name", ["logits_scaling", "logit_scale", "final_logit_softcapping"])
def test_a_model_that_scales_its_logits_is_refused(name: str) -> None:
    model = causal_lm(CONFIGS[KINDS[0]])
    setattr(model.config, name, 8.0)
    with pytest.raises(UserError, match=f"tiny: scales its logits \\({name}\\)"):
        Pupil(Letters(model), settings())
