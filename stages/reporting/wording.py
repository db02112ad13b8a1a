"""What the page says of protocols, people and models."""

from collections.abc import Iterable, Sequence

from stages.reporting.videos import Video
from stages.training.settings import Train


def rule(protocol: str, train: Train) -> str:
    """Which videos test, and which epoch counts, under a protocol of the recipe."""
    drawn = train.splits == "drawn"
    if protocol == "official":
        which = "random overlapping splits" if drawn else "overlapping splits of the release"
        return f"{train.folds} {which}; epoch chosen on the test videos: optimistic"
    folds = f"{train.folds} folds that test every video once"
    if not drawn:
        folds += ", the lists of CSTA"
    if train.validation:
        share = f"{100 * train.validation:g} %"
        return f"{folds}; epoch chosen on {share} of the training videos, set aside"
    return f"{folds}; the last epoch, chosen by nothing"


def keeps(protocol: str, train: Train) -> str:
    """Which epoch's weights are kept, in a few words."""
    if protocol == "official":
        return "best on the test videos, optimistic"
    return "best on videos set aside" if train.validation else "the last epoch"


def counted(number: int, noun: str) -> str:
    """1 seed, 2 seeds."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def ranged(numbers: Iterable[int]) -> str:
    """15, or 15 to 18."""
    each = list(numbers)
    low, high = min(each), max(each)
    return str(low) if low == high else f"{low} to {high}"


def people_and_models(videos: Sequence[Video], seeds: int) -> str:
    """What the curves over videos are of."""
    users = ranged(video.users for video in videos)
    if any(video.people_UT is not None for video in videos):
        people = (
            f"People: mean of {users}, their own scale put on 0 to 1; band: one standard deviation."
        )
    else:
        people = f"People: share of {users} whose summary shows the frame."
    if any(len(video.thumbnails.images) < len(video.picks_T) for video in videos):
        people += " Long videos: pictures of some sampled frames only."
    return (
        f"{people} Models: mean of {counted(seeds, 'seed')}, each video scored only by models that "
        "did not train on it. LLM’s own score: read from its reply; a gap where the reply holds "
        "none."
    )
