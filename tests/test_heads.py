"""`llmvs head`: a scorer that learnt from every judged video of two tiny datasets, and its use."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from stages import section
from stages.artifacts import (
    embeddings,
    judged_scores,
    people,
    predictions,
    results,
    timeline,
)
from stages.artifacts.judged_scores import About, JudgedScores, ScoredProtocol, ScoredRow
from stages.artifacts.people import Judgement, People
from stages.artifacts.places import Places
from stages.artifacts.predictions import Run
from stages.artifacts.results import File, Floor, ProtocolTable, Results, Shots
from stages.artifacts.row import Figure, Row
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.cli import app
from stages.errors import UserError
from stages.params import Recipe
from stages.scorers import registry
from stages.scorers.heads import card as cards
from stages.scorers.heads import shelf
from stages.scorers.settings import Model, overridden
from stages.shipping import prose
from stages.shipping.provenance import annotations
from stages.training import batches
from stages.training.fitting import fit
from stages.training.settings import Train
from stages.training.trainer import lessons
from stages.work.store import content_hash

ROOT = Path(__file__).parent.parent
WIDTH = 6
VIDEOS = {"summe-captions": (4, 5, 7), "tvsum-captions": (6, 3)}
"""Frames of video_1, video_2, … of each dataset."""
SCORER = {"width": 32, "layers": 1, "heads": 2, "feedforward": 16, "dropout": 0.1}
RECIPES = json.dumps(yaml.safe_load((ROOT / "params.yaml").read_text()))
"""Through JSON, or what recipes take over from one another would be changed in all of them."""
LLMVS = "summe-captions,tvsum-captions"


def spine(dataset: str) -> Timeline:
    made = []
    for number, length in enumerate(VIDEOS[dataset], 1):
        video = Video.sampled(f"video_{number}", f"{dataset} film {number}", 15 * length)
        made.append(video.with_shots([[0, 29], [30, video.n_frames - 1]], "field"))
    return Timeline(dataset, tuple(made))


def change(values: dict[str, Any], *place: str) -> None:
    """Set values at a place of params.yaml, such as ("datasets", "demo", "train")."""
    document = yaml.safe_load(Path("params.yaml").read_text())
    part = document
    for key in place:
        part = part[key]
    part.update(values)
    Path("params.yaml").write_text(yaml.safe_dump(document))


def folds_trained(dataset: str, seeds: int = 3) -> None:
    """Predictions as train leaves them."""
    train = section.lookup(Train, "datasets", dataset, "train")
    entry = overridden(section.lookup(Model, "models", "llmvs"), train.scorer)
    flat = {video.name: np.full(len(video.picks_T), 0.5, "f4") for video in spine(dataset).videos}
    runs = [Run("strict", seed, 0, 2, flat) for seed in range(seeds)]
    predictions.write(
        Places(Path("data") / dataset).predictions("llmvs"), runs, lessons(entry, train)
    )


def measured(dataset: str, seeds: int = 3, **parts: Any) -> None:
    """results.json and scores.h5 as evaluate leaves them, of the files that are there."""
    figure = Figure(mean=0.2, low=0.1, high=0.3, spread=0.01, fold_spread=None)
    row = Row(title="LLMVS", kind="model", tau=figure, rho=figure, f1=figure)
    protocol = ProtocolTable(
        videos=len(VIDEOS[dataset]),
        flags=(),
        floor=Floor(tau=0.25, rho=0.1) if dataset.startswith("summe") else None,
        rows={"llmvs": row},
    )
    places = Places(Path("data") / dataset)
    read = (places.timeline, places.people, places.embeddings, places.predictions("llmvs"))
    known: dict[str, Any] = {
        "dataset": dataset,
        "title": dataset,
        "simulated": False,
        "benchmark": None,
        "given": "captions",
        "shots": Shots(),
        "confidence": 0.95,
        "llm": None,
        "files": tuple(File(path=path.as_posix(), sha256=content_hash(path)) for path in read),
        "protocols": {"strict": protocol},
    }
    found = Results(**known | parts)
    results.write(Path("reports/results") / dataset, found, {})
    tested = spine(dataset).videos
    row_of = ScoredRow(
        title="LLMVS",
        kind="model",
        seeds=tuple(f"seed_{seed}" for seed in range(seeds)),
        by_split=False,
    )
    scores = {video.name: np.full((seeds, 1, len(video.picks_T)), 0.5) for video in tested}
    about = About(
        dataset=dataset,
        title=dataset,
        benchmark=None,
        given="captions",
        evaluate={},
        files=found.files,
        videos=tuple(
            judged_scores.Video(
                name=video.name,
                title=video.title,
                n_frames=video.n_frames,
                sampled=len(video.picks_T),
                shots_from="field",
                shots=None,
            )
            for video in tested
        ),
        protocols={
            "strict": ScoredProtocol(
                splits=(tuple(scores),), asked={"LLM": None}, rows={"llmvs": row_of}
            )
        },
    )
    place = Path("reports/results") / dataset / judged_scores.NAME
    judged_scores.write(place, JudgedScores(about, {"strict": {"llmvs": scores}}))


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two judged, embedded and evaluated datasets, both of video_1, …"""
    document = json.loads(RECIPES)
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for dataset in VIDEOS:
        recipe = document["datasets"][dataset]
        recipe["splits"].update(source="drawn", folds=2)
        recipe["train"].update(epochs=2, batch=2, scorer=SCORER)
        recipe["evaluate"].update(bootstrap=100)
        places, known, judged = Places(Path("data") / dataset), spine(dataset), []
        with embeddings.writing(places.embeddings, llm="tiny") as file:
            for video in known.videos:
                frames, picks_T = len(video.picks_T), video.picks_T
                query_TW, answer_TW = random.normal(size=(2, frames, WIDTH)).astype(np.float32)
                file.put(video.name, query_TW=query_TW, answer_TW=answer_TW, picks_T=picks_T)
                gtscore_T = random.random(frames, dtype=np.float32)
                shown_UN = np.ones((2, video.n_frames), np.float32)
                shown_UN[:, 30:] = 0
                scores_UN = random.integers(1, 6, (2, video.n_frames)).astype(np.float32)
                judged.append(Judgement(video.name, gtscore_T, shown_UN, scores_UN))
        timeline.write(places.timeline, known)
        people.write(places.people, People(dataset, False, tuple(judged)))
    document["datasets"] = {dataset: document["datasets"][dataset] for dataset in VIDEOS}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
    for dataset in VIDEOS:
        folds_trained(dataset)
        measured(dataset)
    return tmp_path


