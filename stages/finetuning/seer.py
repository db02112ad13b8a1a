"""direct*: the captioner that is asked for the score itself, told by people's what to say."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from stages.artifacts import frames
from stages.captioners import asking, llava, registry
from stages.captioners.captioner import Frame
from stages.captioners.llava import ImageTextPlan
from stages.captioners.settings import ImageTextCaption
from stages.errors import UserError
from stages.finetuning.cost import operations
from stages.finetuning.jobs import Job
from stages.finetuning.pupil import Ids, Reader
from stages.finetuning.settings import Finetune
from stages.work import architecture, hub
from stages.work.burden import Burden
from stages.work.store import Store
from stages.work.tokens import as_text

log = logging.getLogger("llmvs")

PROMPT = 50
"""Tokens of the prompt and its template beside the image's, about."""


@dataclass(frozen=True)
class Seer:
    """How the captioner is asked; an `examinee.Examinee`.

    settings: the recipe's `caption` as it is asked here. path: the frames file. pictures: of each
    video's frames in order, `asking.jpeg_key`.
    """

    settings: ImageTextCaption
    path: Path
    pictures: Mapping[str, Sequence[str]]

    @property
    def scale(self) -> tuple[int, int]:
        return self.settings.scale

    @property
    def template(self) -> str:
        return self.settings.answer

    @property
    def _plan(self) -> ImageTextPlan:
        asked = self.settings.model_copy(update={"direct": True})
        found = registry.plans(asked)[registry.DIRECT]
        assert isinstance(found, ImageTextPlan)
        return found

    def determinants(self) -> dict[str, Any]:
        decided = self._plan.determinants()
        del decided["max_new_tokens"]  # of replies
        return decided

    def prompt(self, frame: Frame) -> Frame:
        return frame

    def content(self, frame: Frame) -> str:
        return self.pictures[frame.video][frame.index]

    def loader(self) -> "SeerLoader":
        return SeerLoader(self._plan, self.path)

    def replies(
        self, videos: Sequence[str], adapter: bytes, store: Store
    ) -> tuple[dict[str, list[str]], list[str]]:
        plan = replace(self._plan, adapter=adapter)
        images = [
            (Frame(video, index), picture)
            for video in videos
            for index, picture in enumerate(self.pictures[video])
        ]
        tasks = asking.tasks(plan, images)
        said = asking.answers(plan, tasks, self.path, store)
        replies = {video: [next(said) for _ in self.pictures[video]] for video in videos}
        return replies, [task.key for task in tasks]

    def burden(self, frames: int, settings: Finetune) -> Burden | None:
        name, revision = self.settings.model, self.settings.revision
        here = hub.status(name, revision, llava.KIND)
        folder = Path(here.state) if here.present else None
        config = architecture.configuration(name, revision, llava.KIND, folder)
        try:
            model, vision = architecture.multimodal(name, config)
        except UserError as error:
            log.info("how long it takes cannot be told: %s", error)
            return None
        each = vision.operations + operations(model, vision.tokens + PROMPT, settings)
        return Burden(
            *(name, "finetune.caption.model", model.parameters, self.settings.dtype),
            *(frames, "frames to learn from", frames * each),
        )


def seers(settings: ImageTextCaption, path: Path, jobs: Sequence[Job]) -> dict[Job, Seer]:
    """The captioner as each job has it asked, which is the same for all.

    Raises UserError where the frames file at `path` cannot be read.
    """
    with frames.reading(path) as videos:
        pictures = {video.name: [*map(asking.jpeg_key, video.jpegs())] for video in videos}
    # Workers on other machines see the same files, from a folder of their own.
    settings = settings.model_copy(update={"model": hub.anywhere(settings.model)})
    return dict.fromkeys(jobs, Seer(settings, path.resolve(), pictures))


@dataclass(frozen=True)
class SeerLoader:
    """Loads the captioner where it is to learn."""

    plan: ImageTextPlan
    path: Path

    def __call__(self) -> Reader:
        return _SeerReader(self.plan, self.path)


class _SeerReader:
    def __init__(self, plan: ImageTextPlan, path: Path) -> None:
        self.name = plan.settings.model
        self._captioner = plan.load()
        self.model = self._captioner.model
        self._path = path

    def read(self, prompts: Sequence[Frame], /) -> tuple[list[Ids], Mapping[str, Tensor]]:
        with frames.reading(self._path) as videos:
            images = [videos.by_name[frame.video].image(frame.index) for frame in prompts]
        more = dict(self._captioner.inputs(images).to(self.model.device))
        ids_BL, there_BL = more.pop("input_ids"), more.pop("attention_mask")
        for name, each in more.items():
            if each.shape == ids_BL.shape:
                raise UserError(
                    f"{self.name}: its processor says {name} of every token, which direct* cannot "
                    "say of the answer that it is to learn; fine-tune a captioner without"
                )
        read = [
            tuple(ids[there.bool()].tolist()) for ids, there in zip(ids_BL, there_BL, strict=True)
        ]
        return read, more

    def answer(self, text: str, /) -> Ids:
        tokenizer = self._captioner.tokenizer
        return (*as_text(tokenizer, text), tokenizer.eos_token_id)
