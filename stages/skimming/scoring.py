"""A film's scores by what was chosen to score it.

Shapes: T sampled frames.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from stages.errors import UserError
from stages.llm.settings import Embed
from stages.scorers.heads import shelf
from stages.scorers.representative import Representative
from stages.section import validated
from stages.skimming.looking import Film
from stages.skimming.reading import Read, captions, read
from stages.skimming.settings import REPRESENTATIVE, SkimRecipe
from stages.work.store import Store

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scored:
    """scores_T: 0 to 1. by: what scored, in words. read: what was said of the frames, or None."""

    scores_T: Floats
    by: str
    read: Read | None


class Scoring:
    """A recipe's scorer, ready for films.

    ask: what the viewer cares about, in words; it joins the instruction that the LLM is given.

    Raises:
        UserError: there is no such head, or it wants what the recipe does not make.
    """

    def __init__(self, recipe: SkimRecipe, ask: str | None, store: Store) -> None:
        self._store, self._caption, self._ask = store, recipe.caption, ask
        self._head: shelf.Head | None = None
        self._embed: Embed | None = None
        assert recipe.scorer is not None  # settings.of sees to it
        if recipe.scorer == REPRESENTATIVE:
            if ask:
                raise UserError(
                    f"--ask: {REPRESENTATIVE} looks at pictures alone and reads no wish; name "
                    "--recipe laptop"
                )
            return
        self._head = shelf.load(recipe.scorer)
        card = self._head.card
        given = validated(Embed, dict(card.embed), f"{card.name}'s card", "embed")
        self._embed = wished(given, ask) if ask else given

    def __call__(self, film: Film) -> Scored:
        """Raises UserError where captioner or LLM cannot be had."""
        if self._head is None:
            x_TD = torch.from_numpy(film.features_TD)
            scores_T = Representative().scores({"image": x_TD}).numpy()
            return Scored(scores_T, "how much of the film a frame stands for, by its looks", None)
        assert self._embed is not None
        assert self._caption is not None
        said = captions(film, self._caption, self._store)
        made = read(film, said, self._embed, self._store)
        fed = {str(name): torch.from_numpy(made.states_TW[name]) for name in self._head.card.inputs}
        scores_T = self._head.scorer.scores(fed).numpy()
        return Scored(scores_T, self._words(), made)

    def _words(self) -> str:
        assert self._head is not None
        assert self._embed is not None
        card = self._head.card
        said = f"{card.name} ({card.title}), fed what {self._embed.llm} makes of the captions"
        return said + (", asked for what the viewer cares about" if self._ask else "")


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
