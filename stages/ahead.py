"""`llmvs run`: what stages will want, computed beforehand into the work store, over a cluster.

Captions of one video are embedded while another's are made; the stages themselves then find
everything in the store and write their outputs in seconds.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from stages import section
from stages.errors import UserError
from stages.work import claims
from stages.work.store import Store

log = logging.getLogger("llmvs")

STAGES = ("caption", "embed")
WAVES = 8
"""An LLM is loaded for so many parts of the dataset, one after another, or fewer."""
LOOK = 1.0
"""Seconds between two looks for finished captions."""
LEFT = 0.25
"""Of the cluster's workers, for embeddings while captions are made."""


def run(
    dataset: Annotated[str, typer.Argument(help="an entry of params.yaml: datasets")],
    stages: Annotated[str, typer.Option(help="caption, embed, or both")] = "caption,embed",
    data: Annotated[Path, typer.Option(help="folder of what the stages made")] = Path("data"),
) -> None:
    """Compute what stages will want into the work store; `dvc repro` then assembles it in seconds.

    Over the cluster at RAY_ADDRESS with LLMVS_EXECUTOR=ray. Frames have been sampled by then.
    Captions of one video are embedded while another's are made, where the cluster has room for two
    workers. Stopped anywhere and run again, it goes on.
    """
    names = stages.split(",")
    if not names or names != [name for name in STAGES if name in names]:
        raise UserError(f"--stages {stages}: must be caption, embed, or caption,embed")
    from stages.artifacts.places import Places

    if "embed" in names:
        _asked(dataset)
    places = Places(data / dataset)
    outputs = {"caption": places.captions, "embed": places.embeddings}
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(claims.claimed(Store.default().root, outputs[name]))
        if names == ["embed"]:
            _embed(dataset, _written(places), Store.default("embed", places.embeddings))
            return
        captions = _Captions.of(dataset, places)
        if names == ["caption"]:
            captions.make()
        else:
            _both(captions, dataset, Store.default("embed", places.embeddings))


Texts = Mapping[str, Sequence[Any]]
"""Every video's captions (`artifacts.captions.Caption`), a frame each."""


@dataclass(frozen=True)
class _Captions:
    """What is to be asked of every frame. tasks: of each question, in the order of `picks`.

    picks: each video's, in the file's order.
    """

    plans: Mapping[str, Any]
    tasks: Mapping[str, Sequence[Any]]
    picks: Mapping[str, Sequence[int]]
    frames: Path
    store: Store

    @classmethod
    def of(cls, dataset: str, places: Any) -> "_Captions":
        """Raises UserError where frames are not sampled, or the captioner is not to be had."""
        from stages.artifacts.frames import reading
        from stages.captioners import asking, registry
        from stages.captioners.settings import CaptionSettings

        settings = section.lookup(CaptionSettings, "datasets", dataset, "caption")
        plans = registry.plans(settings)
        with reading(places.frames) as videos:
            picks = {video.name: video.picks().tolist() for video in videos}
            tasks = asking.tasks_by_question(plans, asking.images(videos))
        return cls(plans, tasks, picks, places.frames, Store.default("caption", places.captions))

    def make(self) -> None:
        """Have every caption in the store, and every reply."""
        from stages.captioners import asking

        for question, plan in self.plans.items():
            log.info("asking of every frame: %s", question)
            asking.answers(plan, self.tasks[question], self.frames, self.store)

    @cached_property
    def _keys(self) -> dict[str, list[dict[str, str]]]:
        """Of each video's frames those of what makes its caption, by question."""
        from stages.captioners import registry

        asked = [question for question in self.plans if question != registry.DIRECT]
        of_all = iter(zip(*(self.tasks[question] for question in asked), strict=True))
        return {
            video: [
                {question: task.key for question, task in zip(asked, tasks, strict=True)}
                for tasks in islice(of_all, len(picks))
            ]
            for video, picks in self.picks.items()
        }

    def there(self, video: str) -> bool:
        """Whether its captions are all in the store."""
        return all(key in self.store for of in self._keys[video] for key in of.values())

    def said(self, video: str) -> list[Any] | None:
        """Its captions, where `there`; None where one is damaged, which is made again."""
        from stages.artifacts.captions import Caption
        from stages.captioners import asking

        found = []
        for pick, of in zip(self.picks[video], self._keys[video], strict=True):
            words = {}
            for question, key in of.items():
                arrays = self.store.get(key)
                if arrays is None:
                    return None
                words[question] = str(arrays["caption"])
            found.append(Caption(video=video, pick=pick, caption=asking.joined(words)))
        return found


def _both(captions: _Captions, dataset: str, store: Store) -> None:
    """Make captions here, and embeddings of what is finished in a thread beside."""
    from stages.work import spreading, workers

    ended = threading.Event()
    failed: list[BaseException] = []

    def follow() -> None:
        try:
            _follow(captions, ended, lambda ready: _embed(dataset, ready, store))
        except BaseException as error:  # raised where people are told of it
            failed.append(error)

    beside = threading.Thread(target=follow, daemon=True)
    if workers.spread():
        beside.start()
        with spreading.leaving(LEFT):
            captions.make()
    else:
        captions.make()
        beside.start()
    ended.set()
    beside.join()
    for error in failed:
        raise error


def _follow(captions: _Captions, ended: threading.Event, embed: Callable[[Texts], object]) -> None:
    """Embed the videos as their captions are finished, a wave of them at a time."""
    done: set[str] = set()
    least = -(-len(captions.picks) // WAVES)
    while len(done) < len(captions.picks):
        last = ended.wait(LOOK)
        there = [video for video in captions.picks if video not in done and captions.there(video)]
        due = last or len(there) >= least
        ready = {video: said for video in there if (said := captions.said(video))} if due else {}
        if len(ready) >= least or (last and ready):
            log.info("%d videos have their captions and are embedded", len(ready))
            embed(ready)
            done |= ready.keys()
        elif last:
            raise UserError("captions of the work store are damaged; run again")


def _written(places: Any) -> Texts:
    """The captions that the caption stage wrote, or were given."""
    from stages.artifacts import captions as caption_file
    from stages.artifacts import timeline as timeline_file

    return caption_file.of_timeline(places.captions, timeline_file.read(places.timeline))


def _asked(dataset: str) -> Any:
    """How the LLM is asked (`llm.settings.Embed`).

    Raises UserError where the recipe shows examples of training videos: which those are, and what
    they show, is known when every caption is.
    """
    from stages.llm.settings import Embed

    settings: Embed = section.lookup(Embed, "datasets", dataset, "embed")
    if settings.prompt.shown.drawn:
        raise UserError(
            f"datasets.{dataset}.embed: examples drawn from training videos are known when every "
            "caption is: leave embed to dvc repro, which spreads it over the cluster likewise "
            "(--stages caption)"
        )
    return settings


def _embed(dataset: str, said: Texts, store: Store) -> None:
    """Have what an LLM makes of captions in the store. Raises UserError as `_asked`."""
    from stages.artifacts.captions import Words
    from stages.llm import context
    from stages.llm.examples import written
    from stages.llm.reader import read_videos

    settings = _asked(dataset)
    examples = written(settings)
    context.check(said, settings, [examples])
    readings, _ = read_videos(Words(said), settings, examples, store)
    for _ in readings:  # each is in the store when it comes
        pass
