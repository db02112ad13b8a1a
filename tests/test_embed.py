"""The embed stage as `dvc repro` runs it: a program, its files, its store."""

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import yaml
from tiny_llms import byte_tokenizer, causal_lm, save
from transformers import LlamaConfig

from stages.artifacts import timeline
from stages.artifacts.video import Video
from stages.work.collection import collect
from stages.work.store import Store, content_hash

ROOT = Path(__file__).parents[1]

# Large enough that a batch takes a while, small enough that all of them take seconds.
CONFIG = LlamaConfig(
    vocab_size=512,
    hidden_size=128,
    intermediate_size=256,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=4096,
    bos_token_id=1,
    eos_token_id=2,
)
WORDS = ("A dog runs.", "A cat sits.", "Rain falls.", "A car turns left.", "Two people talk.")


def captions_of(video, frames, seed):
    words = np.random.default_rng(seed).choice(WORDS, frames)
    return [
        {"video": video, "pick": 15 * index, "caption": str(word)}
        for index, word in enumerate(words)
    ]


class Place:
    """A folder that looks like a checkout: params.yaml, captions, a model, a store."""

    def __init__(self, root):
        self.root = root
        self.document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        self.embed = self.document["datasets"]["demo"]["embed"]
        self.embed |= {"llm": str(save(root / "model", CONFIG)), "token_budget": 300}
        self.write_params()
        self.captions = [
            *captions_of("video_2", 12, 0),
            *captions_of("video_10", 9, 1),
            *captions_of("video_1", 30, 2),
        ]
        self.write_captions()

    def write_params(self):
        (self.root / "params.yaml").write_text(yaml.safe_dump(self.document), encoding="utf-8")

    def write_captions(self):
        lines = [json.dumps(line) for line in self.captions]
        (self.root / "captions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        frames = Counter(line["video"] for line in self.captions)
        videos = [Video.sampled(name, name, 15 * count) for name, count in frames.items()]
        timeline.write(self.root / "timeline.h5", timeline.Timeline("demo", tuple(videos)))

    def start(self, out="out.h5"):
        command = [sys.executable, "-m", "stages.embed", "--dataset", "demo"]
        command += ["--captions", "captions.jsonl", "--timeline", "timeline.h5", "--out", out]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DVC_ROOT": str(self.root),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
        }
        return subprocess.Popen(
            command, cwd=self.root, env=environment, stderr=subprocess.PIPE, text=True
        )

    def run(self, out="out.h5", code=0):
        process = self.start(out)
        said = process.communicate()[1]
        assert process.returncode == code, said
        return " ".join(said.split())

    def items(self):
        return list((self.root / ".work" / "items").glob("*/*.npz"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("embed"))
    place.said = place.run()
    return place


@pytest.fixture
def place(finished, tmp_path):
    """The finished place again, in a folder of its own, with an empty store."""
    fresh = copy.copy(finished)
    fresh.root = tmp_path
    fresh.document = copy.deepcopy(finished.document)
    fresh.embed = fresh.document["datasets"]["demo"]["embed"]
    fresh.captions = list(finished.captions)
    fresh.write_params()
    fresh.write_captions()
    return fresh


def test_each_video_has_its_embeddings_scores_and_words(finished):
    with h5py.File(finished.root / "out.h5") as file:
        assert list(file) == ["video_1", "video_2", "video_10"]
        assert file.attrs["llm"] == finished.embed["llm"]
        assert (file.attrs["lowest"], file.attrs["highest"]) == tuple(
            finished.embed["prompt"]["scale"]
        )
        unparsed = 0
        for video, frames in (("video_1", 30), ("video_2", 12), ("video_10", 9)):
            group = file[video]
            assert group["query"].shape == group["answer"].shape == (frames, 128)
            assert group["query"].dtype == group["score"].dtype == np.float32
            assert list(group["picks"]) == [15 * index for index in range(frames)]
            assert len(group["reply"].asstr()[:]) == frames
            unparsed += int(np.isnan(group["score"][:]).sum())
        # A random model does not follow instructions: its failures are kept and counted.
        assert file.attrs["unparsed"] == unparsed > 0
    assert f"{unparsed} of 51 replies hold no score" in finished.said


def test_the_file_holds_what_plain_generation_gives_for_each_frame(finished):
    tokenizer, model = byte_tokenizer(), causal_lm(CONFIG)
    captions = {}
    for line in finished.captions:
        captions.setdefault(line["video"], []).append(line["caption"])
    prompt = finished.embed["prompt"]
    low, high = prompt["scale"]

    def words(window, caption):
        return prompt["query"].replace("{window}", "\n".join(window)).replace("{caption}", caption)

    instruction = (
        prompt["instruction"].replace("{lowest}", str(low)).replace("{highest}", str(high))
    )
    head = [{"role": "system", "content": instruction}]
    for example in prompt["examples"]:
        head.append({"role": "user", "content": words(example["captions"], example["captions"][3])})
        answer = prompt["answer"].replace("{score}", str(example["score"]))
        head.append({"role": "assistant", "content": answer})
    with h5py.File(finished.root / "out.h5") as file:
        for video, frame in (("video_1", 0), ("video_1", 17), ("video_10", 8), ("video_2", 5)):
            said = captions[video]
            query = words(said[max(0, frame - 3) : frame + 4], said[frame])
            text = tokenizer.apply_chat_template(
                [*head, {"role": "user", "content": query}],
                tokenize=False,
                add_generation_prompt=True,
            )
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            own = tokenizer(query, add_special_tokens=False)["input_ids"]
            tail = tokenizer("<|im_end|>\n<|im_start|>assistant\n", add_special_tokens=False)
            stop = len(ids) - len(tail["input_ids"])
            assert ids[stop - len(own) : stop] == own
            output = model.generate(
                torch.tensor([ids]),
                max_new_tokens=finished.embed["max_new_tokens"],
                do_sample=False,
                output_hidden_states=True,
                return_dict_in_generate=True,
                pad_token_id=2,
            )
            states = output.hidden_states[0][-1][0, stop - len(own) : stop]
            found = torch.tensor(file[video]["query"][frame])
            torch.testing.assert_close(found, states.amax(0), atol=1e-4, rtol=0)
            reply = tokenizer.decode(output.sequences[0, len(ids) :], skip_special_tokens=True)
            assert file[video]["reply"].asstr()[frame] == reply


def test_a_killed_run_resumes_to_the_same_bytes_without_redoing_work(finished, place):
    process = place.start()
    deadline = time.monotonic() + 120
    while not place.items() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = {path: path.stat().st_mtime_ns for path in place.items()}
    total = len(finished.items())
    assert 0 < len(done) < total
    assert not (place.root / "out.h5").exists()
    said = place.run()
    assert f"reused {len(done)} of {total}" in said
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert content_hash(place.root / "out.h5") == content_hash(finished.root / "out.h5")


def test_a_second_run_computes_nothing_and_loads_no_model(finished, place):
    (place.root / ".work").symlink_to(finished.root / ".work")
    said = place.run("again.h5")
    total = len(finished.items())
    assert f"reused {total} of {total}, computing 0" in said
    assert content_hash(place.root / "again.h5") == content_hash(finished.root / "out.h5")


def test_an_added_video_costs_that_video_and_changes_no_other(finished, place):
    (place.root / ".work").symlink_to(finished.root / ".work")
    before = len(finished.items())
    place.captions[:0] = captions_of("video_3", 7, 3)
    place.write_captions()
    said = place.run()
    added = len(place.items()) - before
    assert 0 < added < before
    assert f"computing {added}" in said
    with (
        h5py.File(place.root / "out.h5") as file,
        h5py.File(finished.root / "out.h5") as old,
    ):
        assert list(file) == ["video_1", "video_2", "video_3", "video_10"]
        for video in old:
            for name in ("query", "answer"):
                assert np.array_equal(file[video][name], old[video][name])


def test_readouts_kept_beside_change_neither_the_output_nor_its_items(finished, place):
    place.embed["also"] = [{"layer": "last_layer", "pooling": "max"}]
    place.write_params()
    place.run()
    assert content_hash(place.root / "out.h5") == content_hash(finished.root / "out.h5")
    names = {path.name for path in place.items()}
    assert 2 * len(names & {path.name for path in finished.items()}) == len(names)
    place.embed["layer"] = "last_layer"
    place.write_params()
    said = place.run("before_the_norm.h5")
    assert f"reused {len(names) // 2} of {len(names) // 2}, computing 0" in said


def test_captions_of_other_frames_than_the_timelines_end_in_one_message(place):
    videos = [Video.sampled("video_1", "dog.mp4", 450)]
    timeline.write(place.root / "timeline.h5", timeline.Timeline("demo", tuple(videos)))
    assert "video_2, video_10 not on the timeline" in place.run(code=1)
    place.captions = place.captions[-29:]
    (place.root / "captions.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in place.captions), encoding="utf-8"
    )
    said = place.run(code=1)
    assert "video_1 (dog.mp4) is given for 29 frames and its timeline picks 30" in said
    assert "Traceback" not in said


def test_emptying_the_store_keeps_what_the_output_was_made_from(finished, monkeypatch):
    monkeypatch.chdir(finished.root)
    store = Store(finished.root / ".work")
    store.put("0" * 64, {"idle": np.zeros(1)})
    before = len(finished.items())
    assert collect(store, dry_run=True).dropped >= 1
    with h5py.File(finished.root / "out.h5") as file:
        assert len(file) == 3
    found = collect(store, dry_run=True)
    assert found.kept + found.dropped == before
    # Another test has removed its output, which makes it work that is to be made again.
    assert {of.output for of in found.unfinished} <= {"again.h5"}


def test_a_corrupt_line_ends_in_one_message_and_leaves_the_output(finished, place):
    (place.root / "out.h5").write_bytes(b"what was there")
    with (place.root / "captions.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"video": "video_1", "pi\n')
    said = place.run(code=1)
    assert "error: captions.jsonl, line 52: not a caption" in said
    assert "Traceback" not in said
    assert (place.root / "out.h5").read_bytes() == b"what was there"


def test_a_prompt_longer_than_the_models_context_is_named_before_anything_is_read(place):
    """Two of many frames; the weights are never opened, so a broken file of them goes unnoticed."""
    model = place.root / "model"
    shutil.copytree(place.embed["llm"], model)
    (model / "model.safetensors").write_bytes(b"not read")
    place.embed["llm"] = str(model)
    place.write_params()
    place.captions[15] |= {"caption": "dog " * 400}
    place.captions[20] |= {"caption": "dog " * 5000}
    place.write_captions()
    said = place.run(code=1)
    assert "has room for 4096 tokens, and the prompts of 5 of 51 frames are longer" in said
    assert "The longest is that of frame 120 of video_10" in said
    assert "embed.window" in said
    assert "Traceback" not in said
    assert not place.items()
