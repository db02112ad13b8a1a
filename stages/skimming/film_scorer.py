"""What scores films: a head, a recipe's trained row, or what learns nothing.

Shapes: T sampled frames, D width of an input.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
from safetensors import serialize

from stages import section
from stages.artifacts import predictions
from stages.artifacts.names import natural
from stages.artifacts.places import Places
from stages.captioners.settings import CaptionSettings
from stages.errors import UserError
from stages.llm import weights
from stages.llm.fingerprint import determinants, differing
from stages.llm.settings import Embed
from stages.scorers.settings import Input, Model
from stages.section import PARAMS, validated
from stages.skimming.settings import CHECKPOINT, RECIPES, REPRESENTATIVE, Score, captioning
from stages.splits.settings import Splits
from stages.training import provisions
from stages.training.lesson import lesson
from stages.training.settings import Train
from stages.work import store

if TYPE_CHECKING:
    from torch import Tensor

    from stages.scorers.heads.card import Card
    from stages.scorers.scorer import Scorer

log = logging.getLogger("llmvs")

Floats = npt.NDArray[np.float32]
_SIMULATED = "; it learnt from simulated people"

Models = Callable[[], "tuple[Scorer, ...]"]


@dataclass(frozen=True, eq=False)
class FilmScorer:
    """by: what it is, in words. inputs: what it is fed. embed: how the states it is fed are made,
    None where it is fed none. caption: how the captions of those it learnt from were made, where
    that is known. llm: what identifies the LLM of those it learnt from. models: gives those the
    mean of whose scores is the score. contents: what each of them is as a checkpoint, and the
    version of its kind.
    """

    name: str
    by: str
    inputs: tuple[Input, ...]
    embed: Embed | None
    caption: CaptionSettings | None
    llm: Mapping[str, str]
    models: Models
    contents: tuple[tuple[bytes, int], ...]

    def __call__(self, inputs: "Mapping[str, Floats | Tensor]") -> Floats:
        """Scores (T,) from 0 to 1 of a film's inputs by name, each (T, D)."""
        import torch

        fed = {str(name): torch.as_tensor(inputs[name]) for name in self.inputs}
        of_models = torch.stack([model.scores(fed) for model in self.models()])
        scores_T: Floats = of_models.mean(dim=0).numpy()
        return scores_T

    def key(self, inputs: Mapping[str, Floats]) -> str:
        """Of all that decides the scores of inputs, in the work store."""
        fed = {str(name): inputs[name] for name in self.inputs}
        return store.key(stage="score", **self.identity, inputs=fed)

    @property
    def identity(self) -> dict[str, list[Any]]:
        """What decides the scores of the same inputs."""
        return {
            "models": [content for content, _ in self.contents],
            "versions": [version for _, version in self.contents],
        }

    def among(self, caption: CaptionSettings | None) -> str:
        """What it is, in words, for films captioned so: with whose captions it learnt from where
        those are another's.
        """
        if caption is None or self.caption is None or _same(caption, self.caption):
            return self.by
        log.warning(
            "%s learnt from captions by %s, and reads those by %s here: what it is worth on them "
            "nobody measured",
            *(self.name, _writer(self.caption), _writer(caption)),
        )
        return f"{self.by}; it learnt from captions by {_writer(self.caption)}"

    def check(self, embed: Embed, place: str) -> None:
        """Raises UserError, naming what differs, where a section makes other states than it learnt
        from. place: where the section stands in params.yaml.
        """
        assert self.embed is not None
        ours = determinants(embed, weights.identity(embed.llm, embed.revision))
        if paths := differing(ours, determinants(self.embed, self.llm)):
            raise UserError(
                f"{PARAMS}: {place}: {self.name} learnt from other embeddings than these settings "
                f"make; what differs: {', '.join(paths)}"
            )


def of(name: str, data: Path = Path("data")) -> FilmScorer:
    """A scorer by its name, as `settings.Score` has them.

    Args:
        name: its.
        data: folder of what the stages made, for a row that was trained there.

    Raises:
        UserError: there is no such head or row, or it was not trained yet.
    """
    if name == REPRESENTATIVE:
        said = "how much of the film a frame stands for, by its looks"
        return FilmScorer(name, said, ("image",), None, None, {}, _representative, (_UNLEARNT,))
    row = Score(scorer=name).row
    if row is not None:
        return _of_row(name, *row, data)
    from stages.scorers.heads import shelf

    scorer, card = shelf.load(name)
    embed = validated(Embed, dict(card.embed), f"{card.name}'s card", "embed")
    by = f"{card.name} ({card.title}), fed what {embed.llm} makes of the captions"
    if any(source.simulated for source in card.sources):
        by += _SIMULATED
    caption = _captions_of(card)
    return _loaded(card.name, by, card.inputs, embed, caption, card.llm, (scorer,))


