"""The demo's subjects: real photographs that lie inside the scikit-image package.

Only files that come with the installed wheel are named here; others of `skimage.data` would be
fetched from a network. A subject is to be told by its caption, so photographs that look alike to
an image classifier are left out (text on paper beside the brick wall; the star field, the cell and
the retina beside the moon), and those whose labels change with every camera move (coins, grass,
gravel).
"""

from functools import cache
from importlib import resources

from PIL import Image

from stages.errors import UserError

SUBJECTS = {
    "astronaut": "astronaut.png",
    "brick wall": "brick.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "photographer": "camera.png",
    "rocket": "rocket.jpg",
}
"""Subject to file name in the package's data folder."""

# Twice what a demo frame needs; more would only slow the camera down.
_LONGEST = 900


@cache
def photograph(subject: str) -> Image.Image:
    """The photograph of a subject, RGB, its longer side at most 900 pixels.

    Raises UserError where the installed scikit-image does not hold the file.
    """
    name = SUBJECTS[subject]
    file = resources.files("skimage") / "data" / name
    try:
        with file.open("rb") as stream, Image.open(stream) as image:
            photo = image.convert("RGB")
    except OSError as error:
        raise UserError(
            f"scikit-image holds no readable photograph {name} ({error}); install the version "
            "named in constraints.txt"
        ) from error
    photo.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    return photo