def llmvs(*arguments: object) -> str:
    """What the command prints. Raises what it raises."""
    done = CliRunner().invoke(app, ["head", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def trained(out: str = "mine.safetensors", datasets: str = LLMVS, *more: object) -> Path:
    said = ("--captioner", "BLIP base", "--out", out, *more)
    llmvs("train", "--datasets", datasets, *said)
    return Path(out)


def written(out: Path) -> list[bytes]:
    return [out.with_suffix(suffix).read_bytes() for suffix in (".safetensors", ".json", ".md")]


def fed(dataset: str) -> dict[str, dict[str, torch.Tensor]]:
    """By video: its embeddings, as the file has them."""
    with embeddings.reading(Places(Path("data") / dataset).embeddings) as file:
        found = {video.name: file.video(video) for video in spine(dataset).videos}
        return {
            name: {
                "query": torch.from_numpy(of.query_TW),
                "answer": torch.from_numpy(of.answer_TW),
            }
            for name, of in found.items()
        }


def test_a_head_is_what_fitting_every_video_of_both_datasets_gives(workplace: Path) -> None:
    train = section.lookup(Train, "datasets", "summe-captions", "train")
    entry = overridden(section.lookup(Model, "models", "llmvs"), train.scorer)
    every = []
    for dataset in VIDEOS:
        known = spine(dataset)
        judged = people.read(Places(Path("data") / dataset).people, known).by_name
        for name, inputs in fed(dataset).items():
            states = {"states": torch.maximum(inputs["query"], inputs["answer"])}
            gtscore_T = torch.from_numpy(judged[name].gtscore_T)
            every.append(batches.Video(f"{dataset} {name}", states, gtscore_T))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # or the last bits would be others
    expected = fit(every, every, entry, train, seed=5, where=torch.device("cpu")).model
    torch.set_num_threads(threads)
    found = registry.load(trained("mine.safetensors", LLMVS, "--seed", 5))
    assert found.architecture == expected.architecture
    for name, weight in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], weight), name


