"""File names as addresses in a page."""

from urllib.parse import quote


def address(name: str) -> str:
    """The relative address of a file that lies beside the page, whatever its name holds."""
    # Other letters a browser encodes by itself, and a person reads them as they are.
    return "".join(quote(letter) if letter in "%#?:\\" else letter for letter in name)
