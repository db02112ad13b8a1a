"""SSPVS beside its formulas, a row at a time in float64."""

import math
from pathlib import Path

import pytest
import torch
from authors import Formulas, inputs_of, peers, shaken
from torch import Tensor

from stages.errors import UserError
from stages.scorers import load_checkpoint
from stages.scorers.peers.settings import SspvsEntry
from stages.scorers.peers.sspvs import Sspvs
from stages.scorers.scorer import Batch


def model(text: int | None = 12) -> Sspvs:
    torch.manual_seed(0)
    built = Sspvs(16, passes=3, layers=2, feedforward=24, text=text)
    shaken(built)
    return built


def slow(model: Sspvs, inputs: dict[str, Tensor]) -> Tensor:
    formulas = Formulas(model)
    w, line, norm = formulas.w, formulas.line, formulas.norm

    def encoded(rows: list[Tensor]) -> list[Tensor]:
        for layer in range(2):
            at = f"transformer_encoder.layers.{layer}"
            into, bias = w[f"{at}.self_attn.in_proj_weight"], w[f"{at}.self_attn.in_proj_bias"]
            asks, keys, values = (
                [p.chunk(3)[n] for p in [into @ x + bias for x in rows]] for n in (0, 1, 2)
            )
            grown = []
            for row, ask in zip(rows, asks, strict=True):
                mixed = []
                for head in range(8):
                    of = slice(2 * head, 2 * head + 2)
                    logits = torch.stack([ask[of] @ key[of] for key in keys]) / math.sqrt(2)
                    shares = logits.exp() / logits.exp().sum()
                    mixed.append(sum(s * v[of] for s, v in zip(shares, values, strict=True)))
                x = norm(f"{at}.norm1", row + line(f"{at}.self_attn.out_proj", torch.cat(mixed)))
                inner = line(f"{at}.linear1", x).clamp(min=0)
                grown.append(norm(f"{at}.norm2", x + line(f"{at}.linear2", inner)))
            rows = grown
        return rows

    x = [x_D.double() for x_D in inputs["pool5"]]
    scores = [torch.ones(1, dtype=torch.float64) for _ in x]
    for number in range(3):
        rows = [w["v_cls.weight"][0], *x]
        placed = []
        for place, row in enumerate(rows):
            angles = [torch.tensor(place / 10000 ** (at / 16)) for at in range(0, 16, 2)]
            table = torch.stack([f(a) for a in angles for f in (torch.sin, torch.cos)])
            placed.append(row + 0.1 * table)
        found = [out + row for out, row in zip(encoded(placed), rows, strict=True)][1:]
        if number == 0 and "sentence" in inputs:
            pooled = line("bert_pooler.dense", inputs["sentence"].double().mean(0)).tanh()
            said = line("project_t_v.2", line("project_t_v.0", pooled).clamp(min=0))
            found = [out + said for out in found]
        of_pass = [1 / (1 + (-line(f"score_predict.{number}.1", out)).exp()) for out in found]
        scores = [s * p for s, p in zip(scores, of_pass, strict=True)]
        x = [row * p + row for row, p in zip(x, of_pass, strict=True)]
    return torch.cat(scores)


@pytest.mark.parametrize("text", [None, 12])
@pytest.mark.parametrize("frames", [1, 2, 9])
def test_scores_are_those_of_the_formulas(text: int | None, frames: int) -> None:
    built = model(text)
    inputs = inputs_of(built, frames)
    assert ("sentence" in inputs) == (text is not None)
    torch.testing.assert_close(
        built.scores(inputs).double(), slow(built, inputs), atol=1e-6, rtol=1e-4
    )


@pytest.mark.parametrize(
    ("text", "passes", "expected"), [(None, 3, 37_792_771), (768, 4, 39_762_436)]
)
def test_it_has_its_authors_parameters(text: int | None, passes: int, expected: int) -> None:
    """Counted in their code, without the BERT that they freeze."""
    with torch.device("meta"):
        built = Sspvs(passes=passes, text=text)
    assert sum(each.numel() for each in built.parameters()) == expected


@pytest.mark.parametrize("text", [None, 12])
def test_its_authors_checkpoints_load_with_positions_and_bert_beside(
    text: int | None, tmp_path: Path
) -> None:
    built = model(text)
    state = {f"video_model.{name}": of for name, of in built.state_dict().items()}
    for lacks in (True, False):
        if not lacks:
            state["video_model.pos_encoder.pe"] = torch.zeros(5000, 1, 16)
            state["video_model.bert_embeddings.word_embeddings.weight"] = torch.zeros(3, 12)
        torch.save({"epoch": 40, "state_dict": state}, tmp_path / "last.ckpt")
        loaded, inputs = load_checkpoint("sspvs", tmp_path / "last.ckpt"), inputs_of(built, 11)
        assert torch.equal(loaded.scores(inputs), built.scores(inputs))


def test_weights_that_read_are_fed_text() -> None:
    built = Sspvs.released(model().state_dict())
    with pytest.raises(UserError, match="read, and there is no input sentence"):
        built.scores({"pool5": torch.zeros(4, 16)})


def test_an_entry_that_names_captions_reads_them() -> None:
    sizes = {"layers": 1, "feedforward": 16, "heads": 2}
    entry = SspvsEntry(title="S", kind="sspvs", inputs=("image",), **sizes)
    assert Sspvs.build(entry, {"states": 8}).architecture["text"] is None
    assert Sspvs.build(entry, {"states": 8, "sentence": 6}).architecture["text"] == 6
    with pytest.raises(UserError, match="width is a multiple of heads 2; found 9"):
        Sspvs.build(entry, {"states": 9})


def test_it_learns_scores_stretched_to_0_and_1() -> None:
    valid_BT = torch.tensor([[True, True, True, False]])
    batch = Batch({}, torch.tensor([[0.2, 0.4, 0.3, 0.9]]), valid_BT)
    exact_BT = torch.tensor([[0.0, 1.0, 0.5, 0.7]])
    torch.testing.assert_close(model().loss(exact_BT, batch), torch.zeros(()), atol=1e-6, rtol=0)


def test_it_is_among_the_peers() -> None:
    assert isinstance(peers()["sspvs"], Sspvs)
