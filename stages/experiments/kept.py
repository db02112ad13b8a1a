"""Experiments whose figures go with the repository: `reports/experiments/NAME`.

An experiment of DVC lies in the repository it was run in and in no clone of it. What a table needs
of one is small: the recipe and the model that it ran (params.yaml), evaluate's tables, and the
scores they come of (`llmvs rejudge` holds them to each other). As with results that came with a
commit, no lock file says which code made them.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from stages.artifacts.judged_scores import NAME as SCORES
from stages.artifacts.results import PER_VIDEO, RESULTS
from stages.errors import UserError
from stages.experiments.freshness import AT_HAND
from stages.experiments.overrides import ABSENT, laid_over, lookup
from stages.experiments.revisions import HERE, Revision
from stages.section import PARAMS
from stages.work.files import replacing

FOLDER = Path("reports/experiments")
_TABLES = "reports/results/"


class Kept(Revision):
    """One of them, by its name."""

    def content(self, path: str) -> bytes | None:
        """A file as it lay in the repository when the experiment had run; None where not kept."""
        if path != str(PARAMS) and not path.startswith(_TABLES):
            return None
        return HERE.content(str(FOLDER / self.name / Path(path).name))


def every() -> Iterator[Kept]:
    """Every one that is here, by name."""
    for path in sorted(FOLDER.glob(f"*/{RESULTS}")):
        yield Kept(path.parent.name)


def keep(experiment: Revision, dataset: str, model: str) -> Path:
    """Write what is kept of an experiment, in place of what was under its name.

    Args:
        experiment: of DVC.
        dataset: what it measured.
        model: the entry of params.yaml that it trained.

    Returns:
        Its folder.

    Raises:
        UserError: the experiment lacks a file, as one that was evaluated before scores were kept.
    """
    tables = f"{_TABLES}{dataset}"
    files: dict[str, bytes] = {}
    for name in (SCORES, PER_VIDEO, RESULTS):
        content = experiment.content(f"{tables}/{name}")
        if content is None:
            raise UserError(f"{experiment.name}: has no {tables}/{name}; run it again to keep it")
        files[name] = content
    params = experiment.document(str(PARAMS))
    recipe = params["datasets"][dataset]
    # Where files lay on one machine is of no use on another.
    elsewhere = {path: None for path in AT_HAND if lookup(recipe, path) is not ABSENT}
    ran = {
        "datasets": {dataset: laid_over(recipe, elsewhere)},
        "models": {model: params["models"][model]},
    }
    # JSON is YAML, and the same numbers come back of it whatever reads them.
    files[str(PARAMS)] = (json.dumps(ran, indent=1, ensure_ascii=False) + "\n").encode()
    folder = FOLDER / experiment.name
    for name, content in files.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
    return folder
