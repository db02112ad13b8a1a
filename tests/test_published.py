"""SumMe and TVSum from archives laid out as theirs, to videos and annotations."""

import shutil
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import h5py
import numpy as np
import published_archives as fake
import pytest
from ranged_server import serving

from stages.artifacts import field, people, timeline
from stages.artifacts.field import Annotated
from stages.errors import UserError
from stages.media import sampling
from stages.media.settings import PenaltySegmentation, Sample
from stages.sources import shots, tvsum
from stages.sources.published import at_hand, make_summe, make_tvsum
from stages.sources.settings import SumMeDownload, TVSumDownload

NOWHERE = "http://127.0.0.1:9/none.zip"
SAMPLE = Sample(
    tolerance=1,
    short_side=48,
    jpeg_quality=90,
    segmentation=PenaltySegmentation(rule="penalty", penalty=1.0, max_shots=None),
)


def read(folder: Path) -> Annotated:
    known = timeline.read(folder / "timeline.h5")
    return Annotated(known, people.read(folder / "people.h5", known))


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
    known, said = read(tmp_path / "out")
    assert not said.simulated
    # video_N: names in ASCII order, capitals first.
    titles = [video.title for video in known.videos]
    assert titles == ["Air_Force", "Bike Race", "Leaps", "Snorkel", "cooking"]
    assert list(known.names) == [f"video_{n}" for n in range(1, 6)]
    files = sorted(path.name for path in (tmp_path / "out/videos").iterdir())
    # Of cooking's two files the one with the annotated number of frames.
    assert files == ["Air_Force.mp4", "Bike Race.mp4", "Leaps.mp4", "Snorkel.mp4", "cooking.webm"]
    for video, judged in zip(known.videos, said.videos, strict=True):
        assert (video.n_frames, video.fps) == (fake.SUMME[video.title], fake.FPS)
        assert set(np.unique(judged.user_summary_UN)) == {0, 1}
        expected_T = judged.user_summary_UN.mean(axis=0)[::15]
        np.testing.assert_allclose(judged.gtscore_T, expected_T, rtol=1e-6)
        path = sampling.find(tmp_path / "out/videos", video.title)
        strict = SAMPLE.model_copy(update={"tolerance": 0})
        assert (
            sampling.take(path, video, strict, encode).completed(video, strict).shots_from == "kts"
        )
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.parametrize("source", ["SumMe", "SumMe/GT", "SumMe.zip"])
def test_people_of_summe_are_had_without_its_videos(
    summe_zip: Path, tmp_path: Path, source: str
) -> None:
    make_summe("summe", summe(summe_zip), tmp_path / "with", tmp_path / "work")
    at_hand = summe(summe_zip.parent / source)
    make_summe("summe", at_hand, tmp_path / "out", tmp_path / "work", videos=False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "people.h5",
        "timeline.h5",
    ]
    for name in ("people.h5", "timeline.h5"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "with" / name).read_bytes()


def test_a_folder_at_hand_is_read_and_left_as_it_is(summe_zip: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in summe_zip.parent.rglob("*"))
    make_summe("summe", summe(summe_zip.parent / "SumMe"), tmp_path / "out", tmp_path / "work")
    assert len(read(tmp_path / "out").timeline.videos) == 5
    assert sorted(path.name for path in summe_zip.parent.rglob("*")) == before


def test_tvsum_from_an_archive_of_archives(tvsum_tgz: Path, tmp_path: Path) -> None:
    at_hand = tmp_path / "at hand"
    at_hand.mkdir()
    (at_hand / "videos").mkdir()
    for clip in tvsum_tgz.parent.glob("*.mp4"):
        shutil.copy(clip, at_hand / "videos")
    fake.mat(at_hand / "ydata-tvsum50.mat")
    make_tvsum("tvsum", of_tvsum(at_hand), tmp_path / "out", tmp_path / "work")
    known, said = read(tmp_path / "out")
    assert [video.title for video in known.videos] == list(fake.TVSUM)
    for video, judged in zip(known.videos, said.videos, strict=True):
        assert video.fps == pytest.approx(fake.FPS)
        mean_T = judged.user_scores_UN.mean(axis=0)[::15]
        np.testing.assert_allclose(judged.gtscore_T, (mean_T - 1) / 4, atol=1e-6)
        assert video.shots_S2 is None


