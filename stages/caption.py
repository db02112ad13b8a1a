"""caption: every sampled frame becomes a sentence."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.captioners import registry
from stages.captioners.captioner import CaptionWorker, Frame
from stages.datasets.frames import reading
from stages.work.executor import Task, complete
from stages.work.files import replacing
from stages.work.store import Store, key


def caption(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    frames: Annotated[Path, typer.Option(help="the sampled frames (from sample)")],
    out: Annotated[Path, typer.Option(help="JSON lines to write, one a frame")],
) -> None:
    """Describe every sampled frame in one sentence, with a frozen captioner.

    A finished caption is kept in the work store under the frame's own bytes and all that decides
    its words, so a stopped run goes on where it was, a frame that occurs twice is captioned once,
    and adding a video costs that video.

    Each line: {"video": "video_1", "pick": 0, "caption": "..."}, videos in natural order, picks
    ascending.
    """
    plan = registry.plan(params.recipe(dataset).caption)
    determinants = plan.determinants()
    places, tasks = [], []
    with reading(frames) as videos:
        for video in videos:
            for index, (pick, jpeg) in enumerate(zip(video.picks(), video.jpegs(), strict=True)):
                places.append((video.name, int(pick)))
                item = key(stage="caption", jpeg=jpeg, captioner=determinants)
                tasks.append(Task(item, Frame(video.name, index)))
    store = Store.default()
    results = complete(tasks, partial(CaptionWorker, plan, frames), store)
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8") as file:
        for (name, pick), arrays in zip(places, results, strict=True):
            line = {"video": name, "pick": pick, "caption": str(arrays["caption"])}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    store.keep(out, (task.key for task in tasks))


if __name__ == "__main__":
    command.run(caption)
