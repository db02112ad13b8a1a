"""Features of others are those of the frames that the timeline picks, or refused."""

import dataclasses
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from stages.artifacts import features
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Cut, Video
from stages.errors import UserError
from stages.sources import featured

VIDEOS = (Video.sampled("video_1", "Air Force One", 60), Video.sampled("video_2", "Cooking", 45))
TIMELINE = Timeline("tiny", VIDEOS)
RANDOM = np.random.default_rng(0)
X = {v.name: RANDOM.normal(size=(len(v.picks_T), 6)).astype(np.float32) for v in VIDEOS}


def field_h5(path: Path, **changed: Any) -> Path:
    """As the field's files are."""
    with h5py.File(path, "w") as file:
        for video in VIDEOS:
            group = file.create_group(video.name)
            group["features"] = X[video.name]
            group["picks"] = video.picks_T
        for place, data in changed.items():
            name = place.replace("__", "/")
            del file[name]
            if data is not None:
                file[name] = data
    return path


def found(path: Path) -> dict[str, np.ndarray]:
    return {video.name: x_TD for video, x_TD in featured.read(path, TIMELINE)}


def test_the_fields_features_are_as_they_are(tmp_path: Path) -> None:
    path = field_h5(tmp_path / "pool5.h5")
    for name, x_TD in found(path).items():
        np.testing.assert_array_equal(x_TD, X[name])
        assert x_TD.dtype == np.float32
    assert featured.width(path) == 6
    assert featured.width(tmp_path / "nowhere.h5") is None


def test_halves_stay_halves(tmp_path: Path) -> None:
    halves = {f"{name}__features": x_TD.astype(np.float16) for name, x_TD in X.items()}
    path = field_h5(tmp_path / "pool5.h5", **halves)
    assert {x_TD.dtype for x_TD in found(path).values()} == {np.dtype(np.float16)}
    out = tmp_path / "inputs" / "pool5.h5"
    features.write(out, featured.read(path, TIMELINE))
    with h5py.File(out) as file, features.reading(out) as read:
        for video in VIDEOS:
            assert file[video.name]["features"].dtype == np.float16
            x_TD = read.video(video)
            assert x_TD.dtype == np.float32
            np.testing.assert_array_equal(x_TD, X[video.name].astype(np.float16))


def test_of_a_video_that_was_cut_the_last_rows_go(tmp_path: Path) -> None:
    video, steps = VIDEOS[0], len(VIDEOS[0].picks_T)
    cut = dataclasses.replace(video, cut=Cut(30, 2))
    x_ND = RANDOM.normal(size=(steps + 2, 4)).astype(np.float32)
    picks = np.append(video.picks_T, video.picks_T[-1] + np.array([15, 30]))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[f"{video.name}/features"], file[f"{video.name}/picks"] = x_ND, picks
    line = Timeline("d", (cut,))
    featured.check(tmp_path / "a.h5", line)
    ((_, found_TD),) = featured.read(tmp_path / "a.h5", line)
    np.testing.assert_array_equal(found_TD, x_ND[:steps])


def test_a_folder_of_arrays_by_title_is_read_too(tmp_path: Path) -> None:
    np.save(tmp_path / "Air_Force_One.npy", X["video_1"])
    np.save(tmp_path / "cooking.npy", np.repeat(X["video_2"], 3, axis=0))
    read = found(tmp_path)
    np.testing.assert_array_equal(read["video_1"], X["video_1"])
    np.testing.assert_allclose(read["video_2"], X["video_2"], rtol=1e-5)
    assert featured.width(tmp_path) == 6


@pytest.mark.parametrize(("rows", "steps"), [(7, 3), (5, 5), (11, 4), (9, 1), (1000, 313)])
def test_rows_are_shared_out_among_frames(rows: int, steps: int) -> None:
    """Beside the slow way: every row cut into as many slices as there are frames."""
    x_ND = RANDOM.normal(size=(rows, 2)).astype(np.float32)
    slices = np.repeat(x_ND.astype(np.float64), steps, axis=0)
    expected_TD = slices.reshape(steps, rows, 2).mean(axis=1)
    found_TD = featured.shared(x_ND, steps)
    assert found_TD.dtype == np.float32
    np.testing.assert_allclose(found_TD, expected_TD, atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"video_2": None}, r"lacks features of video_2 \(Cooking\)"),
        ({"video_2__features": None}, r"video_2 \(Cooking\): holds no features \(it has picks\)"),
        ({"video_2__features": X["video_2"][:2]}, "features of 2 frames, .* picks 3"),
        ({"video_2__features": X["video_2"] * np.nan}, "expected finite numbers"),
        ({"video_2__features": X["video_2"][0]}, r"expected finite numbers .* found \(6,\)"),
        ({"video_2__features": np.ones((3, 5))}, "video_2: 5 wide, and 6"),
        ({"video_2__features": "words"}, r"expected finite numbers .* found \(\)"),
        ({"video_2__features": [["a", "b"]] * 3}, "cannot be read as numbers"),
        ({"video_2__picks": [0, 15, 31]}, "number 3 is frame 31, not 30"),
    ],
)
def test_what_is_wrong_is_named_once(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    path = field_h5(tmp_path / "pool5.h5", **changed)
    with pytest.raises(UserError, match=rf"pool5\.h5: .*{said}"):
        found(path)
    if any(word in said for word in ("holds no", "lacks", "picks 3", "is frame", "found")):
        with pytest.raises(UserError, match=rf"pool5\.h5: .*{said}"):
            featured.check(path, TIMELINE)


def test_another_datasets_file_and_no_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.h5 not found; name another file in datasets\.D"):
        found(tmp_path / "no.h5")
    with pytest.raises(UserError, match=r"holds no \.npy file"):
        found(tmp_path)
    path = field_h5(tmp_path / "pool5.h5")
    others = tuple(dataclasses.replace(v, name=f"film_{n}") for n, v in enumerate(VIDEOS))
    with pytest.raises(UserError, match=r"pool5\.h5: holds features of .* Another dataset's"):
        list(featured.read(path, Timeline("other", others)))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order"])
def test_damaged_arrays_are_named(tmp_path: Path, content: bytes) -> None:
    for video in VIDEOS:
        (tmp_path / f"{video.name}.npy").write_bytes(content)
    for asked in (found, featured.width):
        with pytest.raises(UserError, match=r"video_1.*cannot be read as numbers"):
            asked(tmp_path)
