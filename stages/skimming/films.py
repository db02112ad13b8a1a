"""params.yaml: an entry of datasets that is films of one's own."""

from typing import Self

from pydantic import model_validator

from stages.captioners.settings import CaptionSettings
from stages.llm.settings import Embed
from stages.media.settings import Looking
from stages.section import Section
from stages.skimming.settings import REPRESENTATIVE, Score, Skim
from stages.sources.settings import FolderDownload, Videos


class Films(Section):
    """Films of one's own, from a folder to their summaries: nobody judged them, so nothing is
    trained on them or measured.
    """

    title: str
    given: Videos
    download: FolderDownload
    sample: Looking
    caption: CaptionSettings | None = None
    embed: Embed | None = None
    score: Score
    skim: Skim

    @model_validator(mode="after")
    def _is_read_or_not(self) -> Self:
        if (self.caption is None) != (self.embed is None):
            raise ValueError("needs both caption and embed, or neither: an LLM reads captions")
        if self.embed is None:
            return self
        if self.score.scorer == REPRESENTATIVE:
            raise ValueError(
                f"{REPRESENTATIVE} looks at pictures alone; remove the sections caption and embed, "
                "or name another score.scorer"
            )
        shown = self.embed.prompt.shown
        if shown.drawn:
            raise ValueError("embed.prompt.shown.source: there are no training videos here")
        return self
