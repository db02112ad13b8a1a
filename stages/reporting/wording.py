"""What a protocol is, in words."""

from stages.params import Train


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
