"""A head's card for people: NAME.md, all of it from the card."""

import json
from collections.abc import Mapping
from typing import Any

from stages.llm import smollm2
from stages.metrics.printed import interval, mark
from stages.scorers.heads.card import Card, Expected, Figure, Source

SUFFIX = ".md"


def markdown(card: Card) -> str:
    """The card as Markdown."""
    parts = [
        f"# {card.name}\n\n{_summary(card)}",
        f"## What it learnt from\n\n{_sources(card)}",
        f"## What to expect\n\n{_expectation(card)}",
        f"## How to use it\n\n{_use(card)}",
        f"## How it was trained\n\n{_training(card)}",
        f"## Embeddings\n\n{_embeddings(card)}",
    ]
    return "\n\n".join(parts) + "\n"


def agreement(figure: Figure) -> str:
    """.088 [.041, .148]"""
    return f"{mark(figure.mean)} {interval(figure.low, figure.high)}".rstrip()


def floor(expected: Expected) -> str:
    """τ .109 ρ .121, or 0."""
    found = expected.floor
    return "0" if found is None else f"τ {mark(found.tau)} ρ {mark(found.rho)}"


def _summary(card: Card) -> str:
    names = " and ".join(source.dataset for source in card.sources)
    fed = " and ".join(card.inputs)
    said = (
        f"A scorer of kind `{card.kind}` ({card.title}), fed the {fed} embeddings of a video's "
        f"sampled frames, that gives each frame its importance in 0 to 1. It learnt from every "
        f"judged video of {names}: {card.videos} videos, {card.frames:,} frames."
    )
    if any(source.simulated for source in card.sources):
        said += " **Simulated people among them: its scores say nothing of real ones.**"
    return said


def _sources(card: Card) -> str:
    return "\n".join(
        f"- **{source.dataset}** ({source.title}): {source.videos} videos, {source.frames:,} "
        f"frames.\n  People: {source.annotations}.\n  Captions: {source.captions}."
        for source in card.sources
    )


def _expectation(card: Card) -> str:
    lines = [
        "| dataset | videos | seeds | τ | ρ | constant scores earn |",
        "|---|---|---|---|---|---|",
        *(_expected(source) for source in card.sources),
    ]
    shares = {f"{source.expected.confidence:.0%}" for source in card.sources}
    said = [
        "Agreement with people on videos that were not learnt from: the protocol strict, every "
        f"video tested once, [low, high] {' and '.join(sorted(shares))} over videos. These are "
        "heads of the same kind and settings, each trained on the other folds of one dataset; this "
        "one learnt from all of them together.",
        *(
            f"On {source.dataset} that cannot be told from what constant scores earn: nothing "
            "shows there that such a head adds."
            for source in card.sources
            if not _above_floor(source.expected)
        ),
        *(
            f"The figures of {source.dataset} are of other files than this head learnt from, by "
            "their checksums: the same recipe, run elsewhere or earlier."
            for source in card.sources
            if not source.expected.same_files
        ),
        "**Agreement of this head on these videos themselves would be in-sample**: it has seen "
        "what people said of every one of them, so such a figure says nothing about other videos, "
        "and must not stand beside figures of tests.",
    ]
    return "\n\n".join(["\n".join(lines), *said])


def _above_floor(found: Expected) -> bool:
    """Whether all of both intervals is."""
    least = (0.0, 0.0) if found.floor is None else (found.floor.tau, found.floor.rho)
    lows = (found.tau.low, found.rho.low)
    return all(low is not None and low > of for low, of in zip(lows, least, strict=True))


def _expected(source: Source) -> str:
    found = source.expected
    cells = (
        source.dataset,
        found.videos,
        found.seeds,
        agreement(found.tau),
        agreement(found.rho),
        floor(found),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _use(card: Card) -> str:
    return (
        f"1. A caption of every sampled frame (every 15th), written by {card.captioner}: another "
        "captioner's words are another language to this head.\n"
        "2. Embeddings of the captions by the LLM and with all the settings below: a recipe in "
        "`params.yaml` with this `embed` section, and `llmvs embed`.\n"
        f"3. `llmvs head score --head {card.name} --dataset D --out scores.json`, which refuses "
        "embeddings of other settings.\n\n"
        "What people said of the videos above came with terms of its own, named there; keep to "
        "them in what you do with what was learnt from it."
    )


def _training(card: Card) -> str:
    return (
        f"Row `{card.row}`, seed {card.seed}, on {card.device} with torch {card.torch}; the last "
        "epoch's weights, chosen by nothing.\n\n"
        f"{_listed(card.train)}\n\nArchitecture:\n\n{_listed(card.architecture)}\n\n"
        f"sha256 of the weights: `{card.weights}`"
    )


def _embeddings(card: Card) -> str:
    said = f"LLM: {', '.join(f'{key} `{value}`' for key, value in card.llm.items())}. "
    if card.llm.get("sha256") == smollm2.SHA256:
        said += (
            f"Its weights are quantised ({smollm2.QUANTISED}), computed with in the dtype below. "
        )
    said += f"Fingerprint of what decides an embedding: `{card.fingerprint}`."
    prompt = card.embed["prompt"]
    plain = {key: value for key, value in card.embed.items() if key != "prompt"}
    asked = prompt["summary"] if prompt["task"] == "summary" else prompt
    words = "\n\n".join(
        f"{key}:\n\n```\n{asked[key]}\n```" for key in ("instruction", "query", "answer")
    )
    shown = {key: prompt[key] for key in ("task", "scale", "shown")}
    count = len(prompt["examples"])
    return (
        f"{said}\n\n{_listed(plain)}\n\nPrompt:\n\n{_listed(shown)}\n\n{words}\n\n"
        f"The {count} examples are in `{card.name}.json` under `embed.prompt.examples`."
    )


def _listed(values: Mapping[str, Any]) -> str:
    return "\n".join(
        f"- {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()
    )
