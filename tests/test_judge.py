"""Anyone's scores are judged by themselves, as an independent script and as evaluate judge them."""

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import yaml
from scipy import stats
from typer.testing import CliRunner

from stages import judging, section
from stages.artifacts import field, people, scores, timeline
from stages.artifacts.field import Annotated
from stages.artifacts.people import Judgement, People
from stages.artifacts.places import Places
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.cli import app
from stages.errors import UserError
from stages.evaluate import evaluate
from stages.metrics.printed import mark as shown_mark
from stages.metrics.printed import shown_p

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data"
needs_real_annotations = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real TVSum and SumMe annotations are not beside the repository"
)
GT, MAT = REAL / "summe", REAL / "tvsum" / "ydata-tvsum50.mat"
DIRECT = REAL / "scores" / "mllm_direct.json"
MARKS = ("tau", "rho", "f1")

N, USERS = 300, 4
SHOTS = np.column_stack([np.arange(0, N, 20), np.arange(19, N, 20)])
VIDEOS = tuple(
    Video.sampled(f"video_{number}", f"film {number}", N).with_shots(SHOTS, "annotations")
    for number in range(1, 8)
)
PICKS = VIDEOS[0].picks_T


def annotated() -> Annotated:
    random = np.random.default_rng(0)
    judged = []
    for video in VIDEOS:
        noisy_UN = 1 + 4 * random.random(len(SHOTS)).repeat(20) * random.random((USERS, 1))
        noisy_UN += 0.1 * random.random((USERS, N))
        shown_UN = noisy_UN > np.quantile(noisy_UN, 0.85, axis=1, keepdims=True)
        gtscore_T = ((noisy_UN.mean(axis=0)[PICKS] - 1) / 5).astype(np.float32)
        judged.append(
            Judgement(
                video.name, gtscore_T, shown_UN.astype(np.float32), noisy_UN.astype(np.float32)
            )
        )
    return Annotated(Timeline("toy", VIDEOS), People("toy", True, tuple(judged)))


