"""A small, complete set of artifacts as the stages before report leave them, with random scores.

Every file is written by its artifact's module. What a recipe is given decides which there are.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from stages.artifacts import (
    captions,
    curves,
    embeddings,
    frames,
    people,
    predictions,
    results,
    scores,
    timeline,
)
from stages.artifacts.captions import Caption
from stages.artifacts.choosing import Choosing, EpochStep, Step
from stages.artifacts.curves import Point
from stages.artifacts.people import Judgement, People
from stages.artifacts.places import Places
from stages.artifacts.predictions import Run
from stages.artifacts.results import Floor, ProtocolTable, Results, VideoMarks
from stages.artifacts.row import MARKS, Against, Difference, Figure, Row, Sampled
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Origin, Video
from stages.report import report
from stages.scorers import checkpoints
from stages.scorers.global_attention import GlobalAttention
from stages.scorers.mlp import Mlp

ROOT = Path(__file__).parent.parent.parent
LOWEST, HIGHEST = 0, 10
WIDTH = 4
BASELINES = {
    "zero-shot": ("LLM's own score (zero-shot)", "baseline"),
    "human": ("Human (pairs of users)", "people"),
    "oracle": ("Oracle (people's mean)", "people"),
    "random": ("Random (100 draws)", "baseline"),
}
CONSTANT = ("Constant", "baseline")
STAGES = {
    "videos": ("sample", "caption", "embed", "sentences", "train"),
    "captions": ("embed", "sentences", "train"),
    "embeddings": ("train",),
    "scores": (),
}
GIVEN: Mapping[str, Mapping[str, Any]] = {
    "videos": {},
    "captions": {"source": "captions.json"},
    "embeddings": {"query": "q.h5", "answer": "a.h5"},
    "scores": {"rows": {"ours": "ours.json", "theirs": "theirs.json"}},
}


def jpeg(hue: float, frame: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """A coloured gradient that moves a little from frame to frame."""
    width, height = size
    ramp = np.linspace(0, 1, width)[None, :] + np.linspace(0, 1, height)[:, None]
    channels = [np.sin(3 * ramp + hue + shift + 0.1 * frame) for shift in (0, 2, 4)]
    pixels = (127 + 120 * np.stack(channels, axis=-1)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def tested(protocol: str, names: Sequence[str]) -> Sequence[str]:
    """The videos that a protocol tests: "official" leaves the first one out."""
    return names if protocol == "strict" else names[1:]


@dataclass(frozen=True)
class Plan:
    """What is made: see `make`."""

    dataset: str
    recipe: Any
    models: Mapping[str, str]
    rows: Mapping[str, tuple[str, str]]
    videos: Timeline
    random: np.random.Generator
    folds: int
    seeds: tuple[int, ...]

    @property
    def protocols(self) -> Sequence[str]:
        found: Sequence[str] = self.recipe["splits"]["protocols"]
        return found


def make(
    root: Path,
    *,
    dataset: str = "demo",
    given: str = "videos",
    benchmark: str | None = None,
    videos: int = 5,
    steps: int = 12,
    users: int = 4,
    folds: int = 2,
    seeds: tuple[int, ...] = (0, 1),
    caption: Callable[[int, int], str] = lambda video, frame: f"Frame {frame} of video {video}.",
    simulated: bool = True,
    scores: bool = True,
    protocols: tuple[str, ...] = ("strict", "official"),
    attention: bool = True,
    origin: Origin = "annotations",
    collapsed: str | None = None,
) -> Path:
    """Write params.yaml, data/ and reports/results/ under root; returns root.

    Args:
        given: what the recipe begins with.
        benchmark: of the recipe.
        scores: whether people gave scores, and not only summaries; without them agreement is by
            summaries, whose floor is not zero.
        attention: whether the first model has any.
        origin: where the shots come from.
        collapsed: a row that has.
    """
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    recipe = settings["datasets"]["demo"]
    for stage in STAGES["videos"]:
        if stage not in STAGES[given]:
            del recipe[stage]
    recipe.update(title=f"{dataset} for tests", simulated=simulated, benchmark=benchmark)
    recipe["given"] = {"kind": given, **GIVEN[given]}
    recipe["splits"].update(folds=folds, protocols=list(protocols))
    if "train" in recipe:
        recipe["train"].update(seeds=list(seeds))
    if not simulated:
        recipe["download"] = settings["datasets"]["tvsum"]["download"]
    if not scores:
        recipe["evaluate"].update(agreement="summary", f1="max")
    settings["run"]["datasets"] = [dataset]
    settings["datasets"] = {dataset: recipe}
    root.mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")

    models = {name: settings["models"][name]["title"] for name in settings["run"]["models"]}
    if given == "scores":
        models = {}
    asked = given in ("videos", "captions")
    rows = {name: (title, "model") for name, title in models.items()}
    rows |= {name: (name, "baseline") for name in recipe["given"].get("rows", ())}
    rows |= {name: row for name, row in BASELINES.items() if asked or name != "zero-shot"}
    if not scores:
        rows["constant"] = CONSTANT
    random = np.random.default_rng(7)
    plan = Plan(
        dataset, recipe, models, rows, _timeline(dataset, videos, steps, origin), random, folds,
        seeds,
    )  # fmt: skip
    places = Places(root / "data" / dataset)
    timeline.write(places.timeline, plan.videos)
    people.write(places.people, _people(plan, users, scores, simulated))
    if given == "videos":
        frames.write(places.frames, list(_frames(plan)))
    if asked:
        captions.write(places.captions, _captions(plan, caption))
    if given != "scores":
        _embeddings(places.embeddings, plan, asked)
        _trained(places, plan, attention)
    else:
        _scores(places.scores, plan)
    _results(root / "reports" / "results" / dataset, plan, collapsed)
    return root


def _timeline(dataset: str, videos: int, steps: int, origin: Origin) -> Timeline:
    n_frames = 15 * steps
    edges = np.unique(np.linspace(0, n_frames, 9).astype(int))
    shots_S2 = np.column_stack([edges[:-1], edges[1:] - 1])
    each = (
        Video.sampled(f"video_{number + 1}", f"video_{number + 1}", n_frames, 30.0)
        for number in range(videos)
    )
    return Timeline(dataset, tuple(video.with_shots(shots_S2, origin) for video in each))


def _people(plan: Plan, users: int, scores: bool, simulated: bool) -> People:
    judged = []
    for video in plan.videos.videos:
        shots_S2, steps = video.known_shots(), len(video.picks_T)
        scores_UT = plan.random.integers(1, 6, (users, steps)).astype(np.float32)
        chosen = plan.random.integers(0, len(shots_S2), users)
        summary_UN = np.zeros((users, video.n_frames), dtype=np.float32)
        for user, shot in enumerate(chosen):
            summary_UN[user, slice(shots_S2[shot][0], shots_S2[shot][1] + 1)] = 1
        judged.append(
            Judgement(
                name=video.name,
                gtscore_T=(scores_UT.mean(axis=0) - 1) / 4,
                user_summary_UN=summary_UN,
                user_scores_UN=np.repeat(scores_UT, 15, axis=1) if scores else None,
            )
        )
    return People(plan.dataset, simulated, tuple(judged))


def _frames(plan: Plan) -> Any:
    for video in plan.videos.videos:
        hue = float(plan.random.uniform(0, 6))
        jpegs = tuple(jpeg(hue, frame) for frame in range(len(video.picks_T)))
        yield frames.Sampled(name=video.name, jpegs=jpegs, picks_T=video.picks_T)


def _captions(plan: Plan, caption: Callable[[int, int], str]) -> list[Caption]:
    return [
        Caption(video=video.name, pick=int(pick), caption=caption(number, frame))
        for number, video in enumerate(plan.videos.videos, 1)
        for frame, pick in enumerate(video.picks_T)
    ]


def _embeddings(path: Path, plan: Plan, asked: bool) -> None:
    """asked: whether an LLM was, as it was not where its embeddings are given."""
    scale = (LOWEST, HIGHEST) if asked else None
    with embeddings.writing(path, llm="a-model", scale=scale) as file:
        for video in plan.videos.videos:
            steps = len(video.picks_T)
            scores_T = plan.random.integers(LOWEST, HIGHEST + 1, steps).astype(np.float32)
            replies = [f"score: {score:.0f}" for score in scores_T]
            scores_T[2], replies[2] = np.nan, "I cannot say."
            file.put(
                video.name,
                query_TW=np.zeros((steps, WIDTH), dtype=np.float32),
                answer_TW=np.zeros((steps, WIDTH), dtype=np.float32),
                picks_T=video.picks_T,
                score_T=scores_T if asked else None,
                replies=replies if asked else None,
            )


def _trained(places: Places, plan: Plan, attention: bool) -> None:
    """Predictions, checkpoints and curves of every model."""
    torch.manual_seed(0)
    for place, model in enumerate(plan.models):
        runs, points = [], []
        for protocol in plan.protocols:
            for seed in plan.seeds:
                for split in range(plan.folds):
                    run = _run(plan, protocol, seed, split)
                    runs.append(run)
                    points += _points(plan, protocol, seed, split)
                    attends = attention or place > 0
                    scorer = (
                        GlobalAttention(WIDTH, 16, layers=2, heads=2, feedforward=8)
                        if attends
                        else Mlp(WIDTH, 16)
                    )
                    path = places.checkpoints(model) / f"{run.place}{checkpoints.SUFFIX}"
                    checkpoints.save(path, scorer)
        predictions.write(places.predictions(model), runs)
        curves.write(places.curves(model), points)


def _run(plan: Plan, protocol: str, seed: int, split: int) -> Run:
    names = tested(protocol, plan.videos.names)[split :: plan.folds]
    scored = {
        name: plan.random.random(len(plan.videos.by_name[name].picks_T)).astype(np.float32)
        for name in names
    }
    return Run(protocol, seed, split, 5.5 if protocol == "official" else 8.0, scored)


def _points(plan: Plan, protocol: str, seed: int, split: int) -> list[Point]:
    half = protocol == "official"
    epochs = np.arange(1, 17) / 2 if half else np.arange(1, 9)
    found = []
    for epoch in epochs.tolist():
        train, test = 0.08 / epoch**0.5 + plan.random.uniform(0, 0.01, 2)
        tau = 0.1 if half else None
        found.append(Point(protocol, seed, split, epoch, 3e-4, float(train), float(test), tau))
    return found


def _scores(path: Path, plan: Plan) -> None:
    given = {
        row: {video.name: plan.random.random(len(video.picks_T)) for video in plan.videos.videos}
        for row in plan.recipe["given"]["rows"]
    }
    scores.write(path, given)


def _results(folder: Path, plan: Plan, collapsed: str | None) -> None:
    """Tables of figures drawn at random, in the shape that evaluate gives them."""
    names = plan.videos.names
    origins = [str(video.shots_from) for video in plan.videos.videos]

    def protocol(name: str) -> ProtocolTable:
        rows = {
            row: _row(plan, title, kind, row == collapsed)
            for row, (title, kind) in plan.rows.items()
        }
        if "constant" in rows:
            rows = {row: _above_floor(of, rows["constant"], row) for row, of in rows.items()}
        flags = [f"A flag of {name} that readers must see."]
        if collapsed:
            flags.append(f"{plan.rows[collapsed][0]}: has collapsed.")
        floor = None
        if "constant" in rows:
            floor = Floor(tau=rows["constant"].tau.mean, rho=rows["constant"].rho.mean)
        return ProtocolTable(
            videos=len(tested(name, names)), flags=tuple(flags), floor=floor, rows=rows
        )

    protocols = {name: protocol(name) for name in plan.protocols}
    document = Results(
        dataset=plan.dataset,
        title=plan.recipe["title"],
        simulated=plan.recipe["simulated"],
        benchmark=plan.recipe["benchmark"],
        given=plan.recipe["given"]["kind"],
        shots={origin: origins.count(origin) for origin in set(origins)},  # type: ignore[arg-type]
        confidence=0.95,
        llm=results.Replies(replies=60, unparsed=len(names)) if "zero-shot" in plan.rows else None,
        files=(
            results.File(path=f"data/{plan.dataset}/timeline.h5", sha256="0123456789abcdef" * 4),
        ),
        protocols=protocols,
        choosing=_choosing(protocols),
    )
    results.write(folder, document, {name: _by_video(plan, name) for name in plan.protocols})


def _choosing(protocols: Mapping[str, ProtocolTable]) -> dict[str, Choosing] | None:
    """The steps of every row, of a made-up size; the last one makes them sum."""
    if len(protocols) < 2:
        return None
    found = {}
    for name, row in protocols["official"].rows.items():
        strict = protocols["strict"].rows[name]
        difference = round(row.tau.mean - strict.tau.mean, 6)
        if row.kind != "model":
            moved = Step(mean=difference, spread=None)
            found[name] = Choosing(
                difference=moved, videos=moved, training=Step(mean=0, spread=None)
            )
            continue
        epoch = EpochStep(
            mean=round(difference - 0.03, 6),
            spread=0.012,
            low=0.001,
            high=0.234,
            others=0.056,
            by={"tau": round(difference - 0.03, 6), "rho": 0.021},
        )
        found[name] = Choosing(
            difference=Step(mean=difference, spread=0.02),
            videos=Step(mean=0.041, spread=0.007),
            training=Step(mean=-0.011, spread=0.008),
            epoch=epoch,
        )
    return found


def _row(plan: Plan, title: str, kind: Any, collapsed: bool) -> Row:
    marks = {}
    for mark in MARKS:
        mean = round(float(plan.random.uniform(-0.05, 0.4)), 6)
        marks[mark] = Figure(
            mean=mean,
            low=mean - 0.05,
            high=mean + 0.05,
            spread=0.012 if kind == "model" else None,
            fold_spread=0.034,
        )
    scored = kind != "people"
    return Row(
        title=title,
        kind=kind,
        deviation=(0.0005 if collapsed else 0.2) if scored else None,
        collapsed=collapsed if scored else None,
        **marks,
    )


def _above_floor(row: Row, floor: Row, name: str) -> Row:
    """The row less constant scores, and its figures without the knapsack."""

    def less(mark: str) -> Difference:
        mean = row.figure(mark).mean - floor.figure(mark).mean
        return Difference(difference=mean, low=mean - 0.05, high=mean + 0.05, p=0.0123, holm=0.0456)

    marks = {mark: less(mark) for mark in MARKS}
    moved = {
        mark: row.tau.model_copy(update={"mean": row.tau.mean / times})
        for times, mark in enumerate(("tau", "rho", "biserial"), 2)
    }
    return row.model_copy(
        update={
            "above_floor": None if name == "constant" else Against(row="constant", **marks),
            "sampled": Sampled(**moved),
        }
    )


def _by_video(plan: Plan, protocol: str) -> dict[str, dict[str, VideoMarks]]:
    names = tested(protocol, plan.videos.names)

    def marks() -> VideoMarks:
        drawn = plan.random.uniform(-0.2, 0.6, 3).round(6).tolist()
        return VideoMarks(dict(zip(MARKS, drawn, strict=True)), 1 / len(names))

    return {row: {video: marks() for video in names} for row in plan.rows}


def build(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the report stage in `root` and give the page."""
    monkeypatch.chdir(root)
    out = Path("reports/index.html")
    report(Path("data"), Path("reports/results"), out)
    return out.read_text(encoding="utf-8")
