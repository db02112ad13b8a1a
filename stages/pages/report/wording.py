"""What the pages say of protocols, people, scorers and shots."""

from collections.abc import Iterable, Sequence

from stages.artifacts.results import Shots
from stages.metrics import unsummarised
from stages.metrics.settings import Evaluate
from stages.pages.report.legend import Legend
from stages.pages.stories import ZERO_SHOT, Story
from stages.params import Recipe
from stages.splits.settings import Splits
from stages.training.settings import Train

SHOTS = {
    "annotations": "the annotations’ own",
    "field": "the field’s published shots",
    "kts": "own segmentation",
}
"""By origin, as in `artifacts.timeline.Origin`."""


def rule(protocol: str, splits: Splits, train: Train | None) -> str:
    """Which videos test, and, where something is trained, which epoch counts, under a protocol."""
    if protocol == "fixed":
        said = "the split that its authors published"
        return said if train is None else f"{said}; epoch chosen on its validation videos"
    drawn = splits.source == "drawn"
    if protocol == "official":
        which = "random overlapping splits" if drawn else "overlapping splits of the release"
        said = f"{splits.folds} {which}"
        return said if train is None else f"{said}; epoch chosen on the test videos: optimistic"
    folds = f"{splits.folds} folds that test every video once"
    if not drawn:
        folds += ", the lists of CSTA"
    if train is None:
        return folds
    if train.validation:
        share = f"{100 * train.validation:g} %"
        return f"{folds}; epoch chosen on {share} of the training videos, set aside"
    return f"{folds}; the last epoch, chosen by nothing"


def keeps(protocol: str, train: Train) -> str:
    """Which epoch's weights are kept, in a few words."""
    if protocol == "official":
        return "best on the test videos, optimistic"
    if protocol == "fixed":
        return "best on the validation videos"
    return "best on videos set aside" if train.validation else "the last epoch"


def averaged(rules: Evaluate) -> str:
    """What a video's marks are, before they are averaged over videos."""
    if rules.agreement == "summary":
        ranks = "τ and ρ of a video: its summary against the share of people who keep each frame"
    else:
        ranks = "τ and ρ of a video: the mean over users"
    f1 = "the mean over users" if rules.f1 == "mean" else "that of the user whom it fits best"
    return f"{ranks}; F1: {f1}."


def counted(number: int, noun: str) -> str:
    """1 seed, 2 seeds."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def ranged(numbers: Iterable[int]) -> str:
    """15, or 15 to 18."""
    each = list(numbers)
    low, high = min(each), max(each)
    return str(low) if low == high else f"{low} to {high}"


def shots(of: Shots) -> str:
    """Where the shots of a dataset come from; how many videos each, where they differ."""
    found = {SHOTS[origin]: count for origin, count in of.model_dump().items() if count}
    if len(found) == 1:
        return next(iter(found))
    return ", ".join(f"{said} ({counted(count, 'video')})" for said, count in found.items())


def people_and_scorers(stories: Sequence[Story], recipe: Recipe, legend: Legend) -> str:
    """What the curves over videos are of."""
    told = [(s.users, s.people_UT is not None, _some_pictures(s)) for s in stories]
    users = ranged(count for count, _, _ in told)
    if users == "1":
        said = "People: the one score that each frame has, put on 0 to 1."
    elif any(scored for _, scored, _ in told):
        said = (
            f"People: mean of {users}, their own scale put on 0 to 1; band: one standard deviation."
        )
    else:
        said = f"People: share of {users} whose summary shows the frame."
    if any(some for _, _, some in told):
        said += " Long videos: pictures of some sampled frames only."
    if recipe.train is None:
        said += " Scores: as they were given; a row that leaves 0 to 1 is put on it."
    else:
        said += (
            f" Models: mean of {counted(len(recipe.train.seeds), 'seed')}, each video scored only "
            "by models that did not train on it."
        )
    if ZERO_SHOT in legend.rows:
        said += (
            f" {legend.title(ZERO_SHOT)}: read from its reply; a gap where the reply holds none."
        )
    return said


def _some_pictures(story: Story) -> bool:
    """Whether there are pictures of some of its frames, and not of all."""
    stills = story.thumbnails
    return stills is not None and len(stills.images) < len(story.video.picks_T)


def no_shot_fits(story: Story, recipe: Recipe) -> str | None:
    """That no shot of the video fits the budget, and what follows; None where one does."""
    rules = recipe.evaluate
    found = unsummarised.of_video(story.name, story.shots, story.video.n_frames, rules.budget)
    return None if found is None else unsummarised.sentence([found], rules.budget, rules.agreement)
