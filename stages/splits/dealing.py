"""Which test videos of a split each of the release's GPUs has.

The release tests on five GPUs, and its sampler deals a split's test videos to them like cards,
ordered by name as text, as the release lists them: of SumMe's five each GPU has one, of TVSum's ten
two.
"""

from collections.abc import Sequence

GPUS = 5


def share(tested: Sequence[str], gpu: int = 0, gpus: int = GPUS) -> tuple[str, ...]:
    """The test videos of a split that a GPU has; where they do not go round, the first again."""
    ordered = sorted(tested)
    each = -(-len(ordered) // gpus)
    return tuple(ordered[(gpu + gpus * turn) % len(ordered)] for turn in range(each))
