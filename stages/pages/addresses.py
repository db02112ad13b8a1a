"""File names as addresses in a page."""

import os
from urllib.parse import quote


def address(name: str) -> str:
    """The relative address of a file that lies beside the page, whatever its name holds."""
    # Other letters a browser encodes by itself, and a person reads them as they are.
    return "".join(
        quote(os.fsencode(letter)) if letter in "%#?:\\" or not letter.isprintable() else letter
        for letter in name
    )
