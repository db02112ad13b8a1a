"""A frozen model that is asked for the score of every frame, whichever it is."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from stages.captioners.captioner import Frame
from stages.finetuning.pupil import Reader
from stages.finetuning.settings import Finetune
from stages.work.burden import Burden
from stages.work.store import Store


class Examinee(Protocol):
    """scale: lowest and highest score. template: of an answer, with ``{score}``."""

    @property
    def scale(self) -> tuple[int, int]: ...
    @property
    def template(self) -> str: ...

    def determinants(self) -> dict[str, Any]:
        """What, beside prompts and answers, decides what it learns. Raises UserError where its
        weights cannot be identified.
        """
        ...

    def prompt(self, frame: Frame, /) -> Any:
        """What it is shown of a frame, as its `pupil.Reader` takes it."""
        ...

    def content(self, frame: Frame, /) -> Any:
        """What of that decides what it learns, for keys in the work store."""
        ...

    def loader(self) -> Callable[[], Reader]:
        """What loads the model, wherever that is to be. Raises UserError where it cannot learn."""
        ...

    def burden(self, frames: int, settings: Finetune, /) -> Burden | None:
        """What learning from so many frames asks of a machine; None where the model's configuration
        does not tell.
        """
        ...

    def replies(
        self, videos: Sequence[str], adapter: bytes, store: Store
    ) -> tuple[dict[str, list[str]], list[str]]:
        """What it says of every frame of some videos with an adapter in its weights, and the keys
        of the store's items that belong to that. Raises UserError where it cannot be had.
        """
        ...
