import json

import numpy as np
import pytest

from stages.artifacts.captions import Caption, of_timeline, read, write
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError

GOOD = {"video": "video_1", "pick": 0, "caption": "A dog."}


def written(tmp_path, *lines):
    path = tmp_path / "demo.jsonl"
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


def test_videos_come_in_natural_order_and_picks_ascend(tmp_path):
    path = written(
        tmp_path,
        {**GOOD, "video": "video_10"},
        {**GOOD, "video": "video_2", "pick": 15},
        {**GOOD, "video": "video_2", "pick": 0},
        GOOD,
    )
    videos = read(path)
    assert list(videos) == ["video_1", "video_2", "video_10"]
    assert [caption.pick for caption in videos["video_2"]] == [0, 15]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"video": "video_1", "pi', "Unterminated string"),
        ("", "Expecting value"),
        ("[1, 2]", "valid dictionary"),
        ({"video": "video_1", "pick": 15}, "caption: is missing"),
        ({**GOOD, "pick": "15"}, "pick: input should be a valid integer, got '15'"),
        ({**GOOD, "pick": -1}, "pick: must be >= 0, got -1"),
        ({**GOOD, "caption": None}, "caption: input should be a valid string, got None"),
        ({**GOOD, "mark": 1}, "mark: unknown key"),
        ({**GOOD, "score": 7.0}, "score: must be <= 1, got 7"),
    ],
)
def test_a_line_that_is_no_caption_is_named(tmp_path, line, said):
    with pytest.raises(UserError, match=rf"demo.jsonl, line 2: .*{said}"):
        read(written(tmp_path, GOOD, line))


def test_a_frame_that_occurs_twice_is_named(tmp_path):
    with pytest.raises(UserError, match="line 2: frame 0 of video_1 occurs twice"):
        read(written(tmp_path, GOOD, GOOD))


def test_a_frame_of_which_nothing_is_said_is_refused(tmp_path):
    path = written(tmp_path, GOOD, {**GOOD, "pick": 15, "caption": ""})
    with pytest.raises(UserError, match=r"line 2: nothing is said of frame 15 of video_1"):
        read(path)


def test_what_is_written_is_read_and_a_score_is_on_the_line_only_where_it_was_asked_for(tmp_path):
    path = tmp_path / "demo.jsonl"
    captions = [
        Caption(video="video_1", pick=0, caption="Café \u2028"),
        Caption(video="video_1", pick=15, caption="A dog.", reply="5", score=0.5),
        Caption(video="video_1", pick=30, caption="A dog.", reply="no"),
    ]
    write(path, captions)
    assert read(path) == {"video_1": captions}
    assert path.read_text("utf-8").split("\n") == [
        '{"video": "video_1", "pick": 0, "caption": "Café \u2028"}',
        '{"video": "video_1", "pick": 15, "caption": "A dog.", "reply": "5", "score": 0.5}',
        '{"video": "video_1", "pick": 30, "caption": "A dog.", "reply": "no", "score": null}',
        "",
    ]


def timeline(*lengths):
    videos = [Video.sampled(f"video_{n}", f"dog {n}.mp4", length) for n, length in lengths]
    return Timeline("demo", tuple(videos))


def test_captions_are_those_of_the_timelines_frames(tmp_path):
    path = written(tmp_path, {**GOOD, "video": "video_2"}, {**GOOD, "pick": 15}, GOOD)
    found = of_timeline(path, timeline((1, 20), (2, 15)))
    assert list(found) == ["video_1", "video_2"]
    assert np.array_equal([caption.pick for caption in found["video_1"]], [0, 15])
    with pytest.raises(UserError, match=r"demo.jsonl: video_2 not on the timeline; run the stage"):
        of_timeline(path, timeline((1, 20)))
    with pytest.raises(UserError, match=r"demo.jsonl: says nothing of video_3; run the stage"):
        of_timeline(path, timeline((1, 20), (2, 15), (3, 15)))
    said = r"demo.jsonl: video_1 \(dog 1.mp4\) is given for 2 frames and its timeline picks 3 of 45"
    with pytest.raises(UserError, match=said):
        of_timeline(path, timeline((1, 45), (2, 15)))


def test_a_caption_may_hold_any_character_but_a_line_is_ended_by_a_newline_alone(tmp_path):
    odd = "Caf\u00e9 \u2028 \x85 \U0001f415"
    path = tmp_path / "demo.jsonl"
    path.write_text(json.dumps({**GOOD, "caption": odd}, ensure_ascii=False) + "\n", "utf-8")
    assert read(path)["video_1"][0].caption == odd


def test_an_absent_an_empty_and_a_binary_file_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match="not found; run the stage that makes it"):
        read(tmp_path / "demo.jsonl")
    path = tmp_path / "demo.jsonl"
    path.write_bytes(b"")
    with pytest.raises(UserError, match="holds no caption"):
        read(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is not UTF-8"):
        read(path)