def test_the_same_command_gives_the_same_bytes_whatever_the_order_and_the_threads(
    workplace: Path,
) -> None:
    first = written(trained())
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    again = written(trained(datasets="tvsum-captions,summe-captions"))
    assert torch.get_num_threads() == threads + 1
    torch.set_num_threads(threads)
    assert first == again
    assert written(trained("mine.safetensors", LLMVS, "--seed", 1))[0] != first[0]


@pytest.mark.parametrize("dataset", VIDEOS)
def test_people_of_every_dataset_count_though_videos_are_named_alike(
    workplace: Path, dataset: str
) -> None:
    before = trained().read_bytes()
    place = Places(Path("data") / dataset).people
    judged = people.read(place, spine(dataset))
    judged.by_name["video_1"].gtscore_T[:] = 1 - judged.by_name["video_1"].gtscore_T
    people.write(place, judged)
    assert trained().read_bytes() != before


def test_the_card_says_what_the_head_rests_on(workplace: Path) -> None:
    out = trained()
    card = cards.read(out.with_suffix(".json"))
    assert (card.name, card.row, card.seed, card.captioner) == ("mine", "llmvs", 0, "BLIP base")
    assert card.weights == content_hash(out)
    assert card.architecture == registry.load(out).architecture
    assert card.torch == torch.__version__
    assert (card.videos, card.frames) == (5, 25)
    assert card.train["epochs"] == 2
    assert "seeds" not in card.train
    assert card.embed["prompt"]["instruction"].startswith("You rate how important one frame")
    summe, tvsum = card.sources
    assert [summe.dataset, summe.videos, summe.frames] == ["summe-captions", 3, 16]
    assert [tvsum.dataset, tvsum.videos, tvsum.frames] == ["tvsum-captions", 2, 9]
    assert "free for research with citation" in summe.annotations
    assert "non-commercial" in tvsum.annotations
    assert "tfnet" in tvsum.captions
    place = Places(Path("data/summe-captions"))
    assert summe.files["inputs/embeddings.h5"] == content_hash(place.embeddings)
    found = summe.expected
    assert (found.tau.mean, found.rho.low, found.seeds, found.videos) == (0.2, 0.1, 3, 3)
    assert found.floor == cards.Floor(tau=0.25, rho=0.1)
    assert tvsum.expected.floor is None


def test_what_people_read_is_made_of_the_card(workplace: Path) -> None:
    out = trained()
    said = out.with_suffix(".md").read_text(encoding="utf-8")
    assert said == prose.markdown(cards.read(out.with_suffix(".json")))
    assert "would be in-sample" in said
    assert (
        "| summe-captions | 3 | 3 | .200 [.100, .300] | .200 [.100, .300] | τ .250 ρ .100 |" in said
    )
    assert "| tvsum-captions | 2 | 3 | .200 [.100, .300] | .200 [.100, .300] | 0 |" in said
    assert "On summe-captions that cannot be told from what constant scores earn" in said
    assert "On tvsum-captions" not in said
    assert "other files than" not in said


def test_figures_of_other_embeddings_than_were_learnt_from_are_said_to_be(workplace: Path) -> None:
    embedded = Places(Path("data/tvsum-captions")).embeddings
    with h5py.File(embedded, "a") as file:
        file.attrs["made"] = "elsewhere"
    out = trained()
    expected = [of.expected for of in cards.read(out.with_suffix(".json")).sources]
    assert [of.same_files for of in expected] == [True, False]
    said = out.with_suffix(".md").read_text(encoding="utf-8")
    assert "The figures of tvsum-captions are of other files than this head learnt from" in said


