"""Graphics cards as their makers describe them."""

from dataclasses import dataclass

from stages.errors import UserError


@dataclass(frozen=True)
class Card:
    """Memory in bytes; half-precision matrix products, dense, in operations a second; bandwidth
    in bytes a second. bfloat16: whether it has it. processor: whether it is none but a machine's
    own processor.
    """

    title: str
    memory: float
    rate: float
    bandwidth: float
    bfloat16: bool = True
    processor: bool = False


# The makers' data sheets; rates with sums in float32 and without sparsity.
CARDS = {
    "h200": Card("H200", 141e9, 989e12, 4.8e12),
    "h100": Card("H100 (SXM, 80 GB)", 80e9, 989e12, 3.35e12),
    "a100": Card("A100 (80 GB)", 80e9, 312e12, 2.04e12),
    "a100-40": Card("A100 (40 GB)", 40e9, 312e12, 1.56e12),
    "l40s": Card("L40S", 48e9, 362e12, 0.864e12),
    "6000ada": Card("RTX 6000 Ada", 48e9, 364e12, 0.96e12),
    "4090": Card("RTX 4090", 24e9, 165e12, 1.01e12),
    "3090": Card("RTX 3090", 24e9, 71e12, 0.936e12),
    "v100": Card("V100 (32 GB)", 32e9, 125e12, 0.9e12, bfloat16=False),
    "t4": Card("T4", 16e9, 65e12, 0.32e12, bfloat16=False),
}


def card(name: str) -> Card:
    """A card by its short name. Raises UserError for one that is not known."""
    if name not in CARDS:
        raise UserError(f"--gpu {name}: not known; one of {', '.join(CARDS)}")
    return CARDS[name]
