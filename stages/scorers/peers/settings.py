"""params.yaml: models, entries of systems of other papers, of their authors' sizes by default."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from stages.scorers.entry import Entry
from stages.section import Positive


class PeerEntry(Entry):
    """A system of another paper: it keeps its size, whatever a recipe sets for all rows."""

    resized: ClassVar[bool] = False


class VasnetEntry(PeerEntry):
    """VASNet (Fajtl et al., ACCV 2018 workshops): one attention head, then a frame at a time."""

    kind: Literal["vasnet"]
    hidden: Positive = 1024
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
