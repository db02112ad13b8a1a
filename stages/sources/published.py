"""SumMe and TVSum as a timeline, people's judgement, and `videos/`.

Shapes: T sampled frames, N video frames, U users.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stages.artifacts import names, people, timeline
from stages.artifacts.field import Annotated
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.media import video
from stages.sources import field_h5, ground_truth, shots, summe, tvsum, versions
from stages.sources.fetch import Remote, fetch, place
from stages.sources.field_h5 import Pair
from stages.sources.places import ARCHIVES, copied, files, opened, there
from stages.sources.settings import SumMeDownload, TVSumDownload
from stages.work.store import Store

TVSUM_INNER = ("-video.zip", "-data.zip", "-matlab.zip")

_JUDGED = ("ydata-tvsum50.mat", "ydata-tvsum50-anno.tsv")


def make_summe(
    name: str, settings: SumMeDownload, out: Path, work: Path, videos: bool = True
) -> None:
    """Write `out`/timeline.h5, `out`/people.h5 and, where `videos`, `out`/videos of SumMe.

    Without videos only the ground truth is fetched, and nothing where the field's h5 is named.

    work: kept across runs, a folder of the work store's.

    Raises UserError where a ground truth or video is missing.
    """
    store, keys = Store(work.parent, "download", out / "timeline.h5"), list[str]()
    alone = None if settings.h5 is None else field_h5.read("summe", settings.h5)
    if videos:
        with opened(settings.url, settings.source, work) as folder:
            truth = ground_truth.among(files(folder, ".mat"), folder)[0].parent
            annotated = _summe(name, truth, settings)
            keys = _place(annotated.timeline.videos, folder, out / "videos", store)
    elif alone is not None and settings.source is None:
        annotated = _renamed(name, alone)
    else:
        with ground_truth.folder(settings.url, settings.source, work) as truth:
            annotated = _summe(name, truth, settings)
    _write(out, annotated)
    if keys:
        store.keep(keys)


def make_tvsum(
    name: str, settings: TVSumDownload, out: Path, work: Path, videos: bool = True
) -> None:
    """Write `out`/timeline.h5, `out`/people.h5 and, where `videos`, `out`/videos of TVSum.

    Annotations come from `ydata-tvsum50.mat` or `ydata-tvsum50-anno.tsv` beside the videos; where
    neither is there, the .mat is fetched. Without videos the archive is not, and either of the two
    will do as `settings.source`.

    work: kept across runs, a folder of the work store's.

    Raises UserError where a video is missing.
    """
    store, keys = Store(work.parent, "download", out / "timeline.h5"), list[str]()
    if settings.h5 is not None:
        field_h5.read("tvsum", settings.h5)
    if not videos and settings.source is None:
        annotated = _tvsum(name, _fetched_mat(settings, work), settings)
    elif not videos and (alone := _annotation_file(settings)) is not None:
        annotated = _tvsum(name, judged_of_tvsum(alone), settings)
    else:
        within = video.SUFFIXES if videos else _JUDGED
        with opened(settings.url, settings.source, work, TVSUM_INNER, tuple(within)) as folder:
            annotated = _tvsum(name, _tvsum_judged(folder, settings, work), settings)
            if videos:
                keys = _place(annotated.timeline.videos, folder, out / "videos", store)
    _write(out, annotated)
    if keys:
        store.keep(keys)


def at_hand(
    name: str, settings: SumMeDownload | TVSumDownload, work: Path, videos: bool
) -> Annotated | None:
    """What download will make of annotations that are here and open at once: a folder, SumMe's
    .zip, an h5 in their place. None where they are to be fetched or unpacked first.

    Raises UserError as `make_summe` and `make_tvsum` will.
    """
    source = None if settings.source is None else Path(settings.source).expanduser()
    if isinstance(settings, SumMeDownload):
        if source is None:
            if videos or settings.h5 is None:
                return None
            return _renamed(name, field_h5.read("summe", settings.h5))
        if source.is_dir() or source.suffix == ".zip" or not source.exists():
            with ground_truth.folder(settings.url, settings.source, work) as truth:
                return _summe(name, truth, settings)
    elif not videos and (alone := _annotation_file(settings)) is not None:
        return _tvsum(name, judged_of_tvsum(alone), settings)
    elif settings.source is not None:
        folder = there(settings.source)
        if folder.is_dir() and files(folder, *_JUDGED):
            return _tvsum(name, _tvsum_judged(folder, settings, work), settings)
    return None


def of_files(
    name: str, settings: SumMeDownload | TVSumDownload, place: Path, work: Path
) -> Annotated:
    """Timeline and people from annotation files that are here, in place of the recipe's.

    Args:
        name: of the dataset.
        settings: the recipe's, whose h5 still brings shots, where it names one.
        place: SumMe's folder GT or archive; `ydata-tvsum50.mat`, its .tsv, or the folder of either.
        work: kept across runs.

    Raises:
        UserError: they are not the benchmark's.
    """
    if isinstance(settings, SumMeDownload):
        if place.is_file() and not place.name.lower().endswith(ARCHIVES):
            raise UserError(
                f"{place}: SumMe's annotations are its folder GT, a .mat a video, or an archive of "
                f"it ({', '.join(ARCHIVES)})"
            )
        with ground_truth.folder(settings.url, str(place), work) as truth:
            return _summe(name, truth, settings)
    return _tvsum(name, judged_of_tvsum(place), settings)


def judged_of_tvsum(place: Path) -> list[tvsum.Annotations]:
    """The videos, in the field's order, of `ydata-tvsum50.mat`, its .tsv, or the folder of either.

    Raises UserError where it is none of them.
    """
    if not place.is_dir():
        return _tvsum_judged_by(place)
    for name in _JUDGED:
        if found := files(place, name):
            return _tvsum_judged_by(found[0])
    raise UserError(f"{place} holds neither {' nor '.join(_JUDGED)}; is it TVSum?")


def _renamed(name: str, found: Annotated) -> Annotated:
    return Annotated(replace(found.timeline, dataset=name), replace(found.people, dataset=name))


def _write(out: Path, annotated: Annotated) -> None:
    timeline.write(out / "timeline.h5", annotated.timeline)
    people.write(out / "people.h5", annotated.people)


def _annotated(name: str, pairs: Sequence[Pair]) -> Annotated:
    return Annotated(
        Timeline(name, tuple(video for video, _ in pairs)),
        People(name, False, tuple(judged for _, judged in pairs)),
    )


def _summe(name: str, truth: Path, settings: SumMeDownload) -> Annotated:
    found = summe.read_folder(truth)
    _refuse_gaps(truth, [one.name for one in found])
    pairs = [of_summe(number, one) for number, one in enumerate(found, 1)]
    return _annotated(name, field_h5.with_shots("summe", pairs, settings.h5))


def _refuse_gaps(truth: Path, titles: Sequence[str]) -> None:
    """Videos are numbered by the order of their names. Raises UserError where some of SumMe's are
    there and some are not, so that the others would have numbers that nobody else gives them.
    """
    there = {names.form(title) for title in titles}
    known = shots.known("summe")
    lacking = [one for one in known if names.form(one.title) not in there]
    if 0 < len(lacking) < len(known):
        some = ", ".join(f"{one.title}.mat ({one.name})" for one in lacking[:3])
        raise UserError(
            f"{truth}: lacks {some}{' …' if lacking[3:] else ''}, {len(lacking)} of SumMe's "
            f"{len(known)} videos; fetch the annotations anew, or name them by SumMe's titles"
        )


def _tvsum(name: str, judged: Sequence[tvsum.Annotations], settings: TVSumDownload) -> Annotated:
    pairs = [of_tvsum(number, one) for number, one in enumerate(judged, 1)]
    return _annotated(name, field_h5.with_shots("tvsum", pairs, settings.h5))


def _tvsum_judged(folder: Path, settings: TVSumDownload, work: Path) -> list[tvsum.Annotations]:
    return judged_of_tvsum(folder) if files(folder, *_JUDGED) else _fetched_mat(settings, work)


def _annotation_file(settings: TVSumDownload) -> Path | None:
    """The .mat or .tsv that is named in place of an archive or folder."""
    if settings.source is None or not settings.source.endswith((".mat", ".tsv")):
        return None
    path = Path(settings.source).expanduser()
    return path if path.is_file() else None


def _tvsum_judged_by(path: Path) -> list[tvsum.Annotations]:
    """Of the .mat or the .tsv."""
    if path.suffix == ".tsv":
        return tvsum.in_field_order(tvsum.read_tsv(path))
    return tvsum.read_mat(path)


def _fetched_mat(settings: TVSumDownload, work: Path) -> list[tvsum.Annotations]:
    remote = Remote(settings.annotations_url, settings.annotations_sha256)
    remote = replace(remote, by_hand=f"put it at {place(remote, work)}")
    return tvsum.read_mat(fetch(remote, work))


def of_summe(number: int, chosen: summe.Chosen) -> Pair:
    """SumMe's `video_{number}`: gtscore is the share of users whose summary shows a frame."""
    shown = Video.sampled(f"video_{number}", chosen.name, chosen.n_frames, chosen.fps)
    gtscore_T = chosen.user_summary_UN.mean(axis=0)[shown.picks_T]
    return shown, Judgement(shown.name, gtscore_T, user_summary_UN=chosen.user_summary_UN > 0)


