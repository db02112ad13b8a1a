import torch

from stages.training.batches import Video, padded


def test_videos_are_padded_to_the_longest_and_marked() -> None:
    videos = [
        Video(str(n), {"x": torch.full((n, 2), float(n))}, torch.full((n,), 0.5)) for n in (1, 3)
    ]
    batch = padded(videos)
    assert batch.valid_BT.tolist() == [[True, False, False], [True, True, True]]
    assert batch.gtscore_BT.tolist() == [[0.5, 0, 0], [0.5, 0.5, 0.5]]
    assert batch.inputs["x"].tolist() == [[[1, 1], [0, 0], [0, 0]], [[3, 3], [3, 3], [3, 3]]]
