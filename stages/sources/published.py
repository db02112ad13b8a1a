"""SumMe and TVSum as a timeline, people's judgement, and `videos/`.

Shapes: T sampled frames, N video frames, U users.
"""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from stages.artifacts import field, people, timeline
from stages.artifacts.field import Annotated
from stages.artifacts.names import matched
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline, Video
from stages.errors import UserError
from stages.media import video
from stages.sources import ground_truth, shots, summe, tvsum
from stages.sources.fetch import Remote, fetch
from stages.sources.places import files, opened
from stages.sources.settings import SumMeDownload, TVSumDownload

log = logging.getLogger("llmvs")

TVSUM_INNER = ("-video.zip", "-data.zip", "-matlab.zip")

Pair = tuple[Video, Judgement]


def make_summe(
    name: str, settings: SumMeDownload, out: Path, work: Path, videos: bool = True
) -> None:
    """Write `out`/timeline.h5, `out`/people.h5 and, where `videos`, `out`/videos of SumMe.

    Without videos only the ground truth is fetched, and nothing where the field's h5 is named.

    Raises UserError where a ground truth or video is missing, or no file of a video has the
    annotated number of frames.
    """
    if videos:
        with opened(settings.url, settings.source, work) as folder:
            truth = ground_truth.among(files(folder, ".mat"), folder)[0].parent
            annotated = _summe(name, truth, settings)
            _place(annotated.timeline.videos, _by_stem(folder), out / "videos")
    elif settings.h5 and settings.source is None:
        found = field.read(Path(settings.h5).expanduser())
        _check_numbering("summe", found.timeline.videos, settings.h5)
        annotated = Annotated(
            replace(found.timeline, dataset=name), replace(found.people, dataset=name)
        )
    else:
        with ground_truth.folder(settings.url, settings.source, work) as truth:
            annotated = _summe(name, truth, settings)
    _write(out, annotated)


def make_tvsum(
    name: str, settings: TVSumDownload, out: Path, work: Path, videos: bool = True
) -> None:
    """Write `out`/timeline.h5, `out`/people.h5 and, where `videos`, `out`/videos of TVSum.

    Annotations come from `ydata-tvsum50.mat` or `ydata-tvsum50-anno.tsv` beside the videos; where
    neither is there, the .mat is fetched. Without videos the archive is not.

    Raises UserError where a video is missing.
    """
    if not videos and settings.source is None:
        annotated = _tvsum(name, _fetched_mat(settings, work), settings)
    else:
        with opened(settings.url, settings.source, work, TVSUM_INNER) as folder:
            annotated = _tvsum(name, _tvsum_judged(folder, settings, work), settings)
            if videos:
                _place(annotated.timeline.videos, _by_stem(folder), out / "videos")
    _write(out, annotated)


def _write(out: Path, annotated: Annotated) -> None:
    timeline.write(out / "timeline.h5", annotated.timeline)
    people.write(out / "people.h5", annotated.people)


def _annotated(name: str, pairs: Sequence[Pair]) -> Annotated:
    return Annotated(
        Timeline(name, tuple(video for video, _ in pairs)),
        People(name, False, tuple(judged for _, judged in pairs)),
    )


def _summe(name: str, truth: Path, settings: SumMeDownload) -> Annotated:
    pairs = [of_summe(number, one) for number, one in enumerate(summe.read_folder(truth), 1)]
    return _annotated(name, with_shots("summe", pairs, settings.h5))


def _tvsum(name: str, judged: Sequence[tvsum.Judged], settings: TVSumDownload) -> Annotated:
    pairs = [of_tvsum(number, one) for number, one in enumerate(judged, 1)]
    return _annotated(name, with_shots("tvsum", pairs, settings.h5))


def _tvsum_judged(folder: Path, settings: TVSumDownload, work: Path) -> list[tvsum.Judged]:
    if found := files(folder, "ydata-tvsum50.mat"):
        return tvsum.read_mat(found[0])
    if found := files(folder, "ydata-tvsum50-anno.tsv"):
        return tvsum.in_field_order(tvsum.read_tsv(found[0]))
    return _fetched_mat(settings, work)


