"""What goes wrong with a model hub, as a message that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stages.errors import UnreachableError, UserError
from stages.work.files import DiskFullError, is_full


@dataclass(frozen=True)
class Kind:
    """What error messages say of the models a setting takes.

    Args:
        alternative: a model of the kind that is free to use, for whom another is gated.
        embedded: names that are neither folders nor on the hub.
    """

    alternative: str
    embedded: str = ""


@contextmanager
def explained(name: str, revision: str | None, kind: Kind) -> Iterator[None]:
    """Raises UserError for what the hub refuses, UnreachableError where it does not answer, or
    DiskFullError.

    Args:
        name: `owner/model`, which the block asks the hub for.
        revision: of it.
        kind: of model, for what is proposed instead.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise UserError(
            f"{name}: access is gated. Accept its terms on {constants.ENDPOINT}/{name}, put a "
            "token of that account in HF_TOKEN, and run again; or name an open model, such as "
            f"{kind.alternative}"
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(f"{name}: the hub has no revision {revision!r} of it") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        neither = f"not the embedded {kind.embedded}, no folder" if kind.embedded else "no folder"
        raise UserError(
            f"{name}: {neither}, and the hub knows no such model (a private one needs HF_TOKEN)"
        ) from error
    except _failures(HfHubHTTPError) as error:
        if is_full(error):
            raise DiskFullError(constants.HF_HUB_CACHE) from error
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            raise UserError(f"{name}: the hub has no config.json of it; name a model") from error
        if (status := _status(error)) in (401, 403):
            raise UserError(
                f"{name}: the hub refuses access ({status}). HF_TOKEN holds no token that may read "
                f"it: accept its terms on {constants.ENDPOINT}/{name}, and make a token of that "
                "account that may read gated models"
            ) from error
        raise UnreachableError(
            f"{name}: not on this machine, and the hub cannot be reached; connect and run this "
            "again, or name a folder that holds it"
        ) from error


def _failures(hub_error: type[Exception]) -> tuple[type[Exception], ...]:
    """What a failing connection raises: OSError, and the base error of the hub's HTTP library.

    Which library that is differs between versions of huggingface_hub.
    """
    return tuple(base for base in hub_error.__mro__ if base.__name__ in ("HTTPError", "OSError"))


def _status(error: BaseException | None) -> int | None:
    """The hub's HTTP status behind an error; None where it gave no answer."""
    while error is not None:
        if (response := getattr(error, "response", None)) is not None:
            return int(response.status_code)
        error = error.__cause__
    return None