def _captions_of(card: "Card") -> CaptionSettings | None:
    """Those of a head's card or, where it learnt from captions that were given, of the recipe that
    was made for it.
    """
    if card.caption is not None:
        return cast(
            CaptionSettings,
            validated(CaptionSettings, dict(card.caption), f"{card.name}'s card", "caption"),
        )
    made = (recipe.caption for recipe in RECIPES.values() if recipe.scorer == card.name)
    return next(made, None)


def _same(one: CaptionSettings, other: CaptionSettings) -> bool:
    """Whether two sections make the same captions, but for last bits."""
    apart = {"batch", "dtype"}
    return one.model_dump(exclude=apart) == other.model_dump(exclude=apart)


def _writer(caption: CaptionSettings) -> str:
    return str(getattr(caption, "model", caption.captioner))


_UNLEARNT = (
    bytes(serialize({}, {"scorer": json.dumps({"architecture": {}, "kind": REPRESENTATIVE})})),
    1,
)
"""What `checkpoints.packed` makes of the scorer that learns nothing, and its version: torch, which
takes seconds to import, is then needed only where a film is scored.
"""


def _representative() -> "tuple[Scorer, ...]":
    from stages.scorers.representative import Representative

    return (Representative(),)


def _loaded(
    name: str,
    by: str,
    inputs: tuple[Input, ...],
    embed: Embed | None,
    caption: CaptionSettings | None,
    llm: Mapping[str, str],
    models: "tuple[Scorer, ...]",
) -> FilmScorer:
    from stages.scorers import checkpoints

    contents = tuple((checkpoints.packed(model), model.version) for model in models)
    return FilmScorer(name, by, inputs, embed, caption, llm, lambda: models, contents)


def llm(name: str) -> str | None:
    """The LLM whose states a scorer is fed, without its weights; None where it reads nothing.

    Raises UserError where there is no such head or row.
    """
    if name == REPRESENTATIVE:
        return None
    row = Score(scorer=name).row
    if row is None:
        from stages.scorers.heads import shelf

        return str(shelf.card(name).embed["llm"])
    dataset, model = row
    if not _reads(provisions.inputs_of(dataset, model)):
        return None
    return str(section.lookup(Embed, "datasets", dataset, "embed").llm)


def _reads(inputs: tuple[Input, ...]) -> bool:
    """Whether an LLM's states are among what a row is fed."""
    return provisions.EMBEDDINGS in provisions.files(inputs)


def _of_row(name: str, dataset: str, model: str, data: Path) -> FilmScorer:
    """A recipe's row: the mean over the folds of its first protocol, with its first seed.

    No training in the DAG learns from every video. Each fold's has seen what the others test, so
    that together they have seen all; and those of the first protocol and seed are kept whatever
    `train.checkpoints` says.
    """
    train: Train = section.lookup(Train, "datasets", dataset, "train")
    splits: Splits = section.lookup(Splits, "datasets", dataset, "splits")
    entry = lesson(section.lookup(Model, "models", model), train, dataset, model).entry
    embed, caption, llm = None, None, dict[str, str]()
    if _reads(entry.inputs):
        embed = cast(Embed, section.lookup(Embed, "datasets", dataset, "embed"))
        if embed.prompt.shown.drawn:
            raise UserError(
                f"{name}: its examples are drawn from training videos (embed.prompt.shown), so "
                "each fold reads prompts of its own; name a row whose examples are written"
            )
        llm = weights.identity(embed.llm, embed.revision)
        caption = captioning(dataset)
    protocol, seed = splits.protocols[0], train.seeds[0]
    first = Path(f"{predictions.place(protocol, seed, 0)}{CHECKPOINT}")
    folder = (Places(data / dataset).checkpoints(model) / first).parent
    found = sorted(folder.glob(f"*{CHECKPOINT}"), key=lambda path: natural(path.name))
    if not found:
        raise UserError(
            f"{folder} holds no checkpoint of {name}; train it: dvc repro "
            f"data/dvc.yaml:train@{dataset}-{model}"
        )
    from stages.scorers import registry

    models = tuple(registry.load_checkpoint(entry.kind, path) for path in found)
    by = f"{model} ({entry.title}) as {dataset} trained it: the mean of {len(found)} folds"
    by += f" under {protocol}" + (
        "" if embed is None else f", fed what {embed.llm} makes of the captions"
    )
    if section.lookup(bool, "datasets", dataset, "simulated"):
        by += _SIMULATED
    return _loaded(name, by, entry.inputs, embed, caption, llm, models)