def mine() -> dict[str, list[float]]:
    random = np.random.default_rng(1)
    return {f"Film_{number}": random.random(len(PICKS)).tolist() for number in range(1, 8)}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml, someone's scores, and what people said as the field's h5."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["datasets"]["demo"]["evaluate"].update(random_seeds=5, bootstrap=100)
    params["datasets"]["demo"]["given"] = {"kind": "scores", "rows": {"mine": "mine.json"}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "mine.json").write_text(json.dumps(mine()))
    field.write(tmp_path / "people.h5", annotated())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judged(*arguments: Any) -> dict[str, Any]:
    """The command's JSON. Raises what it raises."""
    given = ["judge", *map(str, arguments), "--format", "json"]
    done = CliRunner().invoke(app, given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def toy(*arguments: Any) -> dict[str, Any]:
    return judged("mine.json", "--dataset", "demo", "--people", "people.h5", *arguments)


def summary_is_the_measure(work: Path) -> None:
    path = work / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["datasets"]["demo"]["evaluate"].update(agreement="summary", f1="max")
    path.write_text(yaml.safe_dump(params))


def test_scores_of_the_picks_are_held_against_each_user_then_averaged_over_videos(
    work: Path,
) -> None:
    found = toy("--name", "My method")
    of_users = {video.name: video.user_scores_UN[:, PICKS] for video in annotated().people.videos}
    pairs = list(zip(of_users.values(), mine().values(), strict=True))
    for mark, coefficient in (("tau", stats.kendalltau), ("rho", stats.spearmanr)):
        each = [np.mean([coefficient(of, own).statistic for of in users]) for users, own in pairs]
        assert found[mark] == pytest.approx(np.mean(each), abs=1e-12)
        assert [of[mark] for of in found["by_video"].values()] == pytest.approx(each, abs=1e-12)
        low, high = found["intervals"][mark]
        assert low < found[mark] < high
    assert found["videos"] == 7
    assert found["name"] == "My method"
    assert found["simulated"]
    assert found["missing"] == {}
    assert found["floor"]["tau"] == found["floor"]["rho"] == 0
    assert list(found["protocols"]) == ["strict", "official"]


@pytest.mark.parametrize("measure", ["scores", "summary"])
def test_evaluate_gives_the_same_row_the_same_figures_and_tests(work: Path, measure: str) -> None:
    if measure == "summary":
        summary_is_the_measure(work)
    places, (known, said) = Places(work / "data/demo"), annotated()
    timeline.write(places.timeline, known)
    people.write(places.people, said)
    own = {video.name: np.array(of) for video, of in zip(VIDEOS, mine().values(), strict=True)}
    scores.write(places.scores, {"mine": own})
    evaluate(dataset="demo", data=places.folder, out=work / "reports/results/demo")
    results = json.loads((work / "reports/results/demo/results.json").read_text())
    found = judged("mine.json", "--dataset", "demo", "--against", "human")
    for protocol, of in results["protocols"].items():
        rows, ours = of["rows"], found["protocols"][protocol]
        assert ours["videos"] == of["videos"]
        for mark in MARKS:
            assert ours[mark] == pytest.approx(rows["mine"][mark]["mean"], abs=1e-6)
            interval = [rows["mine"][mark][end] for end in ("low", "high")]
            assert ours["intervals"][mark] == pytest.approx(interval, abs=1e-6)
            less = rows["human"]["against"]
            assert less["row"] == "mine"
            own_less = ours["against"][mark]
            assert own_less["difference"] == pytest.approx(-less[mark]["difference"], abs=1e-6)
            assert own_less["p"] == less[mark]["p"]
        for mark in ("tau", "rho", "biserial") if measure == "summary" else ():
            sampled = rows["mine"]["sampled"][mark]
            assert ours["sampled"][mark] == pytest.approx(sampled["mean"], abs=1e-6)
            interval = [sampled[end] for end in ("low", "high")]
            assert ours["sampled"]["intervals"][mark] == pytest.approx(interval, abs=1e-6)
    if measure == "scores":
        assert found["sampled"] is None
    else:
        shown = CliRunner().invoke(app, ["judge", "mine.json", "--dataset", "demo"]).stdout
        line = next(line for line in shown.splitlines() if "without the knapsack " in line)
        assert line.split()[-1] == shown_mark(found["sampled"]["biserial"], 4)
        floor = results["protocols"]["strict"]["rows"]["constant"]
        whole = {video: [0.5] * len(PICKS) for video in mine()}
        Path("constant.json").write_text(json.dumps(whole))
        constant = judged("constant.json", "--dataset", "demo")
        for mark in MARKS:
            assert constant["floor"][mark] == pytest.approx(constant[mark], abs=1e-12)
            assert constant["less_floor"][mark]["p"] == 1
            assert constant[mark] == pytest.approx(
                np.mean([of[mark] for of in constant["by_video"].values()])
            )
        assert floor["tau"]["mean"] != 0


def test_one_row_of_given_scores_and_the_tables_of_others_are_judged_alike(work: Path) -> None:
    expected = {**toy(), "file": None, "name": None}
    named = {video.name: of for video, of in zip(VIDEOS, mine().values(), strict=True)}
    with Path("a.csv").open("w", newline="") as file:
        lines = [
            [video, pick, score]
            for video, of in named.items()
            for pick, score in zip(PICKS, of, strict=True)
        ]
        csv.writer(file).writerows([["video", "pick", "score"], *lines[::-1]])
    with h5py.File("a.h5", "w") as file:
        for video, of in named.items():
            file[f"{video}/scores"] = of
    scores.write(Path("b.h5"), {"mine": {video: np.array(of) for video, of in named.items()}})
    for path in ("a.csv", "a.h5", "b.h5"):
        found = judged(path, "--dataset", "demo", "--people", "people.h5")
        assert {**found, "file": None, "name": None} == expected


def test_a_missing_video_is_refused_or_named_beside_the_figures_of_the_others(work: Path) -> None:
    document = mine()
    del document["Film_3"]
    Path("mine.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match=r"mine\.json: lacks scores of video_3 \(film 3\), 1 of 7"):
        toy()
    found = toy("--partial")
    assert found["missing"] == {"video_3": "film 3"}
    assert found["videos"] == 6
    assert found["protocols"]["strict"]["videos"] == 6
    assert found["tau"] == pytest.approx(
        np.mean([of["tau"] for of in found["by_video"].values()]), abs=1e-12
    )
    assert any("video_3 (film 3)" in note for note in found["notes"])
    table = ["judge", "mine.json", "--dataset", "demo", "--people", "people.h5", "--partial"]
    shown = CliRunner().invoke(app, table).stdout
    assert "6 of 7 videos" in shown
    assert "video_3 (film 3)" in shown
    assert "SIMULATED" in shown


@needs_real_annotations
def test_of_one_video_differences_have_no_interval_and_name_their_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    name = summe_names()[0]
    (tmp_path / "one.json").write_text(json.dumps({name: list(range(len(of_summe(name)[::15])))}))
    command = ["judge", str(tmp_path / "one.json"), "--dataset", "summe-captions", "--people",
               str(GT), "--partial", "--against", "llmvs"]  # fmt: skip
    shown = CliRunner().invoke(app, command).stdout
    assert re.findall(r"(\w+: )?less", shown.split("without")[0]) == ["strict: ", "official: "]
    assert "1.0000" not in shown.split("without")[0], "no p of one video"


def changed(**entries: Any) -> None:
    Path("mine.json").write_text(json.dumps(mine() | entries))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ([0.5] * 19, r"19 scores, and its timeline picks 20 of 300 frames; give one for each pick"),
        ([0.5] * 300, r"300 scores, .*--every-frame"),
        ([0.5] * 19 + [float("nan")], "score number 20 is nan"),
    ],
)
def test_what_is_wrong_with_a_video_is_one_message(work: Path, entry: Any, said: str) -> None:
    changed(Film_2=entry)
    with pytest.raises(UserError, match=rf"^mine\.json: video_2 \(film 2\): {said}"):
        toy()


