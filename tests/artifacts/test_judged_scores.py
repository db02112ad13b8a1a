"""What every row scored comes back to the last bit, and a file that is not that is told of."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.artifacts.judged_scores import (
    About,
    Floats,
    JudgedScores,
    ScoredProtocol,
    ScoredRow,
    Video,
    read,
    write,
)
from stages.artifacts.results import File, Replies
from stages.errors import UserError

SAMPLED = {"video_1": 3, "video_2": 4, "video_10": 5}
SPLITS = (("video_1", "video_2"), ("video_2", "video_10"))
HEAD = {"evaluate": {"agreement": "scores"}, "dataset": "toy", "title": "Toy", "benchmark": None}


def row(seeds: int = 0, by_split: bool = False) -> ScoredRow:
    names = tuple(f"seed_{seed}" for seed in range(seeds))
    kind = "model" if seeds else "baseline"
    return ScoredRow(title="a row", kind=kind, seeds=names, by_split=by_split)


def judged() -> JudgedScores:
    random = np.random.default_rng(0)
    trained = {
        video: random.random((2, 2 if video == "video_2" else 1, size), np.float32)
        for video, size in SAMPLED.items()
    }
    scores: dict[str, dict[str, Floats]] = {
        "llmvs": {video: x_RCT.astype(np.float64) for video, x_RCT in trained.items()},
        "zero-shot": {
            video: np.arange(size, dtype=float)[None, None] for video, size in SAMPLED.items()
        },
        "given": {video: random.random((1, 1, size)) for video, size in SAMPLED.items()},
    }
    about = About(
        **HEAD,
        given="captions",
        files=(File(path="data/toy/timeline.h5", sha256="0" * 64),),
        videos=tuple(
            Video(
                name=name,
                title=f"ein Fïlm {name}",
                n_frames=15 * size,
                sampled=size,
                shots_from="kts" if name == "video_1" else "field",
                shots=((0, 9), (10, 44)) if name == "video_1" else None,
            )
            for name, size in SAMPLED.items()
        ),
        protocols={
            "official": ScoredProtocol(
                splits=SPLITS,
                asked={"LLM": Replies(replies=12, unparsed=1), "captioner": None},
                rows={
                    "llmvs": row(seeds=2, by_split=True),
                    "zero-shot": row(),
                    "given": row(),
                },
            )
        },
    )
    return JudgedScores(about, {"official": scores})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scores.h5"
    write(path, judged())
    return path


def test_what_is_written_is_read_to_the_last_bit(file: Path) -> None:
    found, wanted = read(file), judged()
    assert found.about == wanted.about
    assert list(found.scores["official"]) == ["llmvs", "zero-shot", "given"]
    for name, videos in wanted.scores["official"].items():
        for video, x_RCT in videos.items():
            assert found.scores["official"][name][video].dtype == np.float64
            np.testing.assert_array_equal(found.scores["official"][name][video], x_RCT)


def test_numbers_are_float32_unless_that_would_change_one(file: Path) -> None:
    with h5py.File(file) as h5:
        kinds = {name: of.dtype for name, of in h5["official"].items()}
    assert kinds == {"llmvs": np.float32, "zero-shot": np.float32, "given": np.float64}


def test_a_video_tested_twice_stands_there_twice_where_scores_depend_on_the_split(
    file: Path,
) -> None:
    with h5py.File(file) as h5:
        assert h5["official/llmvs"].shape == (2, 3 + 4 + 4 + 5)
        assert h5["official/zero-shot"].shape == (1, 3 + 4 + 5)
        second_R4 = h5["official/llmvs"][:, 7:11]
    of_video_2 = judged().scores["official"]["llmvs"]["video_2"]
    np.testing.assert_array_equal(second_R4, of_video_2[:, 1])


def test_the_same_scores_give_the_same_bytes(file: Path, tmp_path: Path) -> None:
    write(tmp_path / "again.h5", judged())
    assert (tmp_path / "again.h5").read_bytes() == file.read_bytes()


def put(file: Path, **changed: object) -> None:
    """Write the file's JSON anew, with other values at its top."""
    with h5py.File(file, "a") as h5:
        document = json.loads(h5["about"][()]) | changed
        del h5["about"]
        h5["about"] = json.dumps(document)


def replace(file: Path, place: str, values: object) -> None:
    with h5py.File(file, "a") as h5:
        del h5[place]
        if values is not None:
            h5[place] = values


def test_a_file_that_is_missing_names_the_stage_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"scores\.h5 not found; run the evaluate stage"):
        read(tmp_path / "scores.h5")


def test_a_truncated_file_is_named(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"scores\.h5 is not a readable HDF5 file.*evaluate stage"):
        read(file)


def test_numbers_whose_bytes_were_damaged_are_told_of(file: Path) -> None:
    with h5py.File(file) as h5:
        place = h5["official/llmvs"].id.get_chunk_info(0)
    content = bytearray(file.read_bytes())
    content[place.byte_offset + place.size // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"scores\.h5 is damaged"):
        read(file)


def test_another_layout_is_refused_by_its_number(file: Path) -> None:
    put(file, version=2)
    with pytest.raises(UserError, match=r"scores\.h5: is of layout 2, and this reads layout 1;"):
        read(file)


def test_another_hdf5_file_is_refused(file: Path) -> None:
    replace(file, "about", None)
    with pytest.raises(UserError, match=r"scores\.h5: holds no text `about`"):
        read(file)


def test_what_the_file_says_of_itself_is_checked(file: Path) -> None:
    put(file, given="dreams")
    with pytest.raises(UserError, match=r"scores\.h5: about: .*\(given: input should be"):
        read(file)
    put(file, given="captions", videos=[])
    with pytest.raises(UserError, match=r"official/llmvs: tests video_1, which is none of its"):
        read(file)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (None, "lacks the numbers official/given"),
        (["words"], "lacks the numbers official/given"),
        (np.zeros((1, 13)), r"official/given should be 1 × 12, is of shape \(1, 13\)"),
        (np.full((1, 12), np.nan), "official/given holds NaN"),
    ],
)
def test_numbers_that_are_not_the_rows_are_named(file: Path, values: object, said: str) -> None:
    replace(file, "official/given", values)
    with pytest.raises(UserError, match=rf"scores\.h5: {said}.*evaluate stage"):
        read(file)