def test_seeds_and_what_decides_no_embedding_may_differ(workplace: Path) -> None:
    before = trained().read_bytes()
    change({"seeds": [7]}, "datasets", "tvsum-captions", "train")
    folds_trained("tvsum-captions", seeds=1)
    measured("tvsum-captions", seeds=1)
    change({"token_budget": 99, "also": []}, "datasets", "tvsum-captions", "embed")
    assert trained().read_bytes() == before
    assert [of.expected.seeds for of in shelf.card("mine.safetensors").sources] == [3, 1]


def test_seeds_are_those_that_were_evaluated_whatever_params_say_by_now(workplace: Path) -> None:
    change({"seeds": [7]}, "datasets", "tvsum-captions", "train")
    trained()
    assert [of.expected.seeds for of in shelf.card("mine.safetensors").sources] == [3, 3]


def begin_with_embeddings() -> None:
    document = yaml.safe_load(Path("params.yaml").read_text())
    recipe = document["datasets"]["tvsum-captions"]
    recipe["given"] = {"kind": "embeddings", "query": "q.h5", "answer": "a.h5"}
    del recipe["embed"], recipe["sentences"]
    Path("params.yaml").write_text(yaml.safe_dump(document))


def choose_an_epoch() -> None:
    for dataset in VIDEOS:
        change({"validation": 0.2}, "datasets", dataset, "train")


def draw_examples() -> None:
    for dataset in VIDEOS:
        change({"source": "training"}, "datasets", dataset, "embed", "prompt", "shown")


def evaluate_another_row() -> None:
    measured("tvsum-captions", protocols={"strict": ProtocolTable(videos=2, flags=(), rows={})})


def train_otherwise_since() -> None:
    for dataset in VIDEOS:
        change({"epochs": 3}, "datasets", dataset, "train")
    change({"title": "Another"}, "models", "llmvs")
    change({"width": 64}, "datasets", "tvsum-captions", "train", "scorer")
    change({"width": 64}, "datasets", "summe-captions", "train", "scorer")


def train_again_and_evaluate_nothing() -> None:
    folds_trained("summe-captions", seeds=1)


def say_nothing_of_the_folds() -> None:
    path = Places(Path("data/summe-captions")).predictions("llmvs")
    with h5py.File(path, "a") as file:
        del file.attrs["settings"]


def keep_scores_of_another_run() -> None:
    place = Path("reports/results/tvsum-captions/scores.h5")
    kept = place.read_bytes()
    measured("tvsum-captions", files=())
    place.write_bytes(kept)


