"""The finetune stage on a recipe's sheet: its cost, its adapters, what it asks of a machine."""

from collections.abc import Iterator
from pathlib import Path

from stages.captioners import llava
from stages.captioners.settings import ImageTextCaption
from stages.finetuning import asked
from stages.finetuning.cost import ANSWER
from stages.finetuning.settings import Finetune
from stages.llm import weights
from stages.llm.settings import Embed
from stages.params import Recipe
from stages.planning import estimate, tuning, workload
from stages.planning.sheet import TEMPLATE_TOKENS, Kept, Sheet, advice
from stages.planning.tuning import Lessons
from stages.splits.settings import Splits
from stages.work import architecture, hub
from stages.work.architecture import Decoder
from stages.work.burden import Burden


def add(sheet: Sheet, dataset: str, recipe: Recipe, words: int) -> None:
    """Whatever of it a recipe asks for.

    Args:
        words: of a caption.

    Raises:
        UserError: a configuration or tokenizer cannot be had, or a model has no such layers or maps
            as are to be adapted.
    """
    tuned = recipe.finetune
    if tuned is None or recipe.embed is None:
        return
    if "zero-shot*" in tuned.rows:
        llm = asked.embed(tuned, recipe.embed, dataset)
        model = language(llm)
        prompt = workload.prompt(llm, words)
        lessons = Lessons(model, llm.dtype, prompt.prefix + prompt.query)
        answering = estimate.embed(llm, sheet.frames, model, prompt, 1, sheet.machine)
        _add(sheet, tuned, recipe.splits, lessons, answering, llm.llm, "embed.llm")
        states = sheet.embeddings(model.hidden) * len(tuned.protocols) * len(tuned.seeds)
        sheet.disk.append(Kept("states behind fine-tuned replies", work=states))
    if "direct*" in tuned.rows:
        captioner = asked.caption(tuned, recipe.caption, dataset)
        model, vision = multimodal(captioner)
        words_asked = workload.tokens(captioner.prompts.direct, recipe.embed) + TEMPLATE_TOKENS
        lessons = Lessons(model, captioner.dtype, vision.tokens + words_asked, vision.operations)
        alone = captioner.model_copy(update={"describe": ("general",), "direct": False})
        answering = estimate.caption(
            alone, sheet.frames, model, vision, words_asked, ANSWER, sheet.machine
        )
        _add(sheet, tuned, recipe.splits, lessons, answering, captioner.model, "caption.model")


def language(llm: Embed) -> Decoder:
    """The LLM's numbers, by its configuration. Raises UserError where that cannot be had."""
    here = weights.status(llm.llm, llm.revision)
    folder = Path(here.state) if here.present else None
    config = architecture.configuration(llm.llm, llm.revision, weights.KIND, folder)
    return architecture.language(llm.llm, config)


def multimodal(captioner: ImageTextCaption) -> tuple[Decoder, architecture.Vision]:
    """The captioner's, by its configuration. Raises UserError where that cannot be had."""
    here = hub.status(captioner.model, captioner.revision, llava.KIND)
    folder = Path(here.state) if here.present else None
    config = architecture.configuration(captioner.model, captioner.revision, llava.KIND, folder)
    return architecture.multimodal(captioner.model, config)


def _add(
    sheet: Sheet,
    tuned: Finetune,
    splits: Splits,
    lessons: Lessons,
    answering: estimate.Cost,
    name: str,
    setting: str,
) -> None:
    cost = tuning.cost(tuned, splits, sheet.frames, lessons, answering, sheet.machine)
    sheet.costs.append(cost)
    sheet.notes += advice(cost, name, sheet.machine, "finetune.batch", tuned.batch)
    sheet.notes += _said(name, tuned, splits, lessons, sheet)
    runs = tuning.runs(tuned, splits)
    numbers = runs * tuning.parameters(lessons.model, tuned)
    sheet.disk.append(Kept.output(f"{runs} adapters", 4.0 * numbers, work=tuning.KEPT * numbers))
    frames = runs * tuning.learnt(tuned, splits, sheet.frames)
    sheet.burdens.append(
        Burden(
            *(name, f"finetune.{setting}", lessons.model.parameters, lessons.dtype),
            *(frames, "frames to learn from", cost.operations),
        )
    )


def _said(
    name: str, tuned: Finetune, splits: Splits, lessons: Lessons, sheet: Sheet
) -> Iterator[str]:
    runs, learnt = tuning.runs(tuned, splits), tuning.learnt(tuned, splits, sheet.frames)
    tokens = lessons.tokens + ANSWER
    times = len(tuned.protocols) * len(tuned.seeds)
    yield (
        f"finetune: {name}, {runs} adapters of {tuning.parameters(lessons.model, tuned):,} "
        f"parameters, each from {learnt:,} prompts of {tokens:.0f} tokens, their answers included: "
        f"{runs * learnt * tokens / 1e6:.1f} million tokens. Every frame is then answered for"
        + (f", {times} times over" if times > 1 else "")
    )
