"""Numbers of a model that are none: what is said where arithmetic overflows."""

from stages.errors import UserError


def overflowed(model: str, dtype: str, setting: str) -> UserError:
    """The complaint, to be raised, where a model gives NaN or infinity.

    Args:
        model: what the person called it.
        dtype: of its arithmetic.
        setting: path of the setting that names the dtype.
    """
    if dtype == "float16":
        said = f"its numbers overflow in float16; set {setting} to bfloat16, or to float32"
    else:
        said = (
            f"it gives NaN or infinity in {dtype}, so its weights are damaged; fetch it again, or "
            "name another model"
        )
    return UserError(f"{model}: {said}")