def test_files_are_taken_however_they_are_named_and_placed_by_title(
    summe_zip: Path, tmp_path: Path
) -> None:
    """Spaces as underscores, capitals, another container, letters as macOS writes them."""
    copy = tmp_path / "SumMe"
    shutil.copytree(summe_zip.parent / "SumMe", copy)
    videos = copy / "videos"
    (copy / "GT/Leaps.mat").rename(copy / "GT/Léaps.mat")
    decomposed = unicodedata.normalize("NFD", "Léaps")
    for old, new in (
        ("Bike Race.mp4", "Bike_Race.MP4"),
        ("Leaps.mp4", f"{decomposed}.mp4"),
        ("Snorkel.mp4", "snorkel.m4v"),
        ("cooking.mp4", "Cooking.mp4"),
    ):
        (videos / old).rename(videos / new)
    for name in (".Air_Force.mp4", "Air_Force.mp4.part"):
        (videos / name).write_bytes(b"half")
    (videos / ".cache").mkdir()
    (videos / ".cache/Air_Force.mp4").write_bytes(b"half")
    make_summe("summe", summe(copy), tmp_path / "out", tmp_path / "work")
    placed = {path.name for path in (tmp_path / "out/videos").iterdir()}
    assert placed == {
        "Air_Force.mp4",
        "Bike Race.mp4",
        "Léaps.mp4",
        "Snorkel.m4v",
        "cooking.webm",
    }
    for video in read(tmp_path / "out").timeline.videos:
        path = sampling.find(tmp_path / "out/videos", video.title)
        assert len(sampling.take(path, video, SAMPLE, encode).jpegs) == len(video.picks_T)