def test_scores_of_every_frame_are_judged_at_the_picks(work: Path) -> None:
    expected = toy()
    full = {video: np.repeat(of, 15).tolist() for video, of in mine().items()}
    Path("mine.json").write_text(json.dumps(full))
    assert toy("--every-frame") == expected


def test_what_is_said_on_stdout_is_json_alone_and_an_error_is_one_message(work: Path) -> None:
    changed(Scuba=[1.0])
    command = [sys.executable, "-m", "stages.cli", "judge", "mine.json", "--dataset", "demo"]
    command += ["--people", "people.h5", "--format", "json"]
    environment = {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    options: dict[str, Any] = {"env": environment, "capture_output": True, "text": True}
    done = subprocess.run(command, check=False, **options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["videos"] == 7
    assert "also names Scuba, which are left out" in done.stderr
    Path("mine.json").write_text('{"Scuba": [1.0]}')
    done = subprocess.run(command, check=False, **options)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "mine.json: holds scores of Scuba; none is a video of demo" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_model_is_loaded() -> None:
    program = "import sys, stages.judging; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_where_nothing_says_what_people_said_the_remedy_is_named(work: Path) -> None:
    with pytest.raises(UserError, match=r"people\.h5: not here.*--people .*download@demo"):
        judged("mine.json", "--dataset", "demo")
    with pytest.raises(UserError, match=r"none\.h5: no such file or folder"):
        judged("mine.json", "--dataset", "demo", "--people", "none.h5")
    with pytest.raises(UserError, match=r"/dev/null: is a device or pipe"):
        judged("/dev/null", "--dataset", "demo")
    with pytest.raises(UserError, match=r"none\.json: no such file"):
        judged("none.json", "--dataset", "demo")
    with pytest.raises(UserError, match=r"mine\.json is no \.h5 of the field's schema"):
        judged("mine.json", "--dataset", "demo", "--people", "mine.json")


def test_annotations_without_the_scores_that_agreement_is_with_are_refused(work: Path) -> None:
    known, said = annotated()
    bare = tuple(replace(one, user_scores_UN=None) for one in said.videos)
    field.write(work / "bare.h5", Annotated(known, People("toy", True, bare)))
    with pytest.raises(UserError, match=r"bare\.h5: holds no user_scores of video_1.*--people"):
        judged("mine.json", "--dataset", "demo", "--people", "bare.h5")
    summary_is_the_measure(work)
    assert judged("mine.json", "--dataset", "demo", "--people", "bare.h5")["videos"] == 7


def test_a_saved_row_of_other_annotations_or_of_no_such_name_is_refused(work: Path) -> None:
    places, (known, said) = Places(work / "data/demo"), annotated()
    timeline.write(places.timeline, known)
    people.write(places.people, said)
    own = {video.name: np.array(of) for video, of in zip(VIDEOS, mine().values(), strict=True)}
    scores.write(places.scores, {"mine": own})
    with pytest.raises(UserError, match=r"results\.json not found; run the evaluate stage"):
        toy("--against", "mine")
    evaluate(dataset="demo", data=places.folder, out=work / "reports/results/demo")
    assert toy("--against", "mine")["protocols"]["strict"]["against"]["tau"]["p"] == 1
    with pytest.raises(UserError, match=r"has no row 'llmvs' \(has mine, human, oracle, random\)"):
        toy("--against", "llmvs")
    table = work / "reports/results/demo/per_video.csv"
    whole = table.read_text()
    lines = [line for line in whole.splitlines(keepends=True) if "oracle" not in line]
    table.write_text("".join(lines))
    with pytest.raises(UserError, match=r"has no oracle under strict, .*whole; run evaluate again"):
        toy("--against", "mine")
    table.write_text(whole)
    other = tuple(
        replace(one, user_scores_UN=one.user_scores_UN[::-1, ::-1]) for one in said.videos
    )
    field.write(work / "people.h5", Annotated(known, People("toy", True, other)))
    with pytest.raises(UserError, match="people's mean earns other marks on video_"):
        toy("--against", "mine")


@needs_real_annotations
@pytest.mark.parametrize(
    ("dataset", "title", "place", "videos", "tau", "rho"),
    [
        ("summe-captions", "SumMe", GT, 25, 0.1214, 0.1351),
        ("tvsum-captions", "TVSum", MAT, 50, 0.0880, 0.1026),
    ],
)
def test_a_multimodal_llms_published_scores_earn_what_is_known(
    monkeypatch: pytest.MonkeyPatch,
    dataset: str,
    title: str,
    place: Path,
    videos: int,
    tau: float,
    rho: float,
) -> None:
    """And the README says so."""
    monkeypatch.chdir(ROOT)
    found = judged(DIRECT, "--dataset", dataset, "--people", place, "--against", "llmvs")
    assert (found["tau"], found["rho"]) == pytest.approx((tau, rho), abs=5e-5)
    assert found["videos"] == found["protocols"]["strict"]["videos"] == videos
    assert found["protocols"]["strict"]["tau"] == found["tau"]
    said = f"| {title}, {videos} videos | {figure(found, 'tau')} | {figure(found, 'rho')} | "
    said += f"{difference(found['less_floor']['tau'])} | "
    said += f"{difference(found['protocols']['strict']['against']['tau'])} |"
    readme = Path("README.md").read_text(encoding="utf-8")
    assert said in readme
    if title == "SumMe":
        assert f"a τ of {figure(found['sampled'], 'tau')}" in " ".join(readme.split())


def figure(found: dict[str, Any], mark: str) -> str:
    low, high = found["intervals"][mark]
    return f"{found[mark]:.4f} [{low:.4f}, {high:.4f}]".replace("0.", ".")


def difference(of: dict[str, float]) -> str:
    return f"{of['difference']:.4f}, p {shown_p(of['p'])}".replace("0.", ".").replace("-", "−")


def of_summe(name: str) -> np.ndarray:
    """People's labels (N, U) of a video of SumMe, by its name."""
    chosen_NU = scipy.io.loadmat(GT / f"{name}.mat")["user_score"]
    return np.asarray(chosen_NU > 0)


def summe_names() -> list[str]:
    return sorted(path.stem for path in GT.glob("*.mat"))


@needs_real_annotations
def test_peoples_mean_earns_the_ceiling_and_constant_scores_the_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    mean = {name: of_summe(name).mean(axis=1)[::15].tolist() for name in summe_names()}
    (tmp_path / "mean.json").write_text(json.dumps(mean))
    (tmp_path / "one.json").write_text(
        json.dumps({name: [1] * len(of) for name, of in mean.items()})
    )
    options = ["--dataset", "summe", "--people", GT]
    found = judged(tmp_path / "mean.json", *options)
    assert (found["tau"], found["rho"]) == pytest.approx((0.4047, 0.4524), abs=5e-5)
    assert found["ceiling"] == pytest.approx({mark: found[mark] for mark in MARKS}, abs=1e-9)
    found = judged(tmp_path / "one.json", *options)
    assert (found["tau"], found["rho"]) == pytest.approx((0.1089, 0.1211), abs=5e-5)
    assert found["floor"] == pytest.approx({mark: found[mark] for mark in MARKS}, abs=1e-12)


def one_score_judged(folder: Path, score: float, *, against: str) -> dict[str, Any]:
    """One score for every frame of SumMe, against a row of reports/results."""
    one = {name: [score] * len(of_summe(name)[::15]) for name in summe_names()}
    (folder / "one.json").write_text(json.dumps(one))
    options = ["--dataset", "summe-captions", "--people", GT, "--against", against]
    return judged(folder / "one.json", *options)


@needs_real_annotations
def test_the_saved_rows_are_tested_against_as_evaluate_tests_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Constant scores against LLMVS on SumMe, which reports/results holds."""
    monkeypatch.chdir(ROOT)
    found = one_score_judged(tmp_path, 1, against="llmvs")
    saved = json.loads(Path("reports/results/summe-captions/results.json").read_text())
    for protocol, of in saved["protocols"].items():
        for mark in MARKS:
            expected = of["rows"]["constant"]["against"][mark]
            del expected["holm"]
            less = found["protocols"][protocol]["against"]
            assert less["row"] == "llmvs"
            assert less[mark] == pytest.approx(expected, abs=1e-6)


@needs_real_annotations
def test_a_row_of_one_protocol_is_tested_against_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fine-tuned LLM's, which is of strict alone; and one score for all, whatever it is."""
    monkeypatch.chdir(ROOT)
    found = one_score_judged(tmp_path, 0.7, against="zero-shot*")
    assert found["tau"] == pytest.approx(found["floor"]["tau"], abs=1e-12)
    assert found["protocols"]["strict"]["against"]["row"] == "zero-shot*"
    assert found["protocols"]["official"].get("against") is None


def knapsack(values: list[float], lengths: list[int], room: int) -> list[int]:
    """Shots worth most together, from the table of best values over items and room."""
    best = np.zeros((len(values) + 1, room + 1))
    for item, (value, length) in enumerate(zip(values, lengths, strict=True), 1):
        best[item] = best[item - 1]
        for size in range(length, room + 1):
            best[item, size] = max(best[item - 1, size], best[item - 1, size - length] + value)
    chosen = []
    for item in range(len(values), 0, -1):
        if best[item, room] != best[item - 1, room]:
            chosen.append(item - 1)
            room -= lengths[item - 1]
    return chosen


@needs_real_annotations
def test_one_users_own_annotations_earn_on_summe_what_an_independent_script_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    own, expected = {}, []
    known = json.loads((GT / "summe_change_points.json").read_text())
    for number, name in enumerate(summe_names(), 1):
        labels_NU = of_summe(name)
        n_frames = len(labels_NU)
        own[name] = labels_NU[::15, 0].astype(int).tolist()
        frames_N = np.repeat(own[name], 15)[:n_frames]
        shots = known[f"video_{number}"]["change_points"]
        values = [float(frames_N[start : end + 1].mean()) for start, end in shots]
        lengths = [end - start + 1 for start, end in shots]
        summary_N = np.zeros(n_frames, int)
        for shot in knapsack(values, lengths, int(0.15 * n_frames)):
            summary_N[shots[shot][0] : shots[shot][1] + 1] = 1
        mean_N = labels_NU.mean(axis=1)
        shared_U = labels_NU[summary_N == 1].sum(axis=0)
        f1 = (2 * shared_U / (labels_NU.sum(axis=0) + summary_N.sum())).max()
        expected.append(
            (
                stats.kendalltau(summary_N, mean_N).statistic,
                stats.spearmanr(summary_N, mean_N).statistic,
                f1,
            )
        )
    (tmp_path / "own.json").write_text(json.dumps(own))
    found = judged(tmp_path / "own.json", "--dataset", "summe", "--people", GT)
    each = [[of[mark] for mark in MARKS] for of in found["by_video"].values()]
    np.testing.assert_allclose(each, expected, atol=1e-9)
    assert [found[mark] for mark in MARKS] == pytest.approx(np.mean(expected, axis=0).tolist())


@needs_real_annotations
def test_one_users_own_annotations_earn_on_tvsum_what_an_independent_script_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    own, expected = {}, []
    with h5py.File(MAT) as file:
        for row in range(50):
            cell = {key: file[file["tvsum50"][key][row, 0]][()] for key in ("video", "user_anno")}
            users_UT = cell["user_anno"][:, ::15]
            name = "".join(map(chr, cell["video"].ravel()))
            own[name] = users_UT[3].astype(float).tolist()
            pairs = [(of, users_UT[3]) for of in users_UT]
            tau = np.mean([stats.kendalltau(*pair).statistic for pair in pairs])
            expected.append((tau, np.mean([stats.spearmanr(*pair).statistic for pair in pairs])))
    (tmp_path / "own.json").write_text(json.dumps(own))
    found = judged(tmp_path / "own.json", "--dataset", "tvsum", "--people", MAT.parent)
    each = [[of["tau"], of["rho"]] for of in found["by_video"].values()]
    np.testing.assert_allclose(each, expected, atol=1e-9)


@needs_real_annotations
def test_files_of_other_people_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match=r"is not TVSum's ydata-tvsum50\.mat"):
        judging.judge(DIRECT, "tvsum", people=GT / "Jumps.mat")
    with pytest.raises(UserError, match="holds neither ydata-tvsum50"):
        judging.judge(DIRECT, "tvsum", people=GT)
    with pytest.raises(UserError, match="not a ground truth of SumMe"):
        judging.judge(DIRECT, "summe", people=MAT.parent)
    with pytest.raises(UserError, match=r"its folder GT, a \.mat a video, or an archive"):
        judging.judge(DIRECT, "summe", people=MAT)


@needs_real_annotations
def test_a_folder_that_lacks_one_of_summes_files_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else every later video would have another number, and be judged as another."""
    monkeypatch.chdir(ROOT)
    for path in sorted(GT.rglob("*.mat")):
        if path.stem != "Base jumping":
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(UserError, match=r"lacks Base jumping\.mat \(video_2\), 1 of SumMe's 25"):
        judging.judge(DIRECT, "summe", people=tmp_path)


@needs_real_annotations
def test_an_h5_without_names_and_shots_has_those_of_the_benchmark(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    recipe = section.lookup(judging.Recipe, "datasets", "summe")
    known, said = judging.annotated("summe", recipe.download, GT, Places(tmp_path))
    bare = tuple(replace(video, title=video.name, shots_S2=None) for video in known.videos)
    field.write(tmp_path / "bare.h5", Annotated(replace(known, videos=bare), said))
    found, expected = (
        judging.judge(DIRECT, "summe", people=place).document
        for place in (tmp_path / "bare.h5", GT)
    )
    assert found["by_video"] == expected["by_video"]
