import pytest
import torch

from stages.scorers.global_attention import GlobalAttention
from stages.scorers.mlp import Mlp
from stages.scorers.scorer import Scorer
from stages.training.batches import Video
from stages.training.standardisation import Standardisation


def videos() -> list[Video]:
    """Two videos whose last dimension never varies."""
    torch.manual_seed(0)
    scale_D, origin_D = torch.tensor([3.0, 1.0, 50.0, 0.0]), torch.tensor([7.0, -2.0, 400.0, 5.0])
    return [
        Video(str(n), {"states": torch.randn(n, 4) * scale_D + origin_D}, torch.zeros(n))
        for n in (6, 9)
    ]


def test_the_videos_frames_together_get_mean_0_and_deviation_1() -> None:
    standardisation = Standardisation.of(videos())
    x_TD = torch.cat([standardisation.apply(video).inputs["states"] for video in videos()]).double()
    for dimension in range(3):
        values = x_TD[:, dimension].tolist()
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        assert mean == pytest.approx(0, abs=1e-5)
        assert variance == pytest.approx(1, rel=1e-5)
    assert (x_TD[:, 3] == 0).all()


def test_what_hardly_varied_in_training_is_not_blown_up() -> None:
    moved = Video("c", {"states": torch.tensor([[7.0, -2.0, 400.0, 6.0]])}, torch.zeros(1))
    assert Standardisation.of(videos()).apply(moved).inputs["states"].abs().max() < 100


@pytest.mark.parametrize("model", [GlobalAttention(4, 32, 1, 2, 16), Mlp(4, 32)])
@torch.inference_mode()
def test_folded_weights_score_raw_embeddings_alike(model: Scorer) -> None:
    standardisation = Standardisation.of(videos())
    expected = [model.scores(standardisation.apply(video).inputs) for video in videos()]
    standardisation.fold(model)
    for video, scores_T in zip(videos(), expected, strict=True):
        torch.testing.assert_close(model.scores(video.inputs), scores_T, atol=1e-5, rtol=0)


def test_each_input_has_a_scale_of_its_own() -> None:
    inputs = {"near": torch.randn(50, 3), "far": torch.randn(50, 2) * 40 + 7}
    video = Video("d", inputs, torch.zeros(50))
    standardisation = Standardisation.of([video])
    for name, x_TD in standardisation.apply(video).inputs.items():
        assert x_TD.shape == inputs[name].shape
        torch.testing.assert_close(x_TD.mean(0), torch.zeros(x_TD.shape[1]), atol=1e-5, rtol=0)
        deviation_D = x_TD.std(0, correction=0)
        torch.testing.assert_close(deviation_D, torch.ones(x_TD.shape[1]), atol=1e-5, rtol=0)


def test_inputs_that_are_mostly_constant_are_brought_to_the_scale_of_the_rest() -> None:
    x_TD = torch.zeros(20, 5)
    x_TD[:, 0], x_TD[:, 4] = 8 * torch.randn(20), 3.0
    standardisation = Standardisation.of([Video("a", {"states": x_TD}, torch.zeros(20))])
    deviation_D, varying = standardisation.deviations["states"], x_TD[:, 0].double()
    torch.testing.assert_close(deviation_D, varying.std(correction=0).expand(5))
    moved = Video("b", {"states": torch.ones(1, 5)}, torch.zeros(1))
    assert standardisation.apply(moved).inputs["states"].isfinite().all()
    flat = Standardisation.of([Video("a", {"states": torch.ones(20, 5)}, torch.zeros(20))])
    assert (flat.deviations["states"] == 1).all()
