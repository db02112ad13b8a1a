"""The sample stage: videos to frames, image features and shots."""

import logging
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages import command
from stages.artifacts import features, frames
from stages.artifacts import timeline as timelines
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.media import sampling, shots
from stages.media.films import films
from stages.media.looking import look
from stages.media.sampler import Found, Sampler, taken_of
from stages.media.settings import Looking, sampled_by
from stages.work import pool
from stages.work.bar import progress
from stages.work.executor import Task, stream
from stages.work.store import Store

log = logging.getLogger("llmvs")


def sample(
    dataset: Annotated[str, typer.Option(help="An entry of params.yaml: datasets.")],
    source: Annotated[Path, typer.Option(help="Folder with videos/ and timeline.h5.")],
    timeline: Annotated[Path, typer.Option(help="The final timeline, to write.")],
    frames_to: Annotated[Path, typer.Option("--frames", help="HDF5 file of JPEGs, to write.")],
    images: Annotated[Path, typer.Option(help="HDF5 file of image features, to write.")],
) -> None:
    """Take the frames that the timeline picks out of each video and look at them.

    Writes the picked frames as JPEG, their features by the image encoder, and the timeline with
    the times at which each file shows them and shots: those known already, or kernel temporal
    segmentation of the features where there are none. A video that is missing or damaged ends the
    stage, and so do, all named at once, those whose length differs by more than `tolerance` frames
    from what people judged. Within it the longer of the two is cut: the timeline says by how much,
    and `people.read` goes by that.

    Of films of one's own nothing is known beforehand: a frame is taken every so many seconds, the
    timeline is made here, and a damaged end is left out and said.

    What is taken of a video is kept in the work store under the content of its file and all that
    decides it, so a stopped run goes on where it was, and adding a video costs that video.
    """
    settings = sampled_by(dataset)
    if isinstance(settings, Looking):
        found = _films(dataset, settings, source / "videos", frames_to, images)
        timelines.write(timeline, found)
        return
    known = timelines.read(source / "timeline.h5")
    sampler, store = Sampler(settings), Store.default("sample", frames_to)
    tasks: list[Task[Found]] = []
    files = sampling.find_all(source / "videos", [video.title for video in known.videos])
    for video in known.videos:
        path = files[video.title]
        tasks.append(Task(sampler.key(path, video), (path, video), cost=video.n_frames))
    # Decoding is the work, and of that a GPU does nothing.
    load, processes = partial(Sampler, settings), pool.processes()
    results = stream(tasks, load, store, "videos", "frames", processes=processes)
    final: list[Video] = []
    others: list[tuple[Path, Video, int]] = []
    with frames.writing(frames_to) as put_frames, features.writing(images) as put_features:
        for task, arrays in zip(tasks, results, strict=True):
            (path, video), taken = task.payload, taken_of(arrays)
            if not taken.fits(video, settings):
                others.append((path, video, taken.n_frames))
            elif not others:
                final.append(taken.completed(video, settings))
                put_frames(frames.Sampled(video.name, final[-1].picks_T, taken.jpegs))
                put_features(final[-1], taken.features_TD)
        if others:
            raise sampling.other_lengths(others)
    timelines.write(timeline, Timeline(known.dataset, tuple(final)))
    store.keep(task.key for task in tasks)
    log.info("%s: the frames of %d videos", frames_to, len(final))


def _films(
    dataset: str, settings: Looking, videos: Path, frames_to: Path, images: Path
) -> Timeline:
    store = Store.default("sample", frames_to)
    keys: list[str] = []
    spines: list[Video] = []
    with (
        progress(command.stderr) as bar,
        frames.writing(frames_to) as put_frames,
        features.writing(images) as put_features,
    ):
        row = bar.add_task("frames decoded", total=None)
        for number, path in enumerate(films([videos]), 1):
            film = look(path, settings, store, lambda count: bar.advance(row, count))
            keys += film.keys
            store.begin(film.keys)
            if film.timing.damage:
                log.warning("%s", film.timing.damage)
            spine = shots.spine(film, settings, f"video_{number}")
            spines.append(spine)
            put_frames(frames.Sampled(spine.name, spine.picks_T, film.jpegs(store)))
            put_features(spine, film.features_TD)
    store.keep(keys)
    log.info("%s: the frames of %d films", frames_to, len(spines))
    return Timeline(dataset, tuple(spines))


if __name__ == "__main__":
    command.run(sample)
