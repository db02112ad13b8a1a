"""A film looked at once, and where its shots are."""

from pathlib import Path

import av
import numpy as np
import pytest
from five_scenes import LENGTHS
from numbered_films import film as numbered

from stages.errors import UserError
from stages.media import looking, sampling, video
from stages.media.looking import look
from stages.media.settings import Looking
from stages.media.shots import breaks, seconds, shots, spine
from stages.work.store import Store

HOW = Looking(short_side=96)


def test_frames_are_half_a_second_apart_and_what_the_file_shows_there(
    film_of_scenes: Path, store: Store
) -> None:
    film = look(film_of_scenes, HOW, store)
    assert film.n_frames == sum(LENGTHS)
    assert film.picks_T.tolist() == list(range(0, film.n_frames, 15))
    np.testing.assert_allclose(film.times_T, np.arange(len(film.picks_T)) / 2)
    assert film.seconds == pytest.approx(film.n_frames / 30)
    wanted = [
        sampling.to_jpeg(sampling.shrink(video.pixels(frame), 96), HOW.jpeg_quality)
        for number, frame in enumerate(video.decode(film_of_scenes))
        if number % 15 == 0
    ]
    assert list(film.jpegs(store)) == wanted
    assert film.features_TD.shape == (len(wanted), 1280)


def test_every_cut_is_found_to_the_frame(film_of_scenes: Path, store: Store) -> None:
    film = look(film_of_scenes, HOW, store)
    ends = np.cumsum(LENGTHS) / 30
    found_S2 = shots(film, HOW)
    np.testing.assert_allclose(found_S2[:, 1], ends, atol=1e-6)
    np.testing.assert_allclose(found_S2[:, 0], np.r_[0, ends[:-1]], atol=1e-6)


def flat(path: Path, levels: list[int]) -> Path:
    """A film of grey pictures, a level a frame, that an encoder of images cannot tell apart."""
    video.encode(path, [np.full((64, 64, 3), level, np.uint8) for level in levels], 25, (64, 64))
    return path


def test_a_cut_of_the_file_stands_out_and_neither_a_flash_nor_movement_is_one(
    tmp_path: Path, store: Store
) -> None:
    cut = look(flat(tmp_path / "cut.mp4", [60] * 40 + [160] * 40), HOW, store)
    np.testing.assert_allclose(breaks(cut), [1.6])
    np.testing.assert_allclose(shots(cut, HOW), [[0, 1.6], [1.6, 3.2]])
    flash = look(flat(tmp_path / "flash.mp4", [60] * 40 + [200] + [60] * 39), HOW, store)
    assert breaks(flash).tolist() == []
    fade = look(flat(tmp_path / "fade.mp4", [*range(20, 220, 12), *[212] * 60]), HOW, store)
    assert breaks(fade).tolist() == []


def test_shots_on_the_timeline_are_those_in_seconds(film_of_scenes: Path, store: Store) -> None:
    film = look(film_of_scenes, HOW, store)
    video = spine(film, HOW, "video_1")
    np.testing.assert_array_equal(video.known_shots()[1:, 0], np.cumsum(LENGTHS)[:-1])
    assert (video.title, video.n_frames) == ("five scenes", sum(LENGTHS))
    np.testing.assert_array_equal(seconds(film, video.known_shots()), shots(film, HOW))


