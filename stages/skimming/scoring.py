"""A film's scores by what was chosen to score it.

What reads words is imported where it is called: it takes seconds, and pictures alone need none.

Shapes: T sampled frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stages.captioners.settings import CaptionSettings
from stages.errors import UnreachableError, UserError
from stages.llm.settings import Embed
from stages.media.looking import Film
from stages.skimming import film_scorer
from stages.skimming.settings import SkimRecipe
from stages.work.store import Store, key

if TYPE_CHECKING:
    from stages.skimming.reading import Read

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scored:
    """scores_T: 0 to 1. by: what scored, in words. read: what was said of the frames, or None."""

    scores_T: Floats
    by: str
    read: "Read | None"


class Scoring:
    """A recipe's scorer, ready for films.

    ask: what the viewer cares about, in words; it joins the instruction that the LLM is given.

    Raises:
        UserError: there is no such scorer, it wants what the recipe does not make, or models are
            not here and cannot be fetched.
    """

    def __init__(self, recipe: SkimRecipe, ask: str | None, store: Store) -> None:
        assert recipe.scorer is not None  # settings.of sees to it
        self._store, self._caption = store, recipe.caption
        self._scorer = film_scorer.of(recipe.scorer)
        self._by, self._embed = self._scorer.among(self._caption), self._scorer.embed
        if self._embed is None:
            if ask:
                raise UserError(
                    f"--ask: {recipe.scorer} looks at pictures alone and reads no wish; name "
                    "--recipe laptop, and no --scorer"
                )
            return
        # Before a long film is decoded for nothing.
        _fetch(self._caption, self._embed)
        if ask:
            self._embed = wished(self._embed, ask)
            self._by += ", asked for what the viewer cares about"

    def __call__(self, film: Film) -> Scored:
        """Raises UserError where captioner or LLM cannot be had."""
        inputs_TD = {"image": film.features_TD}
        if self._embed is None:
            return Scored(self._scores(inputs_TD), self._by, None)
        from stages.skimming.reading import Read, captions, determined, read

        assert self._caption is not None  # settings.of sees to it
        # Of a long film thousands of items, and as many prompts to find them by: kept as one.
        decided = determined(film, self._caption, self._embed)
        place = key(stage="read and scored", **self._scorer.identity, **decided)
        kept = self._store.get(place)
        if kept is None:
            said = captions(film, self._caption, self._store)
            made = read(film, said, self._embed, self._store)
            scores_T = self._scores({**inputs_TD, **made.states_TW})
            words = {"captions": np.array(said), "replies": np.array(made.replies)}
            kept = words | {"scores": scores_T}
            self._store.put(place, kept)
        words_of = Read(tuple(kept["captions"].tolist()), tuple(kept["replies"].tolist()), {})
        return Scored(kept["scores"], self._by, words_of)

    def _scores(self, inputs_TD: Mapping[str, Floats]) -> Floats:
        """Kept, for of a long film they are minutes' work, whatever the length asked for."""
        place = self._scorer.key(inputs_TD)
        kept = self._store.get(place)
        if kept is None:
            kept = {"scores": self._scorer(inputs_TD)}
            self._store.put(place, kept)
        return kept["scores"]


def _fetch(caption: CaptionSettings | None, embed: Embed) -> None:
    """Bring the models here. Raises UserError, with what to type instead, where they cannot be."""
    from stages.captioners import registry
    from stages.llm import weights

    try:
        if caption is not None:
            next(iter(registry.plans(caption).values())).fetch()
        weights.fetch(embed.llm, embed.revision)
    except UnreachableError as error:
        raise UserError(
            f"{error}\nWithout a network: --recipe offline, which looks at pictures alone and "
            "fetches nothing"
        ) from error


def wished(embed: Embed, wish: str) -> Embed:
    """The section with a wish in its instruction, as words and nothing else: braces stay braces,
    lines become one, and control tokens are spelled out as all of an instruction's are.
    """
    words = " ".join(wish.split())
    said = f"The viewer cares most about this: {words}"
    prompt = embed.prompt
    # What is filled in is {lowest} and {highest}; a wish that says so must not be.
    safe = said.replace("{lowest}", "{ lowest }").replace("{highest}", "{ highest }")
    instruction = f"{prompt.instruction.rstrip()}\n{safe}"
    return embed.model_copy(
        update={"prompt": prompt.model_copy(update={"instruction": instruction})}
    )
