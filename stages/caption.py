"""caption: every sampled frame becomes a sentence."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import captions as caption_file
from stages.artifacts.captions import Caption
from stages.artifacts.frames import reading
from stages.captioners import asking, registry
from stages.captioners.captioner import Frame
from stages.captioners.settings import CaptionSettings
from stages.llm.reply import parser
from stages.work.store import Store

log = logging.getLogger("llmvs")


def caption(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    frames: Annotated[Path, typer.Option(help="the sampled frames (from sample)")],
    out: Annotated[Path, typer.Option(help="JSON lines to write, one a frame")],
) -> None:
    """Describe every sampled frame in a sentence or a few, with a frozen captioner.

    A finished caption is kept in the work store under the frame's own bytes and all that decides
    its words, so a stopped run goes on where it was, a frame that occurs twice is captioned once,
    and adding a video costs that video.

    A multimodal LLM can be asked several things of a frame (caption.describe), whose answers make
    its caption, and for the score itself (caption.direct), which goes on the line as it was said,
    `reply`, and from 0 to 1, `score`, null where the reply holds none.

    Without a GPU, a large model that would take more than a day is refused with the hours, unless
    LLMVS_SLOW=1.

    Each line: {"video": "video_1", "pick": 0, "caption": "..."}, videos in natural order, picks
    ascending.
    """
    settings: CaptionSettings = section.lookup(CaptionSettings, "datasets", dataset, "caption")
    places, images = [], []
    with reading(frames) as videos:
        for video in videos:
            for index, (pick, jpeg) in enumerate(zip(video.picks(), video.jpegs(), strict=True)):
                places.append((video.name, int(pick)))
                images.append((Frame(video.name, index), asking.jpeg_key(jpeg)))
    store = Store.default("caption", out)
    answers: dict[str, list[str]] = {}
    keys: list[str] = []
    for question, plan in registry.plans(settings).items():
        tasks = asking.tasks(plan, images)
        log.info("asking of every frame: %s", question)
        answers[question] = asking.answers(plan, tasks, frames, store)
        keys += [task.key for task in tasks]
    replies = answers.pop(registry.DIRECT, None)
    captions = [
        asking.joined(dict(zip(answers, of, strict=True)))
        for of in zip(*answers.values(), strict=True)
    ]
    lines = [
        Caption(video=video, pick=pick, caption=said)
        for (video, pick), said in zip(places, captions, strict=True)
    ]
    if replies is not None:
        assert settings.captioner == "llava"  # the only one that can be asked
        lowest, highest = settings.scale
        parse = parser(settings.answer, settings.scale)
        for place, reply in enumerate(replies):
            score = parse(reply)
            share = None if score is None else (score - lowest) / (highest - lowest)
            lines[place] = lines[place].model_copy(update={"reply": reply, "score": share})
    caption_file.write(out, lines)
    store.keep(keys)


if __name__ == "__main__":
    command.run(caption)
