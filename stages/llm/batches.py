"""Which prompts go through the model together."""

from collections.abc import Sequence


def plan(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Cut prompts into batches of like length, each of at most `budget` tokens.

    The plan is a function of its arguments alone. Sums in floating point depend on what is
    multiplied together, so the same batch must come about again after an interruption for the
    results to be the same to the bit.

    Args:
        lengths: tokens of each prompt.
        budget: most tokens in a batch; a longer prompt makes a batch alone.

    Returns:
        Indices into `lengths`, each once, longest prompts first (what does not fit into memory
        fails at once rather than after hours).
    """
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        if not batches or lengths[index] > room:
            batches.append([])
            room = budget
        batches[-1].append(index)
        room -= lengths[index]
    return batches