def _fetched_mat(settings: TVSumDownload, work: Path) -> list[tvsum.Judged]:
    remote = Remote(settings.annotations_url, settings.annotations_sha256)
    return tvsum.read_mat(fetch(remote, work))


def of_summe(number: int, chosen: summe.Chosen) -> Pair:
    """SumMe's `video_{number}`: gtscore is the share of users whose summary shows a frame."""
    shown = Video.sampled(f"video_{number}", chosen.name, chosen.n_frames, chosen.fps)
    gtscore_T = chosen.user_summary_UN.mean(axis=0)[shown.picks_T]
    return shown, Judgement(shown.name, gtscore_T, user_summary_UN=chosen.user_summary_UN)


def of_tvsum(number: int, judged: tvsum.Judged) -> Pair:
    """TVSum's `video_{number}`: gtscore is the users' mean, brought from 1..5 to 0..1.

    Users' summaries depend on shots and are made where those are known (`evaluate`).
    """
    shown = Video.sampled(f"video_{number}", judged.youtube_id, judged.n_frames, judged.fps)
    mean_T = judged.user_scores_UN[:, shown.picks_T].mean(axis=0)
    gtscore_T = ((mean_T - tvsum.LOWEST) / (tvsum.HIGHEST - tvsum.LOWEST)).astype(np.float32)
    return shown, Judgement(shown.name, gtscore_T, user_scores_UN=judged.user_scores_UN)


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
    theirs = field.read(Path(h5).expanduser())
    return [_with_h5(one, judged, theirs, h5) for one, judged in pairs]


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
    """Whether an h5's `video_name`, maybe the path of a file, is what a video is called."""
    spoken = PurePosixPath(said.replace("\\", "/"))
    stem = spoken.stem if spoken.suffix in video.SUFFIXES else spoken.name
    return bool(matched({stem: None}, [(name, title)])[0])


def _check_numbering(kind: shots.Benchmark, videos: Sequence[Video], h5: str) -> None:
    """Splits go by `video_N`: raises UserError where an h5 gives one of the benchmark's videos
    another number, or another number of frames, than the field does.
    """
    known = shots.known(kind)
    for shown in videos:
        for name, title, n_frames in known:
            if shown.title == shown.name or not _called(shown.title, name, title):
                continue
            if (shown.name, shown.n_frames) != (name, n_frames):
                raise UserError(
                    f"{h5}: {shown.name}, {shown.n_frames} frames, is called {shown.title}, which "
                    f"is {name} of {n_frames} frames in the field's files; fetch the field's h5 "
                    "anew, or set download.h5 to null in params.yaml"
                )


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in files(folder, *video.SUFFIXES):
        found.setdefault(path.stem, []).append(path)
    return found


def _place(shown: Sequence[Video], found: Mapping[str, Sequence[Path]], videos: Path) -> None:
    """Copy each video's file; of several, the one that decodes to the annotated frames."""
    if missing := [one.title for one in shown if one.title not in found]:
        raise UserError(
            f"no video file for {', '.join(missing[:3])}{' …' if missing[3:] else ''} "
            f"({len(missing)} of {len(shown)} missing); the download is not whole"
        )
    videos.mkdir(parents=True, exist_ok=True)
    for one in shown:
        path = _matching(one, found[one.title])
        shutil.copyfile(path, videos / path.name)


def _matching(one: Video, candidates: Sequence[Path]) -> Path:
    if len(candidates) == 1:
        return candidates[0]  # sample counts its frames
    counts = {path: video.count(path) for path in candidates}
    for path, frames in counts.items():
        if frames == one.n_frames:
            log.info("%s: %s has the %d frames annotated", one.title, path.name, frames)
            return path
    said = ", ".join(f"{path.name} {frames}" for path, frames in counts.items())
    raise UserError(f"{one.title}: annotated for {one.n_frames} frames; decoded: {said}")
