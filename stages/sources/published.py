"""SumMe and TVSum as `videos/` and annotations in the field's schema.

Shapes: T sampled frames, N video frames, U users.
"""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stages.artifacts import field as annotations
from stages.artifacts.field import EVERY, Annotations, VideoAnnotations
from stages.errors import UserError
from stages.media import video
from stages.sources import summe, tvsum
from stages.sources.fetch import Remote, fetch
from stages.sources.places import files, opened
from stages.sources.settings import SumMeDownload, TVSumDownload

log = logging.getLogger("llmvs")

TVSUM_INNER = ("-video.zip", "-data.zip", "-matlab.zip")


def make_summe(
    name: str, settings: SumMeDownload, out: Path, work: Path, videos: bool = True
) -> None:
    """Write `out`/videos and `out`/annotations.h5 of SumMe.

    Without `videos` the folder stays empty, and the field's h5 is enough where it is named.

    Raises UserError where a ground truth or video is missing, or no file of a video has the
    annotated number of frames.
    """
    (out / "videos").mkdir(parents=True, exist_ok=True)
    if not videos and settings.h5 and settings.source is None:
        judged = list(annotations.read(Path(settings.h5).expanduser()).videos)
    else:
        with opened(settings.url, settings.source, work) as folder:
            grounds = files(folder, ".mat")
            if not grounds:
                raise UserError(f"{folder} holds no GT/*.mat; is it SumMe?")
            chosen = summe.read_folder(grounds[0].parent)
            judged = [of_summe(number, video) for number, video in enumerate(chosen, 1)]
            judged = with_field(judged, settings.h5)
            if videos:
                _place(judged, _by_stem(folder), out / "videos")
    annotations.write(out / "annotations.h5", Annotations(name, False, tuple(judged)))


def make_tvsum(
    name: str, settings: TVSumDownload, out: Path, work: Path, videos: bool = True
) -> None:
    """Write `out`/videos and `out`/annotations.h5 of TVSum.

    Annotations come from `ydata-tvsum50.mat` or `ydata-tvsum50-anno.tsv` beside the videos; where
    neither is there, the .mat is fetched. Without `videos` the folder stays empty and the archive
    is not fetched.

    Raises UserError where a video is missing.
    """
    (out / "videos").mkdir(parents=True, exist_ok=True)
    if not videos and settings.source is None:
        judged = with_field(_numbered(_fetched_mat(settings, work)), settings.h5)
    else:
        with opened(settings.url, settings.source, work, TVSUM_INNER) as folder:
            judged = with_field(_numbered(_tvsum_judged(folder, settings, work)), settings.h5)
            if videos:
                _place(judged, _by_stem(folder), out / "videos")
    annotations.write(out / "annotations.h5", Annotations(name, False, tuple(judged)))


def _numbered(judged: Sequence[tvsum.Judged]) -> list[VideoAnnotations]:
    return [of_tvsum(number, video) for number, video in enumerate(judged, 1)]


def _tvsum_judged(folder: Path, settings: TVSumDownload, work: Path) -> list[tvsum.Judged]:
    if found := files(folder, "ydata-tvsum50.mat"):
        return tvsum.read_mat(found[0])
    if found := files(folder, "ydata-tvsum50-anno.tsv"):
        return tvsum.in_field_order(tvsum.read_tsv(found[0]))
    return _fetched_mat(settings, work)


def _fetched_mat(settings: TVSumDownload, work: Path) -> list[tvsum.Judged]:
    remote = Remote(settings.annotations_url, settings.annotations_sha256)
    return tvsum.read_mat(fetch(remote, work))


def of_summe(number: int, chosen: summe.Chosen) -> VideoAnnotations:
    """SumMe's `video_{number}`: gtscore is the share of users whose summary shows a frame."""
    picks_T = np.arange(0, chosen.n_frames, EVERY)
    return VideoAnnotations(
        name=f"video_{number}",
        video_name=chosen.name,
        n_frames=chosen.n_frames,
        picks_T=picks_T,
        gtscore_T=chosen.user_summary_UN.mean(axis=0)[picks_T],
        user_summary_UN=chosen.user_summary_UN,
    )


def of_tvsum(number: int, judged: tvsum.Judged) -> VideoAnnotations:
    """TVSum's `video_{number}`: gtscore is the users' mean, brought from 1..5 to 0..1.

    Users' summaries depend on shots and are made where those are known (`evaluate`).
    """
    picks_T = np.arange(0, judged.n_frames, EVERY)
    mean_T = judged.user_scores_UN[:, picks_T].mean(axis=0)
    return VideoAnnotations(
        name=f"video_{number}",
        video_name=judged.youtube_id,
        n_frames=judged.n_frames,
        picks_T=picks_T,
        gtscore_T=((mean_T - tvsum.LOWEST) / (tvsum.HIGHEST - tvsum.LOWEST)).astype(np.float32),
        user_scores_UN=judged.user_scores_UN,
    )


def with_field(judged: Sequence[VideoAnnotations], h5: str | None) -> list[VideoAnnotations]:
    """The annotations with change_points, picks, gtscore and user_summary of the field's h5.

    Videos are matched by `video_N`. Raises UserError where the file is not there, or a video of
    it is missing or has another number of frames.
    """
    if h5 is None:
        log.info(
            "no h5 of the field named (download.h5): shots will be this project's own, and every "
            "figure that rests on them says so"
        )
        return list(judged)
    field = {video.name: video for video in annotations.read(Path(h5).expanduser()).videos}
    merged = []
    for own in judged:
        if own.name not in field:
            raise UserError(f"{h5}: lacks {own.name} ({own.video_name}); is it another dataset's?")
        theirs = field[own.name]
        if theirs.n_frames != own.n_frames:
            raise UserError(
                f"{h5}: {own.name} has {theirs.n_frames} frames, and the annotations of "
                f"{own.video_name} {own.n_frames}; is it another dataset's?"
            )
        if theirs.user_summary_UN is None or theirs.change_points_S2 is None:
            raise UserError(f"{h5}: {own.name} lacks user_summary or change_points")
        merged.append(
            replace(
                own,
                picks_T=theirs.picks_T,
                gtscore_T=theirs.gtscore_T,
                change_points_S2=theirs.change_points_S2,
                user_summary_UN=theirs.user_summary_UN,
            )
        )
    return merged


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in files(folder, *video.SUFFIXES):
        found.setdefault(path.stem, []).append(path)
    return found


def _place(
    judged: Sequence[VideoAnnotations], found: Mapping[str, Sequence[Path]], videos: Path
) -> None:
    """Copy each video's file; of several, the one that decodes to the annotated frames."""
    if missing := [video.video_name for video in judged if video.video_name not in found]:
        raise UserError(
            f"no video file for {', '.join(missing[:3])}{' …' if missing[3:] else ''} "
            f"({len(missing)} of {len(judged)} missing); the download is not whole"
        )
    for one in judged:
        path = _matching(one, found[one.video_name])
        shutil.copyfile(path, videos / path.name)


def _matching(one: VideoAnnotations, candidates: Sequence[Path]) -> Path:
    if len(candidates) == 1:
        return candidates[0]  # sample counts its frames
    counts = {path: video.count(path) for path in candidates}
    for path, frames in counts.items():
        if frames == one.n_frames:
            log.info("%s: %s has the %d frames annotated", one.video_name, path.name, frames)
            return path
    said = ", ".join(f"{path.name} {frames}" for path, frames in counts.items())
    raise UserError(f"{one.video_name}: annotated for {one.n_frames} frames; decoded: {said}")
