"""A2Summ beside its formulas, a token at a time in float64."""

import math
from pathlib import Path

import pytest
import torch
from authors import Formulas, inputs_of, peers, released_weights
from torch import Tensor

from stages.errors import UserError
from stages.scorers import load_checkpoint
from stages.scorers.peers.a2summ import A2Summ, Side
from stages.scorers.scorer import Batch

SIDES = ("video", "text")


@pytest.fixture
def model() -> A2Summ:
    built = peers()["a2summ"]
    assert isinstance(built, A2Summ)
    return built


def slow(model: A2Summ, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    formulas = Formulas(model)
    w, line, norm = formulas.w, formulas.line, formulas.norm
    hidden = model.sizes["hidden"]

    given = dict(zip(SIDES, (inputs["pool5"], inputs["sentence"]), strict=True))
    frames = len(given["video"])
    first, tokens = {}, {}
    for side in SIDES:
        first[side] = [line(f"proj_fc_{side}.0", x_D.double()) for x_D in given[side]]
        for place, x_M in enumerate([w[f"cls_token_{side}"][0, 0], *first[side]]):
            x_M = x_M + w[f"pos_embed_{side}"][0, place] + w[f"type_{side}"][0, 0]
            if side == "text":
                x_M = x_M + w["pos_embed_segment"][0, place]
            elif place:
                x_M = x_M + w["pos_embed_segment"][0, place - 1]
            tokens[side, place] = x_M
    for _ in range(model.sizes["layers"]):
        at, part = "multiway_list.0", hidden // 8
        rested = {token: norm(f"{at}.norm1_fused", x_M) for token, x_M in tokens.items()}
        keys, values, asks = (
            {token: line(f"{at}.attn_fusion.{name}", x_M) for token, x_M in rested.items()}
            for name in "kvq"
        )
        grown = {}
        for side, place in tokens:
            seen = [other for other in tokens if other[0] == side]
            seen += [other for other in tokens if place and other[0] != side and other[1] == place]
            mixed = []
            for head in range(8):
                of = slice(part * head, part * (head + 1))
                ask = asks[side, place][of]
                logits = torch.stack([ask @ keys[other][of] for other in seen]) / math.sqrt(part)
                shares = logits.exp() / logits.exp().sum()
                mixed.append(sum(s * values[o][of] for s, o in zip(shares, seen, strict=True)))
            x_M = tokens[side, place] + line(f"{at}.attn_fusion.m", torch.cat(mixed))
            h = line(f"{at}.ffn_{side}.fc1", norm(f"{at}.norm2_{side}", x_M))
            h = h * (1 + torch.erf(h / math.sqrt(2))) / 2
            grown[side, place] = x_M + line(f"{at}.ffn_{side}.fc2", h)
        tokens = grown
    found: dict[str, list[Tensor]] = {"cls": [], "loc": [], "ctr": []}
    for frame in range(frames):
        x_M = norm("norm_video", first["video"][frame] + tokens["video", frame + 1])
        x_M = norm("fc_video.3", line("fc_video.0", x_M).clamp(min=0))
        found["cls"].append(line("fc_video_cls", x_M)[0])
        found["loc"].append(line("fc_video_loc", x_M).exp())
        found["ctr"].append(1 / (1 + (-line("fc_video_ctr", x_M)[0]).exp()))
    return {name: torch.stack(of)[None] for name, of in found.items()}


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_proposals_are_those_of_the_formulas(model: A2Summ, frames: int) -> None:
    inputs = inputs_of(model, frames)
    expected = slow(model, inputs)
    for name, found in model.heads(inputs).items():
        torch.testing.assert_close(found.double(), expected[name], atol=1e-4, rtol=1e-4)


def test_scores_are_what_its_proposals_paint(model: A2Summ) -> None:
    """The best proposals first, each over its frames, unless a better one holds most of them."""
    inputs, frames = inputs_of(model, 30), 30
    cls, loc, ctr = (part[0] for part in model.heads(inputs).values())
    score = [float(logit.sigmoid() * centre) for logit, centre in zip(cls, ctr, strict=True)]
    spans = {}
    for place, (left, right) in enumerate(loc.tolist()):
        ends = [min(max(end, 0), frames) for end in (place - left, place + right + 1)]
        spans[place] = set(range(round(ends[0]), round(ends[1])))
    kept: list[int] = []
    for place in sorted(spans, key=lambda place: -score[place]):
        overlaps = [len(spans[place] & spans[k]) / len(spans[place] | spans[k]) for k in kept]
        if spans[place] and all(overlap < 0.4 for overlap in overlaps):
            kept.append(place)
    expected = [
        max((score[place] for place in kept if frame in spans[place]), default=0.0)
        for frame in range(frames)
    ]
    expected_T = torch.tensor(expected) / (max(score) + 1e-8)
    torch.testing.assert_close(model.scores(inputs), expected_T, atol=1e-6, rtol=0)


def test_it_has_its_authors_parameters() -> None:
    """Counted in their code: 2,515,464, and 3 in that of its contrasts."""
    with torch.device("meta"):
        model = A2Summ()
    assert sum(each.numel() for each in model.parameters()) == 2_515_464 + 3


def test_its_authors_checkpoints_load(model: A2Summ, tmp_path: Path) -> None:
    path = tmp_path / "model_best_split0.pt"
    torch.save(
        {"epoch": 3, "model_state_dict": released_weights(model), "max_val_fscore": -1}, path
    )
    loaded, inputs = load_checkpoint("a2summ", path), inputs_of(model, 20)
    assert torch.equal(loaded.scores(inputs), model.scores(inputs))
    assert loaded.architecture["layers"] == 2


def test_layers_that_differ_are_not_its_authors(model: A2Summ, tmp_path: Path) -> None:
    state = released_weights(model)
    state["multiway_list.1.norm1_fused.bias"] += 1
    torch.save(state, tmp_path / "other")
    with pytest.raises(UserError, match=r"list\.1\.norm1_fused\.bias is not .*one and the same"):
        load_checkpoint("a2summ", tmp_path / "other")


def focal(side: Side, chosen_T: Tensor) -> Tensor:
    """A mean over both classes, of weights 1/4 and 3/4, as its code has it."""
    p_T = side.logits_T.sigmoid()
    both = []
    for share_T, is_it_T in ((1 - p_T, ~chosen_T), (p_T, chosen_T)):
        right_T = torch.where(is_it_T, share_T, 1 - share_T)
        weight_T = torch.where(is_it_T, 0.25, 0.75)
        both.append(-weight_T * (1 - right_T) ** 2 * right_T.log())
    return torch.stack(both).mean(0)


def test_it_learns_from_both_sides_proposals_and_both_contrasts(model: A2Summ) -> None:
    """A batch's loss is of its videos as they are, whatever stands in the padding."""
    lengths = (20, 33)
    valid_BT = torch.arange(33) < torch.tensor(lengths)[:, None]
    chosen_BT = (torch.rand(2, 33) > 0.7) & valid_BT
    inputs = {"states": torch.randn(2, 33, 16), "sentence": torch.randn(2, 33, 12)}
    found = model.learnt(Batch(inputs, torch.rand(2, 33), valid_BT, chosen_BT))
    both = [
        model.sides({name: x_BTD[video, :length] for name, x_BTD in inputs.items()})
        for video, length in enumerate(lengths)
    ]
    chosen = [chosen_BT[video, :length] for video, length in enumerate(lengths)]
    expected = torch.zeros(())
    for side in (0, 1):
        pairs = [(one[side], of_T) for one, of_T in zip(both, chosen, strict=True)]
        expected = expected + torch.cat([focal(*pair) for pair in pairs]).mean()
        expected = expected + sum(one.loss(of_T)[1] for one, of_T in pairs) / 2
    cls = [torch.stack([one[side].cls_M for one in both]) for side in (0, 1)]
    expected = expected + 0.1 * model.contrast.between(*cls)
    for (seen, read), of_T in zip(both, chosen, strict=True):
        sides = [(side.seen_TM, side.logits_T) for side in (seen, read)]
        expected = expected + 3.0 * model.contrast.within(*sides, of_T) / 2
    torch.testing.assert_close(found, expected)


def test_a_video_longer_than_its_positions_is_refused(model: A2Summ) -> None:
    with pytest.raises(UserError, match="positions for 4999 frames, and a video has 5000"):
        model.sides({"states": torch.zeros(5000, 16), "sentence": torch.zeros(5000, 12)})


def test_captions_are_asked_for_by_name(model: A2Summ) -> None:
    for inputs in ({"pool5": torch.zeros(3, 4)}, {"sentence": torch.zeros(3, 4)}):
        with pytest.raises(UserError, match=f"is fed sentence and .*; found {next(iter(inputs))}"):
            model.prepare(inputs)
