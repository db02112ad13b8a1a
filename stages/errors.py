"""The exceptions meant for the person at the terminal, and the remedy that many of them name."""


class UserError(Exception):
    """Something the person can put right: what is wrong, with which file, and the remedy.

    Raised anywhere, printed without a traceback by `stages.command`, exit code 1.
    """


class UnreachableError(UserError):
    """A model is not on this machine, and where it could be fetched from does not answer."""


def anew(stage: str = "") -> str:
    """The remedy where what a stage makes is missing, damaged or of another shape."""
    which = f"the {stage} stage" if stage else "the stage that makes it"
    return f"run {which} (`dvc repro`, with the recipe named in params.yaml: run)"