def test_long_films_are_segmented_by_stretches_with_the_same_cuts(
    film_of_scenes: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = look(film_of_scenes, HOW, store)
    whole_S2 = shots(film, HOW)
    monkeypatch.setattr("stages.media.shots._STRETCH", 12)
    np.testing.assert_array_equal(shots(film, HOW), whole_S2)


def test_a_shot_under_a_second_joins_a_neighbour(film_of_scenes: Path, store: Store) -> None:
    film = look(film_of_scenes, HOW, store)
    assert (np.diff(shots(film, Looking(short_side=96, shortest=0))) > 0).all()
    found_S2 = shots(film, Looking(short_side=96, shortest=2.1))
    assert (np.diff(found_S2) >= 2.1 - 1e-9).all()
    assert found_S2[0, 0] == 0
    assert found_S2[-1, 1] == pytest.approx(film.seconds)


def test_a_second_look_reads_and_decodes_nothing(
    film_of_scenes: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = look(film_of_scenes, HOW, store)
    monkeypatch.setattr(looking.video, "decode", None)
    again = look(film_of_scenes, HOW, store)
    np.testing.assert_array_equal(before.features_TD, again.features_TD)
    np.testing.assert_array_equal(before.changes_N, again.changes_N)
    assert before.parts == again.parts


def test_a_second_look_reads_no_frames_however_many_there_are(
    film_of_scenes: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = look(film_of_scenes, HOW, store)
    monkeypatch.setattr(looking, "_there", None)
    np.testing.assert_array_equal(look(film_of_scenes, HOW, store).features_TD, before.features_TD)


def cut_short(film: Path, target: Path) -> Path:
    """Two thirds of a film in Matroska, which promises the whole of it."""
    with av.open(str(film)) as source, av.open(str(target), "w") as made:
        stream = made.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    content = target.read_bytes()
    target.write_bytes(content[: 2 * len(content) // 3])
    return target


def test_a_damaged_end_is_left_out_and_said(film_of_scenes: Path, tmp_path: Path) -> None:
    cut = cut_short(film_of_scenes, tmp_path / "cut.mkv")
    film = look(cut, HOW, Store(tmp_path / "kept"))
    assert 0 < film.n_frames < sum(LENGTHS)
    assert shots(film, HOW)[-1, 1] == film.seconds


def test_what_is_no_video_is_refused_by_its_name(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "letter.mp4"
    path.write_text("Dear all,")
    with pytest.raises(UserError, match=r"letter\.mp4"):
        look(path, HOW, store)


def test_a_picture_that_stands_until_the_next_is_looked_at(tmp_path: Path, store: Store) -> None:
    """As in recordings of a screen, which have a frame only where something changes."""
    times = [*np.arange(0, 2.01, 0.1).tolist(), 2.2, 20.0, 20.1, 20.3]
    film = look(numbered(tmp_path / "a.mkv", times), HOW, store)
    stands = times.index(2.2)
    assert stands in film.picks_T.tolist()
    assert (np.diff(film.picks_T) > 0).all()
    # At the film's own average of frames, too, which a threshold would be taken by.
    often = [*np.arange(0, 20.01, 0.1).tolist(), 20.2, 50.2, *np.arange(50.3, 70, 0.1).tolist()]
    film = look(numbered(tmp_path / "c.mkv", often), HOW, store)
    assert often.index(20.2) in film.picks_T.tolist()
    regular = look(numbered(tmp_path / "b.mkv", np.arange(0, 5, 0.1).tolist()), HOW, store)
    np.testing.assert_allclose(regular.times_T, np.arange(10) / 2, atol=1e-3)


def test_what_is_said_of_damage_names_the_file_as_it_is_called_now(
    film_of_scenes: Path, tmp_path: Path, store: Store
) -> None:
    first = cut_short(film_of_scenes, tmp_path / "Secret Party.mkv")
    second = tmp_path / "clean name.mkv"
    second.write_bytes(first.read_bytes())
    for path in (first, second):
        sentence = look(path, HOW, store).timing.damage
        assert sentence is not None
        assert path.name in sentence
        assert str(tmp_path) not in sentence


def test_a_damaged_part_is_said_once_and_seen_again(film_of_scenes: Path, store: Store) -> None:
    before = look(film_of_scenes, HOW, store)
    place = store.place(before.parts[0])
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 1
    place.write_bytes(content)
    with pytest.raises(UserError, match=r"gone or damaged .*run again"):
        list(look(film_of_scenes, HOW, store).jpegs(store))
    again = look(film_of_scenes, HOW, store)
    assert list(again.jpegs(store)) == list(before.jpegs(store))
