"""Whether every prompt of a run fits the model's context: told by its tokenizer and configuration.

The engine would say so as well, of the batch in hand, when the weights are loaded and the batches
before it are read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stages.artifacts.captions import Caption
from stages.errors import UserError
from stages.llm import weights
from stages.llm.examples import Examples
from stages.llm.prompt import layout, query_texts
from stages.llm.settings import Embed


@dataclass(frozen=True)
class Longest:
    """The longest of a run's prompts.

    room: the model's context in tokens; None where its configuration names none. shared:
    instruction and examples, the marks of the turns and the longest answer. frames: how many there
    are, beyond: how many of them do not fit. video, pick, own: the frame with the longest query,
    and its tokens; of no frame, "" and 0.
    """

    llm: str
    room: int | None
    shared: int
    frames: int = 0
    beyond: int = 0
    video: str = ""
    pick: int = 0
    own: int = 0

    @property
    def total(self) -> int:
        return self.shared + self.own

    @property
    def problem(self) -> str | None:
        """What does not fit and what to do; None where everything does."""
        if self.room is None or self.total <= self.room:
            return None
        parts = f"{self.shared} tokens of instruction, examples and answer"
        if not self.frames:
            return (
                f"{self.llm} has room for {self.room} tokens, and there are {parts} before any "
                "caption; show fewer examples (embed.prompt.shown.count), or name a model with a "
                "longer context as embed.llm"
            )
        return (
            f"{self.llm} has room for {self.room} tokens, and the prompts of {self.beyond} of "
            f"{self.frames} frames are longer. The longest is that of frame {self.pick} of "
            f"{self.video}: {self.total}, of which {parts}. Shorten the captions, set a smaller "
            "embed.window or fewer examples (embed.prompt.shown.count), or name a model with a "
            "longer context as embed.llm"
        )


def longest(
    said: Mapping[str, Sequence[Caption]], embed: Embed, shown: Iterable[Examples]
) -> Longest:
    """Measure every prompt.

    Args:
        said: each video's captions, in order; may be empty.
        embed: the recipe's section.
        shown: examples of each split, or the only ones.

    Raises:
        UserError: the tokenizer or configuration cannot be had or used, or of a frame there is
            nothing to read.
    """
    tokenizer = weights.tokenizer(embed.llm, embed.revision)
    room = weights.context(embed.llm, embed.revision)
    arounds = [
        layout(tokenizer, embed.prompt.model_copy(update={"examples": examples}))
        for examples in shown
    ]
    around = max(arounds, key=lambda each: len(each.prefix) + len(each.closing))
    shared = embed.longest_answer + len(around.prefix) + len(around.closing)
    frames = beyond = own = pick = 0
    video = ""
    for name, captions in said.items():
        words = [caption.caption for caption in captions]
        texts = query_texts(embed, words)
        lengths = {text: len(around.query(text)) for text in dict.fromkeys(texts)}
        for caption, text in zip(captions, texts, strict=True):
            if not lengths[text]:
                raise UserError(
                    f"frame {caption.pick} of {name}: {embed.llm}'s tokenizer leaves nothing of "
                    f"what is asked of it ({text!r}); mend its caption"
                )
            frames += 1
            beyond += room is not None and shared + lengths[text] > room
            if lengths[text] > own:
                video, pick, own = name, caption.pick, lengths[text]
    return Longest(embed.llm, room, shared, frames, beyond, video, pick, own)


def check(
    said: Mapping[str, Sequence[Caption]], embed: Embed, shown: Iterable[Examples]
) -> Longest:
    """`longest`. Raises UserError, naming the frame, where a prompt does not fit."""
    found = longest(said, embed, shown)
    if found.problem is not None:
        raise UserError(found.problem)
    return found