def test_of_a_title_spelt_in_two_ways_the_file_of_the_annotated_frames_is_taken(
    summe_zip: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "SumMe"
    shutil.copytree(summe_zip.parent / "SumMe", copy)
    videos = copy / "videos"
    shutil.copy(videos / "Bike Race.mp4", videos / "Bike_Race.mp4")
    shutil.copy(videos / "Leaps.mp4", videos / "Bike Race.mp4")
    make_summe("summe", summe(copy), tmp_path / "out", tmp_path / "work")
    placed = tmp_path / "out/videos/Bike Race.mp4"
    assert placed.read_bytes() == (videos / "Bike_Race.mp4").read_bytes()


def test_archives_that_were_unpacked_by_hand_may_stay_where_they_are(
    tvsum_tgz: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "unpacked"
    with tarfile.open(tvsum_tgz) as archive:
        archive.extractall(folder, filter="data")
    fake.mat(folder / "ydata-tvsum50.mat")
    packed = [*folder.rglob("*.zip")]
    assert packed
    with pytest.raises(UserError, match="is still packed"):
        make_tvsum("tvsum", of_tvsum(folder), tmp_path / "out", tmp_path / "work")
    for each in packed:
        with zipfile.ZipFile(each) as inner:
            inner.extractall(each.parent)
    make_tvsum("tvsum", of_tvsum(folder), tmp_path / "out", tmp_path / "work")
    assert len([*(tmp_path / "out" / "videos").iterdir()]) == len(fake.TVSUM)


def test_a_source_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path) -> None:
    for source, said in (
        (tmp_path / "typo.tgz", "does not exist"),
        (tmp_path / "a.mat", "neither"),
    ):
        (tmp_path / "a.mat").write_bytes(b"")
        with pytest.raises(UserError, match=said):
            at_hand("tvsum", of_tvsum(source), tmp_path / "work", videos=True)


def test_people_of_tvsum_are_had_from_the_mat_alone(tmp_path: Path) -> None:
    fake.mat(tmp_path / "ydata-tvsum50.mat")
    files = {"/ydata-tvsum50.mat": (tmp_path / "ydata-tvsum50.mat").read_bytes()}
    with serving(files) as server:
        settings = of_tvsum(tmp_path).model_copy(
            update={"source": None, "annotations_url": server.url("/ydata-tvsum50.mat")}
        )
        make_tvsum("tvsum", settings, tmp_path / "out", tmp_path / "work", videos=False)
        assert [path for path, _, _ in server.sent] == ["/ydata-tvsum50.mat"]
    assert len(read(tmp_path / "out").people.videos) == 5
    assert not (tmp_path / "out/videos").exists()


def test_the_mat_will_do_as_the_source_where_no_videos_are_wanted(tmp_path: Path) -> None:
    settings = of_tvsum(tmp_path / "ydata-tvsum50.mat")
    with pytest.raises(UserError, match=r"ydata-tvsum50\.mat does not exist"):
        make_tvsum("tvsum", settings, tmp_path / "out", tmp_path / "work", videos=False)
    fake.mat(tmp_path / "ydata-tvsum50.mat")
    make_tvsum("tvsum", settings, tmp_path / "out", tmp_path / "work", videos=False)
    assert len(read(tmp_path / "out").people.videos) == 5
    beforehand = at_hand("tvsum", settings, tmp_path / "work", videos=False)
    assert beforehand is not None
    assert len(beforehand.people.videos) == 5
    with pytest.raises(UserError, match="neither a folder nor an archive"):
        make_tvsum("tvsum", settings, tmp_path / "out", tmp_path / "work", videos=True)


def test_a_frame_more_than_annotated_is_within_the_tolerance(
    tvsum_tgz: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake.mat(tvsum_tgz.parent / "ydata-tvsum50.mat")
    make_tvsum("tvsum", of_tvsum(tvsum_tgz.parent), tmp_path / "out", tmp_path / "work")
    longer = read(tmp_path / "out").timeline.videos[1]
    path = sampling.find(tmp_path / "out/videos", longer.title)
    with caplog.at_level("INFO", "llmvs"):
        found = sampling.take(path, longer, SAMPLE, encode).completed(longer, SAMPLE)
    assert "81 frames decoded, 80 annotated" in caplog.text
    assert found.n_frames == 80
    # Frame 80 is left out; it would not have been a pick. Were it one, picks stay those annotated.
    np.testing.assert_array_equal(found.picks_T, longer.picks_T)
    assert found.known_shots()[-1, 1] == 79
    strict = SAMPLE.model_copy(update={"tolerance": 0})
    with pytest.raises(UserError, match=r"decodes to 81 frames, but .* 80"):
        sampling.take(path, longer, strict, encode).completed(longer, strict)


@pytest.fixture
def field_h5(summe_zip: Path, tmp_path: Path) -> Path:
    """The field's file of the same videos: two shots each, everything in three summaries."""
    make_summe("summe", summe(summe_zip), tmp_path / "plain", tmp_path / "work", videos=False)
    path = tmp_path / "eccv16_dataset_summe_google_pool5.h5"
    with h5py.File(path, "w") as file:
        for video in read(tmp_path / "plain").timeline.videos:
            in_field(file, video.name, video.n_frames)
    return path


def in_field(file: h5py.File, name: str, n_frames: int) -> None:
    group = file.create_group(name)
    group["n_frames"] = n_frames
    group["picks"] = np.arange(0, n_frames, 10)
    group["gtscore"] = np.linspace(0, 1, len(group["picks"]))
    group["change_points"] = np.array([[0, 29], [30, n_frames - 1]])
    group["user_summary"] = np.ones((3, n_frames), np.float32)


def test_the_fields_h5_is_used_as_it_is(summe_zip: Path, field_h5: Path, tmp_path: Path) -> None:
    make_summe("summe", summe(summe_zip, field_h5), tmp_path / "out", tmp_path / "work")
    known, said = read(tmp_path / "out")
    for video, judged in zip(known.videos, said.videos, strict=True):
        assert judged.user_summary_UN.shape == (3, video.n_frames)
        assert judged.gtscore_T[-1] == 1
        np.testing.assert_array_equal(video.known_shots()[0], [0, 29])
        np.testing.assert_array_equal(video.times_T, np.arange(0, video.n_frames, 10) / fake.FPS)
        assert (video.shots_from, video.title in fake.SUMME) == ("annotations", True)
    with h5py.File(field_h5, "a") as file:
        file["video_2/n_frames"][()] = 94
        del file["video_2/user_summary"]
        file["video_2/user_summary"] = np.ones((3, 94), np.float32)
        file["video_2/change_points"][1, 1] = 93
    with pytest.raises(UserError, match=r"video_2 has 94 frames, .* Bike Race 95"):
        make_summe("summe", summe(summe_zip, field_h5), tmp_path / "out", tmp_path / "work")


def test_with_the_fields_h5_and_no_videos_nothing_is_fetched(
    field_h5: Path, tmp_path: Path
) -> None:
    settings = SumMeDownload(kind="summe", source=None, url=NOWHERE, h5=str(field_h5))
    make_summe("mine", settings, tmp_path / "out", tmp_path / "work", videos=False)
    known, said = read(tmp_path / "out")
    assert (known.dataset, said.dataset, len(known.videos)) == ("mine", "mine", 5)
    assert all(video.shots_from == "annotations" for video in known.videos)


def name_videos(h5: Path, titles: dict[str, str | bytes]) -> None:
    with h5py.File(h5, "a") as file:
        for name, title in titles.items():
            file[name]["video_name"] = title


def test_an_h5_may_spell_names_as_files_of_the_field_do(
    summe_zip: Path, field_h5: Path, tmp_path: Path
) -> None:
    spelt = {
        "video_1": np.bytes_("Air_Force"),
        "video_2": "Bike_Race",
        "video_3": "/data/SumMe/videos/Leaps.mp4",
        "video_4": "",
        "video_5": "video_5",
    }
    name_videos(field_h5, spelt)
    make_summe("summe", summe(summe_zip, field_h5), tmp_path / "out", tmp_path / "work", False)
    assert {video.shots_from for video in read(tmp_path / "out").timeline.videos} == {"annotations"}


def test_an_h5_whose_video_is_called_otherwise_than_annotated_is_refused(
    summe_zip: Path, field_h5: Path, tmp_path: Path
) -> None:
    name_videos(field_h5, {"video_2": np.bytes_("Snorkel")})
    with pytest.raises(UserError, match=r"video_2 is called Snorkel, .* have Bike Race"):
        make_summe("summe", summe(summe_zip, field_h5), tmp_path / "out", tmp_path / "work", False)
    assert not (tmp_path / "out").exists()


def test_an_h5_that_numbers_summes_videos_otherwise_is_refused_without_annotations(
    field_h5: Path, tmp_path: Path
) -> None:
    """video_5 of the field is Bus_in_Rock_Tunnel; splits go by number."""
    name_videos(field_h5, {"video_5": "Cooking"})
    settings = SumMeDownload(kind="summe", source=None, url=NOWHERE, h5=str(field_h5))
    said = r"video_5, 70 frames, is called Cooking, which is video_8 of 1286 frames"
    with pytest.raises(UserError, match=said):
        make_summe("mine", settings, tmp_path / "out", tmp_path / "work", videos=False)


def test_the_other_benchmarks_h5_is_refused_without_annotations(tmp_path: Path) -> None:
    path = tmp_path / "tvsum.h5"
    with h5py.File(path, "w") as file:
        for name, _, n_frames in shots.known("tvsum")[:3]:
            in_field(file, name, n_frames)
    settings = SumMeDownload(kind="summe", source=None, url=NOWHERE, h5=str(path))
    with pytest.raises(UserError, match=r"3 of its 3 videos have as many frames as .* TVSum"):
        make_summe("mine", settings, tmp_path / "out", tmp_path / "work", videos=False)


@pytest.mark.parametrize(
    ("key", "value"),
    [("change_points", [[0, 29.5], [30.5, 69]]), ("picks", [0.0, 15.5, 30.0])],
)
def test_an_h5_with_half_a_frame_is_refused_and_not_cut(
    summe_zip: Path, field_h5: Path, tmp_path: Path, key: str, value: list[float]
) -> None:
    with h5py.File(field_h5, "a") as file:
        del file["video_5"][key], file["video_5/gtscore"]
        file["video_5"][key] = np.array(value)
        file["video_5/gtscore"] = np.zeros(len(file["video_5/picks"]))
    with pytest.raises(UserError, match=rf"video_5/{key}: .*fraction"):
        make_summe("summe", summe(summe_zip, field_h5), tmp_path / "out", tmp_path / "work", False)


def test_what_is_missing_is_named(summe_zip: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"download\.source: .*none does not exist"):
        make_summe("summe", summe(tmp_path / "none"), tmp_path / "out", tmp_path / "work")
    (tmp_path / "empty").mkdir()
    for videos in (True, False):
        with pytest.raises(UserError, match=r"empty holds no GT/\*\.mat"):
            empty = summe(tmp_path / "empty")
            make_summe("summe", empty, tmp_path / "out", tmp_path / "work", videos)
    copy = tmp_path / "SumMe"
    shutil.copytree(summe_zip.parent / "SumMe", copy)
    (copy / "videos/Leaps.mp4").unlink()
    with pytest.raises(UserError, match=r"no video file for Leaps \(1 of 5 missing\): of 4 videos"):
        make_summe("summe", summe(copy), tmp_path / "out", tmp_path / "work")
    shutil.copy(copy / "videos/Snorkel.mp4", copy / "videos/Leap.mp4")
    with pytest.raises(UserError, match=r"of 5 videos there, Leap\.mp4 is nearest to Leaps"):
        make_summe("summe", summe(copy), tmp_path / "out", tmp_path / "work")
    (copy / "videos/Leap.mp4").unlink()
    shutil.copy(copy / "videos/Snorkel.mp4", copy / "videos/Leaps.mp4")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="neither a folder nor an archive"):
        make_summe("summe", summe(tmp_path / "notes.txt"), tmp_path / "out", tmp_path / "work")


def test_a_tsv_is_put_into_the_order_of_the_mat() -> None:
    import json
    from importlib import resources

    text = (resources.files("stages.sources") / "tvsum_order.json").read_text()
    ids = json.loads(text)["ids"]
    assert len(set(ids)) == 50
    judged = [tvsum.Annotations(one, "VT", "", np.ones((2, 3), np.float32)) for one in sorted(ids)]
    assert [video.youtube_id for video in tvsum.in_field_order(judged)] == ids
    with pytest.raises(UserError, match="49 of them"):
        tvsum.in_field_order(judged[1:])


REAL = Path(__file__).parents[2] / "shared" / "data"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real annotations are not at hand")
def test_real_annotations_come_with_the_fields_shots(tmp_path: Path) -> None:
    work = tmp_path / "work"
    make_tvsum("tvsum", of_tvsum(REAL / "tvsum"), tmp_path / "tvsum", work, videos=False)
    make_summe("summe", summe(REAL / "summe"), tmp_path / "summe", work, videos=False)
    for name, videos, segments in (("tvsum", 50, 2373), ("summe", 25, 744)):
        known, said = read(tmp_path / name)
        assert len(known.videos) == len(said.videos) == videos
        assert {video.shots_from for video in known.videos} == {"field"}
        assert sum(len(video.known_shots()) for video in known.videos) == segments
    assert known.videos[1].title == "Base jumping"
    # And they can be written for others in the field's own schema.
    field.write(tmp_path / "field.h5", Annotated(known, said))
    again = field.read(tmp_path / "field.h5")
    np.testing.assert_array_equal(again.people.videos[0].gtscore_T, said.videos[0].gtscore_T)
