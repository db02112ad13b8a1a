"""caption: every sampled frame becomes a sentence."""

import json
import logging
from collections.abc import Iterable
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

log = logging.getLogger("llmvs")


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
    recipe = params.recipe(dataset)
    if recipe.embeddings is not None:
        with reading(frames) as videos:
            places = [(video.name, int(pick)) for video in videos for pick in video.picks()]
        _write(out, ((*place, "") for place in places))
        log.info("%s: no captions, the recipe's embeddings are given", out)
        return
    plan = registry.plan(recipe.caption)
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
    captions = (str(arrays["caption"]) for arrays in results)
    _write(out, ((*place, said) for place, said in zip(places, captions, strict=True)))
    store.keep(out, (task.key for task in tasks))


def _write(out: Path, captions: Iterable[tuple[str, int, str]]) -> None:
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8") as file:
        for video, pick, said in captions:
            line = {"video": video, "pick": pick, "caption": said}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    command.run(caption)
