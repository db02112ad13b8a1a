"""What runs on the cluster's machines: an actor of Ray that holds one worker."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stages.errors import UserError
from stages.work import hub, parcels
from stages.work.capacity import Share
from stages.work.edition import edition
from stages.work.files import DiskFullError
from stages.work.items import Arrays
from stages.work.parcels import Folder, Model, Parcel


@dataclass(frozen=True)
class Hello:
    """What an actor says of itself. node: that it is on. held: whether the model's folder is there
    as the driver has it.
    """

    node: str
    process: int
    edition: str
    held: bool


@dataclass(frozen=True)
class Outfit:
    """What an actor needs before it answers: `load` builds its worker from the model. commits: of
    hub models, as the driver knows them.
    """

    load: Callable[[], Any]
    model: Model | None
    folder: Folder | None
    threads: int
    commits: Mapping[tuple[str, str | None], str]


class UnsuitedError(UserError):
    """This machine cannot load the model: its card is too small, or it cannot fetch it."""


class Actor:
    """Holds a worker, loaded at the first share of the work, and answers one share after another.

    Loaded there, not when the actor is made: of what goes wrong then Ray hands on no error, only
    its words.
    """

    def __init__(self) -> None:
        self._worker: Any = None

    def hello(self, folder: Folder | None) -> Hello:
        import ray

        node = ray.get_runtime_context().get_node_id()
        return Hello(node, os.getpid(), edition(), folder is None or folder.here())

    def answer(
        self, outfit: list[Any], parcel: list[Any], payloads: list[Any]
    ) -> list[tuple[int, Arrays]]:
        """Index and arrays of every payload.

        Args:
            outfit: a reference to an `Outfit`, in a list lest Ray send it anew each time.
            parcel: likewise to a `Parcel`, where this machine has not got the folder.
        """
        if self._worker is None:
            import ray

            of, sent = ray.get(outfit[0]), ray.get(parcel[0]) if parcel else None
            try:
                self._worker = _loaded(of, sent)
            except UserError as error:
                raise UnsuitedError(str(error)) from error
        return list(self._worker(payloads))


def _loaded(outfit: Outfit, parcel: Parcel | None) -> Any:
    import ray

    # Ray has set these to the processors that the actor asked for, in whole ones.
    os.environ["OMP_NUM_THREADS"] = str(outfit.threads)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(outfit.threads)
    hub.pin(outfit.commits)
    parcels.settle(ray, outfit.model, outfit.folder, parcel)
    return outfit.load()


def hired(ray: Any, share: Share) -> Any:
    """A new actor; it begins when there is room for it. Its end is for `Crew` to notice."""
    options = {"num_cpus": share.cpus} | ({"num_gpus": share.gpus} if share.gpus else {})
    return ray.remote(max_restarts=0, **options)(Actor).remote()


def own(error: Any) -> BaseException:
    """What a worker raised, where that is meant for people; else Ray's account of it."""
    cause = error.cause
    if isinstance(cause, UserError):
        return UserError(str(cause))
    return cause if isinstance(cause, DiskFullError) else error