TVSUM = ("datasets", "tvsum-captions")
REFUSED: dict[str, tuple[Callable[[], None], str]] = {
    "train": (
        lambda: change({"lr": 0.5, "batch": 3}, *TVSUM, "train"),
        r"summe-captions\.train and datasets\.tvsum-captions\.train disagree on lr, batch",
    ),
    "embed": (
        lambda: change({"window": 5}, *TVSUM, "embed"),
        r"summe-captions\.embed and datasets\.tvsum-captions\.embed disagree on window",
    ),
    "prompt": (
        lambda: change({"answer": "{score}"}, *TVSUM, "embed", "prompt"),
        r"disagree on prompt\.answer",
    ),
    "given embeddings": (
        begin_with_embeddings,
        r"tvsum-captions: embeddings are given, so it is not said",
    ),
    "chosen epoch": (choose_an_epoch, r"train\.validation: a head keeps the last epoch"),
    "examples by split": (draw_examples, r"prompt\.shown: examples drawn from training videos"),
    "image": (
        lambda: change({"inputs": ["image"]}, "models", "llmvs"),
        r"models\.llmvs\.inputs: a head is fed what an LLM makes of captions",
    ),
    "sentences": (
        lambda: change({"inputs": ["sentence"]}, "models", "llmvs"),
        r"models\.llmvs\.inputs: a head is fed what an LLM makes of captions",
    ),
    "not evaluated": (
        lambda: Path("reports/results/tvsum-captions/results.json").unlink(),
        r"tvsum-captions/results\.json not found; run the evaluate stage",
    ),
    "another row": (
        evaluate_another_row,
        r"tvsum-captions/results\.json: holds no row llmvs under strict",
    ),
    "folds of other settings": (
        train_otherwise_since,
        r"llmvs\.h5: these scorers learnt with other .*differs: model\.width, train\.epochs;",
    ),
    "folds not evaluated": (
        train_again_and_evaluate_nothing,
        r"predictions/llmvs\.h5: is not what was evaluated",
    ),
    "folds that say nothing": (
        say_nothing_of_the_folds,
        r"predictions/llmvs\.h5: does not say how its scorers learnt; run the train stage",
    ),
    "folds that are gone": (
        lambda: Places(Path("data/summe-captions")).predictions("llmvs").unlink(),
        r"predictions/llmvs\.h5 not found; run the train stage",
    ),
    "scores of another run": (
        keep_scores_of_another_run,
        r"tvsum-captions: scores\.h5 and results\.json are of two runs",
    ),
    "not embedded": (
        lambda: Path("data/tvsum-captions/inputs/embeddings.h5").unlink(),
        r"tvsum-captions/inputs/embeddings\.h5",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_recipes_that_cannot_be_learnt_from_together_are_one_message(
    workplace: Path, case: str
) -> None:
    wrong, said = REFUSED[case]
    wrong()
    with pytest.raises(UserError, match=said):
        trained()
    assert not list(workplace.glob("mine.*"))


def test_a_wrong_command_is_one_message(workplace: Path) -> None:
    with pytest.raises(UserError, match="names one twice"):
        trained(datasets="tvsum-captions,tvsum-captions")
    with pytest.raises(UserError, match="has no 'films'"):
        trained(datasets="tvsum-captions,films")
    with pytest.raises(UserError, match=r"must end in \.safetensors"):
        trained("mine.pt")
    with pytest.raises(UserError, match="say it with --captioner"):
        llmvs("train", "--datasets", LLMVS, "--out", "mine.safetensors")


def score(dataset: str = "summe-captions", *more: object) -> dict[str, list[float]]:
    llmvs("score", "--head", "mine.safetensors", "--dataset", dataset, "--out", "s.json", *more)
    return dict(json.loads(Path("s.json").read_text()))


def test_scores_written_are_the_scorers_own(workplace: Path) -> None:
    scorer = registry.load(trained())
    for dataset in VIDEOS:
        found = score(dataset)
        assert list(found) == [video.name for video in spine(dataset).videos]
        for name, inputs in fed(dataset).items():
            assert found[name] == scorer.scores(inputs).tolist()
            assert len(set(found[name])) > 1


def test_judge_reads_what_score_writes(workplace: Path) -> None:
    trained()
    score()
    done = CliRunner().invoke(
        app,
        ["judge", "s.json", "--dataset", "summe-captions", "--format", "json"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["by_video"]) == 3


def test_some_videos_are_scored_by_name_or_title_in_the_timelines_order(workplace: Path) -> None:
    trained()
    every = score()
    some = score("summe-captions", "--videos", "summe-captions_film_3, video_1")
    assert some == {name: every[name] for name in ("video_1", "video_3")}
    with pytest.raises(UserError, match=r"no 'video_9'.*has 3, video_1 to video_3"):
        score("summe-captions", "--videos", "video_9")


def test_embeddings_of_other_settings_are_refused_and_what_differs_is_named(
    workplace: Path,
) -> None:
    trained()
    change({"window": 5, "pooling": "mean"}, *TVSUM, "embed")
    with pytest.raises(UserError, match=r"tvsum-captions\.embed: mine.*differs: pooling, window"):
        score("tvsum-captions")
    change({"window": 7, "pooling": "max", "token_budget": 9}, *TVSUM, "embed")
    score("tvsum-captions")
    change({"llm": "other/model", "revision": "a" * 40}, *TVSUM, "embed")
    with pytest.raises(UserError, match=r"what differs: llm\.name, llm\.commit, llm\.sha256"):
        score("tvsum-captions")
    begin_with_embeddings()
    with pytest.raises(UserError, match="embeddings are given, so it is not known"):
        score("tvsum-captions")


def test_a_card_of_settings_that_are_not_known_here_is_one_message(workplace: Path) -> None:
    card = trained().with_suffix(".json")
    document = json.loads(card.read_text())
    document["embed"]["temperature"] = 1
    card.write_text(json.dumps(document))
    with pytest.raises(UserError, match=r"^mine: the section `embed` .*\(temperature: unknown key"):
        score("tvsum-captions")


def test_a_card_names_the_file_that_people_came_from(workplace: Path) -> None:
    def said(dataset: str, **changes: Any) -> str:
        recipe: Recipe = section.lookup(Recipe, "datasets", dataset)
        download = recipe.download.model_copy(update=changes)
        return annotations(recipe.model_copy(update={"download": download}))

    assert "SumMe.zip; free" in said("summe-captions")
    assert "given as GT; free" in said("summe-captions", source="/a/place/GT", h5="/a/field.h5")
    assert "given as field.h5; free" in said("summe-captions", h5="/a/field.h5")
    assert "ydata-tvsum50.mat; released" in said("tvsum-captions")
    at_hand = said("tvsum-captions", source="/a/place/tvsum.tgz")
    assert "given as tvsum.tgz (or, where that holds none, https://" in at_hand
    assert "/a/place" not in at_hand


def test_scores_of_what_a_head_learnt_from_are_said_to_be_in_sample(
    workplace: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    trained(datasets="tvsum-captions")
    score("summe-captions")
    assert not caplog.text
    change({"benchmark": None}, "datasets", "summe-captions")
    trained(datasets="summe-captions")
    score("summe-captions")
    assert "learnt from summe-captions" in caplog.text
    assert "in-sample" in caplog.text
    change({"benchmark": "SumMe"}, "datasets", "summe-captions")
    trained(datasets="summe-captions")
    caplog.clear()
    score("tvsum-captions")
    assert not caplog.text
    change({"benchmark": "SumMe"}, *TVSUM)  # by another name, the same videos
    score("tvsum-captions")
    assert "learnt from summe-captions" in caplog.text


def test_weights_that_are_not_the_cards_are_refused(workplace: Path) -> None:
    out = trained()
    other = trained("other.safetensors", LLMVS, "--seed", 1)
    out.write_bytes(other.read_bytes())
    with pytest.raises(UserError, match=r"these are not the weights that mine\.json is the card"):
        shelf.load(str(out))
    out.with_suffix(".json").write_text('{"name": "mine"}')
    with pytest.raises(UserError, match=r"mine\.json: is no card of a head \(weights"):
        shelf.load(str(out))
    out.with_suffix(".json").unlink()
    with pytest.raises(UserError, match=r"mine\.json not found"):
        shelf.load(str(out))


def test_heads_are_listed_and_loaded_by_name(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "FOLDER", workplace)
    monkeypatch.setenv("COLUMNS", "200")
    assert "no head comes with this package" in llmvs("list")
    out = trained()
    trained("another.safetensors", "tvsum-captions")
    assert shelf.names() == ["another", "mine"]
    loaded = shelf.load("mine")
    assert not loaded.scorer.training
    inputs = fed("tvsum-captions")["video_1"]
    assert torch.equal(loaded.scorer.scores(inputs), registry.load(out).scores(inputs))
    assert loaded.card == cards.read(out.with_suffix(".json"))
    said = llmvs("list")
    for part in ("mine", "another", "tvsum-captions", ".200 [.100, .300]", "τ .250 ρ .100"):
        assert part in said
    with pytest.raises(UserError, match=r"'mime'; is mine meant\? \(there are another, mine;"):
        shelf.load("mime")