def of_tvsum(number: int, judged: tvsum.Annotations) -> Pair:
    """TVSum's `video_{number}`: gtscore is the users' mean, brought from 1..5 to 0..1.

    Users' summaries depend on shots and are made where those are known (`evaluate`).
    """
    shown = Video.sampled(f"video_{number}", judged.youtube_id, judged.n_frames, judged.fps)
    mean_T = judged.user_scores_UN[:, shown.picks_T].mean(axis=0)
    gtscore_T = ((mean_T - tvsum.LOWEST) / (tvsum.HIGHEST - tvsum.LOWEST)).astype(np.float32)
    return shown, Judgement(shown.name, gtscore_T, user_scores_UN=judged.user_scores_UN)


def _place(shown: Sequence[Video], folder: Path, videos: Path, store: Store) -> list[str]:
    """Copy each video's file; of several, the one that decodes to most nearly the annotated frames.

    Returns the keys of what that choice rests on in the work store.
    """
    found: dict[str, list[Path]] = {}
    for path in files(folder, *video.SUFFIXES):
        found.setdefault(names.form(path.stem), []).append(path)
    matches, _ = names.matched(found, [(one.title, one.title) for one in shown], folder)
    if missing := [one.title for one in shown if one.title not in matches]:
        raise UserError(
            f"no video file for {', '.join(missing[:3])}{' …' if missing[3:] else ''} "
            f"({len(missing)} of {len(shown)} missing): {_looked_at(missing, found)}; the download "
            "is not whole, or its files have other names: each is to have its video's title"
        )
    chosen = versions.nearest(shown, matches, store)
    videos.mkdir(parents=True, exist_ok=True)
    for title, path in chosen.files.items():
        copied(path, videos / f"{title}{path.suffix.lower()}")
    return chosen.keys


def _looked_at(missing: Sequence[str], found: Mapping[str, Sequence[Path]]) -> str:
    """What there is in place of the missing, for a message."""
    if not found:
        return f"there is no file ending in {', '.join(video.SUFFIXES)}"
    pairs = ((title, names.nearest(title, found)) for title in missing)
    near = [f"{found[form][0].name} is nearest to {title}" for title, form in pairs if form]
    some = near or [paths[0].name for paths in found.values()]
    return f"of {len(found)} videos there, {', '.join(some[:3])}{' …' if some[3:] else ''}"
