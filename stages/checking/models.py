"""What models are fed, and whether they, and what they leave, have room: no weights are read."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from stages.artifacts.captions import Caption
from stages.checking.finding import NotYetError
from stages.checking.recipe import Dataset
from stages.errors import UnreachableError, UserError
from stages.finetuning import asked
from stages.finetuning.settings import Finetune
from stages.llm import context, corpus, weights
from stages.llm.context import Longest
from stages.llm.examples import Examples, written
from stages.llm.settings import Embed
from stages.params import Params
from stages.planning import tuned_rows, tuning
from stages.scorers.settings import Entry
from stages.sources import featured
from stages.sources.settings import Clip
from stages.training.lesson import lesson
from stages.training.provisions import lack
from stages.work.architecture import Decoder


def scorers(settings: Params, dataset: Dataset) -> str:
    """Which rows of run.models can be fed, by what the recipe has, and what the others lack.

    Raises UserError where none can, or a file is not here.
    """
    recipe = dataset.recipe
    if recipe.train is None:
        return "none: scores are given"
    provided = recipe.provides
    _features(dataset)
    fed, left_out = [], []
    for name in settings.run.models:
        entry, _ = lesson(settings.models[name], recipe.train, dataset.name, name)
        lacks = [wanted for wanted in entry.inputs if wanted not in provided]
        if lacks:
            whys = "; ".join(map(lack, lacks))
            left_out.append(f"{name} will be left out: {whys}")
        else:
            _at_hand(name, entry)
            fed.append(name)
    if not fed:
        raise UserError(
            f"params.yaml: run.models: no row can be fed in {dataset.name}, where "
            f"{recipe.given.kind} are given: {'. '.join(left_out)}"
        )
    return ". ".join([f"{', '.join(fed)} can be fed", *left_out])


def _features(dataset: Dataset) -> None:
    """Raises UserError where a file of features is not here, or does not fit the timeline: the
    features stage reads all that are named, whatever is fed.
    """
    features = dataset.recipe.features
    if features is None:
        return
    for name, path in features.paths.items():
        if path is None or (name == "clip" and isinstance(features.clip, Clip)):
            continue
        if featured.width(Path(path)) is None:
            raise UserError(
                f"params.yaml: datasets.{dataset.name}.features.{name}: there is no file {path}; "
                "name one that is here, or null"
            )
        with suppress(NotYetError):
            featured.check(Path(path), dataset.timeline)


def _at_hand(name: str, entry: Entry) -> None:
    """Raises UserError where a file that a row starts from is not here."""
    start = getattr(entry, "start", None)
    if start is not None and not Path(start).expanduser().is_file():
        raise UserError(
            f"params.yaml: models.{name}.start: there is no file {start}; name one that is here, "
            "or null"
        )


def prompts(dataset: Dataset) -> str:
    """Whether every prompt fits the LLM's context, as far as captions are here."""
    embed = dataset.recipe.embed
    if embed is None:
        return "none: no LLM is asked"
    here = weights.status(embed.llm, embed.revision)
    if not here.present:
        raise NotYetError(f"the tokenizer of {embed.llm} is not here; {here.remedy}")
    captions = dataset.captions()
    if captions is None:
        shown = written(embed) if embed.prompt.shown.source == "written" else ()
        found = _refused(dataset, context.longest({}, embed, [shown]), "the prompt")
        raise NotYetError(
            f"{found.shared} tokens before any caption{_of(found)}; captions are not here yet"
        )
    said, origin = captions
    found = _refused(dataset, context.longest(said, embed, _shown(dataset, embed, said)), origin)
    return f"the longest, frame {found.pick} of {found.video}, has {found.total} tokens{_of(found)}"


def tuned(dataset: Dataset) -> str:
    """Whether the models that are to be fine-tuned have what is to be adapted, and room for what
    they are asked meanwhile.
    """
    recipe = dataset.recipe
    finetune = recipe.finetune
    if finetune is None or not finetune.rows:
        return "none: finetune.rows names no row"
    said = []
    try:
        if "zero-shot*" in finetune.rows:
            assert recipe.embed is not None  # the schema's to see to
            embed = asked.embed(finetune, recipe.embed, dataset.name)
            model = tuned_rows.language(embed)
            said.append(f"zero-shot*: {_adapted(finetune, model)}")
            _fits(dataset, embed)
        if "direct*" in finetune.rows:
            model, _ = tuned_rows.multimodal(asked.caption(finetune, recipe.caption, dataset.name))
            said.append(f"direct*: {_adapted(finetune, model)}")
    except UnreachableError as error:
        raise NotYetError(str(error)) from error
    except UserError as error:
        raise UserError(f"params.yaml: datasets.{dataset.name}: {error}") from error
    runs = tuning.runs(finetune, recipe.splits)
    return f"{'; '.join(said)}; {runs} adapters of each, {' and '.join(finetune.protocols)}"


def _adapted(finetune: Finetune, model: Decoder) -> str:
    layers = finetune.lora.layers or model.layers
    return (
        f"{tuning.parameters(model, finetune):,} parameters in the last {layers} of "
        f"{model.layers} layers"
    )


def _fits(dataset: Dataset, embed: Embed) -> None:
    """Raises UserError where a prompt is longer than the model's context, as far as captions are
    here.
    """
    captions = dataset.captions()
    if captions is not None and weights.status(embed.llm, embed.revision).present:
        said, _ = captions
        context.check(said, embed, _shown(dataset, embed, said))


def _shown(dataset: Dataset, embed: Embed, said: Mapping[str, Sequence[Caption]]) -> list[Examples]:
    if embed.prompt.shown.source == "written" or not embed.prompt.shown.count:
        return [written(embed)]
    judged = dataset.judged
    if judged is None:
        return [()]  # the least that they can be
    split_by, parts = dataset.recipe.splits, dataset.timeline.parts
    planned = corpus.shown_by_split(said, judged, embed, split_by, parts)
    return [examples for each in planned.values() for _, examples in each]


def _refused(dataset: Dataset, found: Longest, origin: str) -> Longest:
    if found.problem is not None:
        raise UserError(f"params.yaml: datasets.{dataset.name}.embed, {origin}: {found.problem}")
    return found


def _of(found: Longest) -> str:
    return "" if found.room is None else f" of {found.room}"
