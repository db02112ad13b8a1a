"""The recipes that a head learns from together, and what they must agree on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages import params, section
from stages.errors import UserError
from stages.llm import weights
from stages.llm.fingerprint import determinants, differing
from stages.llm.settings import Embed
from stages.params import Recipe
from stages.scorers.settings import Entry, Model
from stages.section import PARAMS
from stages.training.lesson import lesson
from stages.training.settings import Train


@dataclass(frozen=True, eq=False)
class Joint:
    """Recipes in the order of their names, and what holds for all of them.

    model: the name in params.yaml of `entry`, whose hyperparameters are those of the recipes'
    `train.scorer`. train: as it is for this row. llm: what identifies the model that `embed`
    names. captioner: who wrote the captions.
    """

    recipes: Mapping[str, Recipe]
    model: str
    entry: Entry
    train: Train
    embed: Embed
    llm: Mapping[str, str]
    captioner: str

    @property
    def caption(self) -> dict[str, Any] | None:
        """The `caption` section, where captions are made here."""
        made = next(iter(self.recipes.values())).caption
        return None if made is None else made.model_dump(mode="json")


def joint(names: Sequence[str], model: str, captioner: str | None) -> Joint:
    """What the recipes named agree on.

    Args:
        names: entries of params.yaml: datasets, in whatever order.
        model: an entry of models.
        captioner: who wrote the captions, where they are given.

    Raises:
        UserError: no such entry, the recipes disagree, or a head cannot be made of them: embeddings
            that differ by split, or an epoch that is chosen.
    """
    if len(set(names)) < len(names):
        raise UserError(f"--datasets names one twice: {', '.join(names)}")
    recipes = {name: params.recipe(name) for name in sorted(names)}
    row: Entry = section.lookup(Model, "models", model)
    embeds, trains, entries = {}, {}, {}
    for name, recipe in recipes.items():
        if recipe.embed is None or recipe.train is None:
            raise UserError(
                f"{PARAMS}: datasets.{name}: {recipe.given.kind} are given, so it is not said here "
                "how its embeddings are made, and a head is of no use without; name recipes that "
                "begin with videos or captions"
            )
        embeds[name] = recipe.embed
        entries[name], trains[name] = lesson(row, recipe.train, name, model)
    first = next(iter(recipes))
    embed, train = embeds[first], trains[first]
    if embed.prompt.shown.drawn:
        raise UserError(
            f"{PARAMS}: datasets.{first}.embed.prompt.shown: examples drawn from training videos "
            "differ by split, and a head reads one prompt; set source: written"
        )
    if train.validation:
        raise UserError(
            f"{PARAMS}: datasets.{first}.train.validation: a head keeps the last epoch, chosen by "
            "nothing; set 0"
        )
    identities = {name: weights.identity(of.llm, of.revision) for name, of in embeds.items()}
    # One seed is asked for, no epoch is chosen, and no fold is kept.
    aside = {"seeds", "official", "checkpoints"}
    _agree("train", trains, lambda name: trains[name].model_dump(mode="json", exclude=aside))
    _agree("embed", embeds, lambda name: determinants(embeds[name], identities[name]))
    _agree("caption", recipes, lambda name: _captions(recipes[name]))
    entry = entries[first]
    if set(entry.inputs) - {"query", "answer"}:
        raise UserError(
            f"{PARAMS}: models.{model}.inputs: a head is fed what an LLM makes of captions; name a "
            "row of query and answer"
        )
    wrote = captioner or _captioner(recipes[first])
    return Joint(recipes, model, entry, train, embed, identities[first], wrote)


def _agree(part: str, names: Mapping[str, Any], said: Callable[[str], Any]) -> None:
    first, *others = names
    for other in others:
        if paths := differing(said(first), said(other)):
            raise UserError(
                f"{PARAMS}: datasets.{first}.{part} and datasets.{other}.{part} disagree on "
                f"{', '.join(path or 'whether captions are made here' for path in paths)}; a head "
                "that learns from both needs them to be the same"
            )


def _captions(recipe: Recipe) -> Any:
    return None if recipe.caption is None else recipe.caption.model_dump(mode="json")


def _captioner(recipe: Recipe) -> str:
    made = recipe.caption
    if made is None:
        raise UserError(
            "these captions are given, so params.yaml does not say who wrote them, and who uses "
            "the head must have the same; say it with --captioner, such as 'BLIP base'"
        )
    if made.captioner == "imagenet-tags":
        return made.captioner
    return made.model + (f" at {made.revision}" if made.revision else "")
