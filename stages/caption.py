"""caption: every sampled frame becomes a sentence."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import captions as caption_file
from stages.artifacts.captions import Caption
from stages.artifacts.frames import reading
from stages.captioners import asking, registry
from stages.captioners.captioner import SILENCE
from stages.captioners.settings import CaptionSettings
from stages.llm.reply import parser, share
from stages.work.store import Store

log = logging.getLogger("llmvs")


NOTHING = f'the captioner says nothing, which stands as "{SILENCE}"'
NO_SCORE = "the reply holds no score"


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
    plans = registry.plans(settings)
    with reading(frames) as videos:
        tasks = asking.tasks_by_question(plans, asking.images(videos))
    store = Store.default("caption", out)
    answers: dict[str, Iterator[str]] = {}
    keys: list[str] = []
    for question, plan in plans.items():
        log.info("asking of every frame: %s", question)
        answers[question] = asking.answers(plan, tasks[question], frames, store)
        keys += [task.key for task in tasks[question]]
    counts = Counter[str]()
    caption_file.write(out, _lines(frames, answers, settings, counts))
    store.keep(keys)
    for what, count in (+counts).items():
        log.warning("of %d frames %s", count, what)


def _lines(
    frames: Path,
    answers: Mapping[str, Iterator[str]],
    settings: CaptionSettings,
    counts: Counter[str],
) -> Iterator[Caption]:
    """Every frame's line, made of what was answered of it; each question's answers in order.

    counts: of how many frames something is to be said, by what.
    """
    scored: Callable[[str], float | None] | None = None
    if registry.DIRECT in answers:
        assert settings.captioner == "llava"  # the only one that can be asked
        scored = partial(_scored, parser(settings.answer, settings.scale), settings.scale)
    with reading(frames) as videos:
        for video in videos:
            for pick in video.picks().tolist():
                said = {question: next(of) for question, of in answers.items()}
                reply = said.pop(registry.DIRECT, None)
                counts[NOTHING] += SILENCE in said.values()
                line = Caption(video=video.name, pick=pick, caption=asking.joined(said))
                if reply is not None and scored is not None:
                    line = line.model_copy(update={"reply": reply, "score": scored(reply)})
                    counts[NO_SCORE] += line.score is None
                yield line


def _scored(
    parse: Callable[[str], float | None], scale: tuple[int, int], reply: str
) -> float | None:
    """The score that a reply holds, 0 to 1; None where it holds none."""
    score = parse(reply)
    return None if score is None else float(share(score, scale))


if __name__ == "__main__":
    command.run(caption)
