"""SumMe and TVSum from archives laid out as theirs, to videos and annotations."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import published_archives as fake
import pytest

from stages.artifacts import field as annotations
from stages.errors import UserError
from stages.media import sampling
from stages.media.settings import Sample, Segmentation
from stages.sources import published, tvsum
from stages.sources.published import make_summe, make_tvsum
from stages.sources.settings import SumMeDownload, TVSumDownload

NOWHERE = "http://127.0.0.1:9/none.zip"
SAMPLE = Sample(
    every=15,
    tolerance=1,
    short_side=48,
    jpeg_quality=90,
    segmentation=Segmentation(penalty=1.0, max_shots=None),
)


def summe(source: Path, h5: Path | None = None) -> SumMeDownload:
    return SumMeDownload(kind="summe", source=str(source), url=NOWHERE, h5=h5 and str(h5))


def of_tvsum(source: Path) -> TVSumDownload:
    return TVSumDownload(
        kind="tvsum",
        source=str(source),
        url=NOWHERE,
        annotations_url=NOWHERE,
        annotations_sha256=None,
        h5=None,
    )


@pytest.fixture(scope="module")
def summe_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake.summe(tmp_path_factory.mktemp("summe"))


@pytest.fixture(scope="module")
def tvsum_tgz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake.tvsum(tmp_path_factory.mktemp("tvsum"))


def encode(images: object) -> np.ndarray:
    return np.array([np.mean(image, axis=(0, 1)) for image in images])  # type: ignore[attr-defined]


def test_summe_from_its_archive(summe_zip: Path, tmp_path: Path) -> None:
    make_summe("summe", summe(summe_zip), tmp_path / "out", tmp_path / "work")
    made = annotations.read(tmp_path / "out/annotations.h5")
    assert not made.simulated
    # video_N: names in ASCII order, capitals first.
    names = [video.video_name for video in made.videos]
    assert names == ["Air_Force", "Bike Polo", "Jumps", "Scuba", "cooking"]
    assert [video.name for video in made.videos] == [f"video_{n}" for n in range(1, 6)]
    files = sorted(path.name for path in (tmp_path / "out/videos").iterdir())
    # Of cooking's two files the one with the annotated number of frames.
    assert files == ["Air_Force.mp4", "Bike Polo.mp4", "Jumps.mp4", "Scuba.mp4", "cooking.webm"]
    for video in made.videos:
        assert video.n_frames == fake.SUMME[video.video_name]
        assert set(np.unique(video.user_summary_UN)) == {0, 1}
        expected_T = video.user_summary_UN.mean(axis=0)[::15]
        np.testing.assert_allclose(video.gtscore_T, expected_T, rtol=1e-6)
        path = sampling.find(tmp_path / "out/videos", video.video_name)
        strict = SAMPLE.model_copy(update={"tolerance": 0})
        assert sampling.sample(path, video, strict, encode).n_frames == video.n_frames
    assert not list((tmp_path / "work").iterdir())


def test_a_folder_at_hand_is_read_and_left_as_it_is(summe_zip: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in summe_zip.parent.rglob("*"))
    make_summe("summe", summe(summe_zip.parent / "SumMe"), tmp_path / "out", tmp_path / "work")
    assert len(annotations.read(tmp_path / "out/annotations.h5").videos) == 5
    assert sorted(path.name for path in summe_zip.parent.rglob("*")) == before


def test_tvsum_from_an_archive_of_archives(tvsum_tgz: Path, tmp_path: Path) -> None:
    at_hand = tmp_path / "at hand"
    at_hand.mkdir()
    (at_hand / "videos").mkdir()
    for clip in tvsum_tgz.parent.glob("*.mp4"):
        shutil.copy(clip, at_hand / "videos")
    fake.mat(at_hand / "ydata-tvsum50.mat")
    make_tvsum("tvsum", of_tvsum(at_hand), tmp_path / "out", tmp_path / "work")
    made = annotations.read(tmp_path / "out/annotations.h5")
    assert [video.video_name for video in made.videos] == list(fake.TVSUM)
    for video in made.videos:
        mean_T = video.user_scores_UN.mean(axis=0)[::15]
        np.testing.assert_allclose(video.gtscore_T, (mean_T - 1) / 4, atol=1e-6)
        assert video.change_points_S2 is None


def test_a_frame_more_than_annotated_is_within_the_tolerance(
    tvsum_tgz: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake.mat(tvsum_tgz.parent / "ydata-tvsum50.mat")
    make_tvsum("tvsum", of_tvsum(tvsum_tgz.parent), tmp_path / "out", tmp_path / "work")
    longer = annotations.read(tmp_path / "out/annotations.h5").videos[1]
    path = sampling.find(tmp_path / "out/videos", longer.video_name)
    with caplog.at_level("INFO", "llmvs"):
        found = sampling.sample(path, longer, SAMPLE, encode)
    assert "81 frames decoded, 80 annotated" in caplog.text
    assert found.n_frames == 80
    # Frame 80 is left out; it would not have been a pick. Were it one, picks stay those annotated.
    np.testing.assert_array_equal(found.picks_T, longer.picks_T)
    assert found.change_points_S2[-1, 1] == 79
    with pytest.raises(UserError, match=r"decodes to 81 frames, but .* 80"):
        sampling.sample(path, longer, SAMPLE.model_copy(update={"tolerance": 0}), encode)


def test_the_fields_h5_is_used_as_it_is(summe_zip: Path, tmp_path: Path) -> None:
    make_summe("summe", summe(summe_zip), tmp_path / "plain", tmp_path / "work")
    field = tmp_path / "eccv16_dataset_summe_google_pool5.h5"
    with (
        h5py.File(tmp_path / "plain/annotations.h5") as own,
        h5py.File(field, "w") as file,
    ):
        for name in own:
            n_frames = int(own[f"{name}/n_frames"][()])
            group = file.create_group(name)
            group["n_frames"] = n_frames
            group["picks"] = np.arange(0, n_frames, 15)
            group["gtscore"] = np.linspace(0, 1, len(group["picks"]))
            group["change_points"] = np.array([[0, 29], [30, n_frames - 1]])
            group["user_summary"] = np.ones((3, n_frames), np.float32)
    make_summe("summe", summe(summe_zip, field), tmp_path / "out", tmp_path / "work")
    for video in annotations.read(tmp_path / "out/annotations.h5").videos:
        assert video.user_summary_UN.shape == (3, video.n_frames)
        assert video.gtscore_T[-1] == 1
        np.testing.assert_array_equal(video.change_points_S2[0], [0, 29])
        assert video.video_name in fake.SUMME
    with h5py.File(field, "a") as file:
        file["video_2/n_frames"][()] = 94
        del file["video_2/user_summary"]
        file["video_2/user_summary"] = np.ones((3, 94), np.float32)
        file["video_2/change_points"][1, 1] = 93
    with pytest.raises(UserError, match=r"video_2 has 94 frames, .* Bike Polo 95"):
        make_summe("summe", summe(summe_zip, field), tmp_path / "out", tmp_path / "work")


def test_what_is_missing_is_named(summe_zip: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"download\.source: .*none does not exist"):
        make_summe("summe", summe(tmp_path / "none"), tmp_path / "out", tmp_path / "work")
    copy = tmp_path / "SumMe"
    shutil.copytree(summe_zip.parent / "SumMe", copy)
    (copy / "videos/Jumps.mp4").unlink()
    with pytest.raises(UserError, match=r"no video file for Jumps \(1 of 5 missing\)"):
        make_summe("summe", summe(copy), tmp_path / "out", tmp_path / "work")
    shutil.copy(copy / "videos/Scuba.mp4", copy / "videos/Jumps.mp4")
    (copy / "videos/cooking.webm").unlink()
    shutil.copy(copy / "videos/cooking.mp4", copy / "videos/cooking.webm")
    with pytest.raises(UserError, match=r"annotated for 70 frames; decoded: .*mp4 64, .*webm 64"):
        make_summe("summe", summe(copy), tmp_path / "out", tmp_path / "work")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="neither a folder nor an archive"):
        make_summe("summe", summe(tmp_path / "notes.txt"), tmp_path / "out", tmp_path / "work")


def test_a_tsv_is_put_into_the_order_of_the_mat() -> None:
    import json
    from importlib import resources

    text = (resources.files("stages.sources") / "tvsum_order.json").read_text()
    ids = json.loads(text)["ids"]
    assert len(set(ids)) == 50
    judged = [tvsum.Judged(one, "VT", "", np.ones((2, 3), np.float32)) for one in sorted(ids)]
    assert [video.youtube_id for video in tvsum.in_field_order(judged)] == ids
    with pytest.raises(UserError, match="49 of them"):
        tvsum.in_field_order(judged[1:])


REAL = Path(__file__).parents[2] / "shared" / "data"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real annotations are not at hand")
def test_real_annotations_become_the_fields_schema(tmp_path: Path) -> None:
    from stages.sources import summe as real_summe

    videos = [
        published.of_tvsum(number, video)
        for number, video in enumerate(tvsum.read_mat(REAL / "tvsum/ydata-tvsum50.mat"), 1)
    ]
    annotations.write(tmp_path / "t.h5", annotations.Annotations("tvsum", False, tuple(videos)))
    assert len(annotations.read(tmp_path / "t.h5").videos) == 50
    judged = [
        published.of_summe(number, video)
        for number, video in enumerate(real_summe.read_folder(REAL / "summe"), 1)
    ]
    annotations.write(tmp_path / "s.h5", annotations.Annotations("summe", False, tuple(judged)))
    assert annotations.read(tmp_path / "s.h5").videos[1].video_name == "Base jumping"
