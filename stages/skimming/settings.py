"""How a film of one's own is made a summary of: two recipes with names, and those of params.yaml.

A recipe says how a film is looked at, who captions its frames, and what scores them. What the LLM
is and what it is asked is not said here: a head's card has it, so that states are always those
the head learnt from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from pydantic import field_validator

from stages import section
from stages.artifacts.places import Places
from stages.captioners.settings import CaptionSettings, ImageCaption
from stages.errors import UserError
from stages.media.settings import Looking
from stages.section import PARAMS, Section, Text
from stages.summaries.pieces import Wish

REPRESENTATIVE = "representative"
"""The scorer that learns nothing; see `stages.scorers.representative`."""

CHECKPOINT = ".safetensors"

Format = Literal["mp4", "edl", "csv", "json", "chapters"]


class Score(Section):
    """params.yaml: datasets.D.score, what scores films of one's own.

    scorer: `REPRESENTATIVE`, a head that comes with the package by its name, one of one's own by
    its .safetensors file, or D/M: row M as recipe D trained it.
    """

    scorer: Text

    @property
    def row(self) -> tuple[str, str] | None:
        """D and M; None where it is no such row."""
        dataset, slash, model = self.scorer.partition("/")
        return None if not slash or self.scorer.endswith(CHECKPOINT) else (dataset, model)

    @property
    def place(self) -> Path:
        """What that is a file or folder of, which a stage can depend on."""
        if self.scorer == REPRESENTATIVE:
            return Path("stages/scorers/representative.py")
        if self.scorer.endswith(CHECKPOINT):
            return Path(self.scorer)
        if self.row is not None:
            dataset, model = self.row
            return Places(Path("data") / dataset).checkpoints(model)
        return Path("stages/scorers/heads") / f"{self.scorer}{CHECKPOINT}"


class Skim(Section):
    """params.yaml: datasets.D.skim, what is made of films beside their pages.

    length: of a summary, as `Wish.parsed` reads it.
    """

    length: Text
    formats: tuple[Format, ...]

    @field_validator("length", mode="before")
    @classmethod
    def _as_text(cls, said: Any) -> Any:
        # YAML reads 1:30 as a number to the base of 60: as many seconds, never fewer than 60. A
        # smaller one was said as it is.
        if isinstance(said, int | float) and not isinstance(said, bool):
            return f"{said}s" if said >= 60 else str(said)
        return said

    @field_validator("length")
    @classmethod
    def _is_a_length(cls, text: str) -> str:
        try:
            Wish.parsed(text, "length")
        except UserError as error:
            raise ValueError(str(error)) from error
        return text


@dataclass(frozen=True)
class SkimRecipe:
    """scorer: a head's name or file, or `REPRESENTATIVE`; None where one has to be named. caption:
    None where the scorer needs no words.
    """

    name: str
    caption: CaptionSettings | None
    scorer: str | None
    looking: Looking = field(default_factory=Looking)


BLIP = ImageCaption(
    captioner="blip",
    model="Salesforce/blip-image-captioning-base",
    revision="9cfcdbcaccbcadb2b53b36d4b50042c4eeaa0c25",
    beams=5,  # as in the captions that the head learnt from
    max_new_tokens=49,  # the longest of those
    dtype="float32",
    batch=16,
)

RECIPES: Mapping[str, SkimRecipe] = MappingProxyType(
    {
        "laptop": SkimRecipe("laptop", BLIP, "blip-smollm2"),
        "offline": SkimRecipe("offline", None, REPRESENTATIVE),
    }
)
"""By name. `laptop`: a caption a frame, read by a small LLM, scored by the head that learnt from
the people of SumMe and TVSum. `offline`: nothing beyond the install; frames that stand for much
of the film, by how they look.
"""


def of(name: str, scorer: str | None = None) -> SkimRecipe:
    """A recipe by its name, or an entry of params.yaml by its own, with another scorer where one is
    named.

    Raises:
        UserError: no such recipe, one whose captions are given, or one without a scorer.
    """
    recipe = RECIPES[name] if name in RECIPES else _of_params(name)
    chosen = scorer or recipe.scorer
    if chosen is None:
        raise UserError(
            f"--recipe {name}: says how captions are made and not what scores them; name what "
            f"learnt from such captions: --scorer {name}/llmvs, a row that was trained here, or "
            "--scorer mine.safetensors (`llmvs head train` makes one)"
        )
    fed = _fed(chosen)
    if strange := fed - {"image", "query", "answer"}:
        raise UserError(
            f"--scorer {chosen}: is fed {', '.join(sorted(strange))}, which nothing makes of "
            "films; name a row of image, or of query and answer"
        )
    words = bool(fed - {"image"})
    caption = recipe.caption if words else None
    if words and caption is None:
        raise UserError(
            f"--recipe {name} makes no captions, and {chosen} is fed what an LLM makes of them; "
            "name --recipe laptop"
        )
    return SkimRecipe(name, caption, chosen, recipe.looking)


def captioning(dataset: str) -> CaptionSettings | None:
    """How a recipe of params.yaml captions frames; None where it does not."""
    if "caption" not in section.document(PARAMS)["datasets"][dataset]:
        return None
    return cast(CaptionSettings, section.lookup(CaptionSettings, "datasets", dataset, "caption"))


def _fed(scorer: str) -> set[str]:
    """What a scorer is fed, by the names of inputs."""
    if scorer == REPRESENTATIVE:
        return {"image"}
    row = Score(scorer=scorer).row
    if row is None:
        return {"query", "answer"}
    from stages.training import provisions

    return set(provisions.inputs_of(*row))


def _of_params(name: str) -> SkimRecipe:
    if not PARAMS.is_file():
        raise UserError(
            f"--recipe {name}: there are {' and '.join(RECIPES)}; where there is a {PARAMS}, its "
            "datasets that caption frames as well"
        )
    written = section.document(PARAMS).get("datasets")
    found = written if isinstance(written, dict) else {}
    known = [
        each
        for each, recipe in found.items()
        if isinstance(recipe, dict) and {"caption", "score"} & recipe.keys()
    ]
    if name not in known:
        raise UserError(
            f"--recipe {name}: there are {', '.join([*RECIPES, *known])} (the last by {PARAMS}, "
            "datasets that caption frames)"
        )
    place, caption = ("datasets", name), captioning(name)
    if "score" not in found[name]:
        return SkimRecipe(name, caption, None)
    score = section.lookup(Score, *place, "score")
    return SkimRecipe(name, caption, score.scorer, section.lookup(Looking, *place, "sample"))
