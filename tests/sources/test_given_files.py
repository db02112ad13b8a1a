"""Captions that others made: read in each of their forms, and refused with a reason."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ranged_server import serving

from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.sources import given
from stages.sources.settings import Captions

TIMELINE = Timeline(
    "toy",
    (
        Video.sampled("video_1", "Bike Polo", 40),
        Video.sampled("video_2", "-esJrBWj2d8", 20),
    ),
)
SAID = {
    "Bike_Polo": {"picks": [0, 15, 30], "captions": ["a man", "a \u2028 bike", "two men"]},
    "-esJrBWj2d8": {"picks": [0, 15], "captions": ["bull bull", "a cat"]},
}
EXPECTED = [
    ("video_1", 0, "a man"),
    ("video_1", 15, "a \u2028 bike"),
    ("video_1", 30, "two men"),
    ("video_2", 0, "bull bull"),
    ("video_2", 15, "a cat"),
]


def named(*names: str) -> dict[str, Any]:
    return dict(zip(names, SAID.values(), strict=True))


def lines(document: dict[str, Any]) -> str:
    each = [
        {"video": name, "pick": pick, "caption": words}
        for name, entry in document.items()
        for pick, words in zip(entry["picks"], entry["captions"], strict=True)
    ]
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in reversed(each))


def read(path: Path, content: str | bytes) -> list[tuple[str, int, str]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = given.captions(Captions(kind="captions", source=str(path)), TIMELINE, path.parent)
    return [(caption.video, caption.pick, caption.caption) for caption in found]


@pytest.mark.parametrize(
    "names",
    [
        ("video_1", "video_2"),
        ("Bike_Polo", "-esJrBWj2d8"),
        ("Bike Polo", "video_2"),
        ("bike polo", "Video_2"),
    ],
)
@pytest.mark.parametrize(
    "form", [json.dumps, lambda document: json.dumps(document, indent=2), lines]
)
def test_every_form_and_spelling_is_read(
    tmp_path: Path, names: tuple[str, str], form: Callable[[Any], str]
) -> None:
    assert read(tmp_path / "a", form(named(*names))) == EXPECTED


def test_a_video_named_twice_as_well_is_an_error_with_both(tmp_path: Path) -> None:
    twice = named("bike polo", "-esJrBWj2d8") | {"BIKE POLO": SAID["Bike_Polo"]}
    with pytest.raises(UserError, match=r"a\.json: 'BIKE POLO' and 'bike polo' may mean video_1"):
        read(tmp_path / "a.json", json.dumps(twice))


def test_what_other_videos_are_called_is_left_out_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    extra = {"Scuba": {"picks": [0], "captions": ["water"]}}
    assert read(tmp_path / "a.json", json.dumps(SAID | extra)) == EXPECTED
    assert "also names Scuba, which are left out" in caplog.text


def test_what_the_captioner_was_asked_besides_is_kept(tmp_path: Path) -> None:
    asked = ', "reply": "score: 5", "score": 0.5}\n'
    path = tmp_path / "a.jsonl"
    path.write_text(lines(SAID).replace("}\n", asked), encoding="utf-8")
    found = given.captions(Captions(kind="captions", source=str(path)), TIMELINE, tmp_path)
    assert {(caption.reply, caption.score) for caption in found} == {("score: 5", 0.5)}


def changed(name: str, **entry: Any) -> str:
    return json.dumps(SAID | {name: SAID.get(name, {}) | entry})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (named("Scuba", "Jumps"), r"holds captions of Scuba, Jumps; none is a video of toy .*"
            r"video_1 Bike Polo.*Another dataset's\?"),
        ({"Bike_Polo": SAID["Bike_Polo"]}, r"lacks captions of video_2 \(-esJrBWj2d8\), 1 of 2"),
        ({}, "holds captions of nothing"),
        (changed("Bike_Polo", picks=[0, 15]), r"Bike_Polo: 3 captions for 2 picks"),
        (changed("-esJrBWj2d8", picks=[0, 10]), r"video_2 \(-esJrBWj2d8\) .* frame 10, not 15"),
        (
            changed("-esJrBWj2d8", picks=[0], captions=["a cat"]),
            r"video_2 \(-esJrBWj2d8\) is given for 1 frames and its timeline picks 2 of 20",
        ),
        (changed("Bike_Polo", captions=["a", 5, "b"]), r"Bike_Polo: captions\.1: .* string"),
        (changed("Bike_Polo", captions=["a", "", "b"]), r"Bike_Polo: captions\.1: .*at least 1"),
        (changed("Bike_Polo", picks=[0, 1.5, 30]), r"Bike_Polo: picks\.1: .* integer"),
        ({"Bike_Polo": ["a", "b", "c"]}, r'Bike_Polo: .*expected \{video: \{"picks"'),
        ([1, 2], "holds no videos by name; expected"),
        ('{"video_1": {"picks": [0', "is not JSON .*; expected"),
        (b"\xff\xfe\x00", "is not JSON"),
        ("", "is not JSON"),
        (lines(SAID) + lines(SAID), "line 6: frame 15 of -esJrBWj2d8 occurs twice"),
        (lines(SAID) + "a cat\n", "line 6: not JSON"),
        (lines(SAID) + '{"video": "a", "pick": "0", "caption": "b"}', "line 6: pick: .* integer"),
        (lines(SAID).replace("a cat", ""), "line 1: .*(nothing is said|caption)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_the_file_and_the_remedy(
    tmp_path: Path, content: Any, said: str
) -> None:
    content = content if isinstance(content, (str, bytes)) else json.dumps(content)
    with pytest.raises(UserError, match=f"(?s){said}") as caught:
        read(tmp_path / "given.json", content)
    assert str(tmp_path / "given.json") in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = Captions(kind="captions", source="~/nowhere/captions.json")
    with pytest.raises(
        UserError, match=r"given\.source: there is no file ~/nowhere/captions\.json"
    ):
        given.captions(settings, TIMELINE, tmp_path)


def test_captions_are_fetched_once_and_held_to_their_sha256(tmp_path: Path) -> None:
    content = json.dumps(SAID).encode()
    digest = hashlib.sha256(content).hexdigest()
    with serving({"/said.json": content}) as server:
        settings = Captions(kind="captions", url=server.url("/said.json"), sha256=digest)
        first = given.captions(settings, TIMELINE, tmp_path)
        assert [caption.caption for caption in first] == [words for _, _, words in EXPECTED]
        assert given.captions(settings, TIMELINE, tmp_path) == first
        assert len(server.sent) == 1
        (tmp_path / "said.json").unlink()
        wrong = settings.model_copy(update={"sha256": "0" * 64})
        with pytest.raises(UserError, match=rf"said\.json: sha256 is {digest}, expected 0000"):
            given.captions(wrong, TIMELINE, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["said.json.url"]
