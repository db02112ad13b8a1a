"""The field's h5 in place of part of a benchmark's annotations, held against the rest.

Shapes: T sampled frames, S shots, U users, N video frames.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import get_args

from stages.artifacts import field
from stages.artifacts.field import Annotated
from stages.artifacts.names import form, matched
from stages.artifacts.people import Judgement
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.media import video
from stages.sources import shots

Pair = tuple[Video, Judgement]


def read(kind: shots.Benchmark, h5: str) -> Annotated:
    """The file, held against what is known of the benchmark before its annotations are here, which
    gives titles to videos where the file has none.

    Raises UserError where it is not in the field's schema, or numbers the benchmark's videos
    otherwise than the field does.
    """
    found = field.read(Path(h5).expanduser())
    _check_numbering(kind, found.timeline.videos, h5)
    known = {(one.name, one.n_frames): one.title for one in shots.known(kind)}
    videos = tuple(
        replace(one, title=known.get((one.name, one.n_frames), one.title))
        if one.title == one.name
        else one
        for one in found.timeline.videos
    )
    return Annotated(replace(found.timeline, videos=videos), found.people)


def with_shots(kind: shots.Benchmark, pairs: Sequence[Pair], h5: str | None) -> list[Pair]:
    """The videos with shots: of the field's h5 where it is named, or else as the field's files
    have them (`shots.with_field`).

    Of the h5, where videos are matched by `video_N`, picks, gtscore and user_summary are taken
    too. Raises UserError where it is not there, or a video of it is missing, has another number of
    frames, or is called by another name.
    """
    if h5 is None:
        placed = shots.with_field(kind, (shown for shown, _ in pairs))
        return [(shown, judged) for shown, (_, judged) in zip(placed, pairs, strict=True)]
    theirs = read(kind, h5)
    return [_with_h5(one, judged, theirs, h5) for one, judged in pairs]


def fits(kind: shots.Benchmark, annotated: Annotated, h5: str) -> Timeline:
    """The timeline that annotations will have by the h5. Raises UserError as `with_shots`."""
    timeline, people = annotated
    pairs = [(shown, people.by_name[shown.name]) for shown in timeline.videos]
    return replace(timeline, videos=tuple(shown for shown, _ in with_shots(kind, pairs, h5)))


def _with_h5(own: Video, judged: Judgement, theirs: Annotated, h5: str) -> Pair:
    if own.name not in theirs.timeline.by_name:
        raise UserError(f"{h5}: lacks {own.name} ({own.title}); is it another dataset's?")
    found, said = theirs.timeline.by_name[own.name], theirs.people.by_name[own.name]
    if found.n_frames != own.n_frames:
        raise UserError(
            f"{h5}: {own.name} has {found.n_frames} frames, and the annotations of "
            f"{own.title} {own.n_frames}; is it another dataset's?"
        )
    if not _called(found.title, own.name, own.title):
        raise UserError(
            f"{h5}: {own.name} is called {found.title}, and the annotations have {own.title} in "
            "that place; its videos are in another order, or another dataset's. Number them as the "
            "annotations do (by name in ASCII order for SumMe, in the order of the .mat for "
            "TVSum), or set download.h5 to null in params.yaml"
        )
    if said.user_summary_UN is None or found.shots_S2 is None:
        raise UserError(f"{h5}: {own.name} lacks user_summary or change_points")
    return (
        replace(
            own,
            picks_T=found.picks_T,
            times_T=found.picks_T / own.fps,
            shots_S2=found.shots_S2,
            shots_from="annotations",
        ),
        replace(judged, gtscore_T=said.gtscore_T, user_summary_UN=said.user_summary_UN),
    )


def _called(said: str, name: str, title: str) -> bool:
    """Whether an h5's `video_name` is what a video is called."""
    return bool(matched({_spoken(said): None}, [(name, title)], said)[0])


def _spoken(said: str) -> str:
    """An h5's `video_name`, which may be the path of a file, without folder and ending."""
    path = PurePosixPath(said.replace("\\", "/"))
    return path.stem if path.suffix.lower() in video.SUFFIXES else path.name


def _check_numbering(kind: shots.Benchmark, videos: Sequence[Video], h5: str) -> None:
    """Splits go by `video_N`: raises UserError where an h5 gives one of the benchmark's videos
    another number, or another number of frames, than the field does, or is the other benchmark's.
    """
    for other in get_args(shots.Benchmark):
        lengths = {name: n_frames for name, _, n_frames in shots.known(other)}
        same = sum(lengths.get(shown.name) == shown.n_frames for shown in videos)
        if other != kind and same > len(videos) / 2:
            raise UserError(
                f"{h5}: {same} of its {len(videos)} videos have as many frames as those of "
                f"{shots.NAMES[other]}; name the h5 of {shots.NAMES[kind]}"
            )
    known = shots.known(kind)
    for shown in videos:
        for name, title, n_frames in known:
            # Capitals count: another dataset's "cooking" is not SumMe's "Cooking".
            if shown.title == shown.name or form(_spoken(shown.title)) != form(title):
                continue
            if (shown.name, shown.n_frames) != (name, n_frames):
                raise UserError(
                    f"{h5}: {shown.name}, {shown.n_frames} frames, is called {shown.title}, which "
                    f"is {name} of {n_frames} frames in the field's files; fetch the field's h5 "
                    "anew, or set download.h5 to null in params.yaml"
                )
