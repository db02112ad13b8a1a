"""A trained head's card: where all that it rests on comes from, and what the folds found."""

from collections.abc import Mapping
from pathlib import Path

import torch

from stages.artifacts import judged_scores, predictions
from stages.artifacts import results as results_file
from stages.artifacts.places import Places
from stages.artifacts.results import Results
from stages.errors import UserError
from stages.llm.fingerprint import differing, fingerprint
from stages.params import Recipe
from stages.scorers.heads.card import Card, Expected, Figure, Floor, Source
from stages.scorers.scorer import Scorer
from stages.shipping.recipes import Joint
from stages.shipping.training import Videos
from stages.sources.settings import Given
from stages.training.trainer import lessons
from stages.work.store import content_hash

PROTOCOL = "strict"
"""What is expected of other videos; official chose its epoch by the videos it tested."""


def expected(joint: Joint, data: Path, results: Path) -> dict[str, Expected]:
    """What evaluate measured of the row under strict, by dataset.

    Args:
        joint: the recipes.
        data: folder of what the stages made.
        results: folder of what evaluate made.

    Raises:
        UserError: a dataset was not evaluated, or without this row or protocol, or what was
            evaluated is not what lies in its folder, or learnt otherwise than a head would.
    """
    found = {}
    for name in joint.recipes:
        measured, _ = results_file.read(results / name)
        place = results / name / results_file.RESULTS
        protocol = measured.protocols.get(PROTOCOL)
        row = None if protocol is None else protocol.rows.get(joint.model)
        if protocol is None or row is None:
            raise UserError(
                f"{place}: holds no row {joint.model} under {PROTOCOL}, so it is not known what to "
                "expect of a head; name both in params.yaml and run `dvc repro`"
            )
        scores = judged_scores.read(results / name / judged_scores.NAME).about
        judged_scores.same_run(results / name, measured.files, scores.files)
        _learnt_alike(joint, name, Places(data / name), measured)
        earned = protocol.floor
        found[name] = Expected(
            videos=protocol.videos,
            seeds=len(scores.protocols[PROTOCOL].rows[joint.model].seeds),
            confidence=measured.confidence,
            tau=Figure(mean=row.tau.mean, low=row.tau.low, high=row.tau.high),
            rho=Figure(mean=row.rho.mean, low=row.rho.low, high=row.rho.high),
            floor=None if earned is None else Floor(tau=earned.tau, rho=earned.rho),
            same_files=_judged(measured, name) >= set(files(Places(data / name)).items()),
        )
    return found


def _learnt_alike(joint: Joint, dataset: str, places: Places, measured: Results) -> None:
    """Raises UserError where the folds' heads, which were measured, learnt otherwise than a head
    of these recipes would.
    """
    path = places.predictions(joint.model)
    said = predictions.settings(path)
    here = path.relative_to(places.folder).as_posix(), content_hash(path)
    if here not in _judged(measured, dataset):
        raise UserError(
            f"{path}: is not what was evaluated, so it is not known what to expect of a head; "
            + results_file.AGAIN
        )
    if paths := differing(lessons(joint.entry, joint.train), said):
        raise UserError(
            f"{path}: these scorers learnt with other settings than a head would now, and what "
            f"they earned says nothing of it; what differs: {', '.join(paths)}; run `dvc repro`"
        )


def files(places: Places) -> dict[str, str]:
    """sha256 of the files that a head learns from, by their paths in a dataset's folder."""
    read = (places.timeline, places.people, places.embeddings)
    return {path.relative_to(places.folder).as_posix(): content_hash(path) for path in read}


def _judged(measured: Results, dataset: str) -> set[tuple[str, str]]:
    """What evaluate read of a dataset, paths and hashes as in `files`."""
    cut = f"/{dataset}/"
    return {(file.path.partition(cut)[2], file.sha256) for file in measured.files}


def card(
    joint: Joint,
    taught: Videos,
    scorer: Scorer,
    name: str,
    weights: Path,
    found: Mapping[str, Expected],
    *,
    data: Path,
    seed: int,
    where: torch.device,
) -> Card:
    """The card of a scorer, by its name, that was trained on these videos and written to
    `weights`.
    """
    sources = tuple(
        Source(
            dataset=name,
            title=recipe.title,
            simulated=recipe.simulated,
            benchmark=recipe.benchmark,
            videos=len(taught[name]),
            frames=sum(len(video.gtscore_T) for video in taught[name]),
            annotations=annotations(recipe),
            captions=captions(recipe.given),
            files=files(Places(data / name)),
            expected=found[name],
        )
        for name, recipe in joint.recipes.items()
    )
    return Card(
        name=name,
        weights=content_hash(weights),
        row=joint.model,
        title=joint.entry.title,
        kind=scorer.kind,
        inputs=joint.entry.inputs,
        architecture=scorer.architecture,
        captioner=joint.captioner,
        caption=joint.caption,
        llm=dict(joint.llm),
        fingerprint=fingerprint(joint.embed, joint.llm),
        embed=joint.embed.model_dump(mode="json"),
        train=joint.train.model_dump(
            mode="json",
            exclude={"seeds", "validation", "official", "checkpoints", "scorer", "models"},
        ),
        seed=seed,
        device=where.type,
        torch=str(torch.__version__),
        sources=sources,
    )


def annotations(recipe: Recipe) -> str:
    """Where people's judgement comes from, and on what terms."""
    download = recipe.download
    if download.kind == "demo":
        return f"simulated by this project's demo, seed {download.seed}"
    if download.kind == "mrhisum":
        return (
            f"MR.HiSum (Sul et al., NeurIPS 2023), given as {Path(download.source).name}; CC BY 4.0"
        )
    given = None if download.source is None else f"given as {Path(download.source).name}"
    if download.kind == "summe":
        alone = given is None and recipe.given.kind != "videos"
        if alone and download.h5 is not None:
            given = f"given as {Path(download.h5).name}"
        return (
            f"SumMe (Gygli et al., ECCV 2014), {given or download.url}; free for research with "
            "citation"
        )
    if given is not None:
        given += f" (or, where that holds none, {download.annotations_url})"
    return (
        f"TVSum (Song et al., CVPR 2015), {given or download.annotations_url}; released for "
        "research, with a non-commercial academic notice in its archive"
    )


def captions(given: Given) -> str:
    """Where captions come from, and on what terms."""
    if given.kind != "captions":
        return "written here, of the videos' frames"
    if given.source is not None:
        return f"given in a file, {Path(given.source).name}"
    return f"{given.url} (sha256 {given.sha256}); not part of this package, terms are its authors'"
