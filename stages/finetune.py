"""finetune: a frozen model learns to say the score that people gave."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from stages import command, section
from stages.artifacts import captions as caption_file
from stages.artifacts import people as people_file
from stages.artifacts import predictions as scored
from stages.artifacts import timeline as timeline_file
from stages.captioners.settings import CaptionSettings
from stages.errors import UserError
from stages.finetuning import asked, jobs, judge, scoring, seer
from stages.finetuning.examinee import Examinee
from stages.finetuning.settings import Finetune, Row
from stages.llm.settings import Embed
from stages.splits.folds import Split, splits
from stages.splits.settings import Protocol, Splits
from stages.work import adapters as adapter_file
from stages.work.files import replacing
from stages.work.store import Store

log = logging.getLogger("llmvs")


def finetune(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    timeline: Annotated[Path, typer.Option(help="the dataset's videos and their picks")],
    people: Annotated[Path, typer.Option(help="people's judgement (from download)")],
    predictions: Annotated[Path, typer.Option(help="HDF5 file of test scores to write")],
    adapters: Annotated[Path, typer.Option(help="folder to write an adapter a split to")],
    captions: Annotated[
        Path | None, typer.Option(help="JSON lines, one a frame: the row zero-shot*")
    ] = None,
    frames: Annotated[Path | None, typer.Option(help="the sampled frames: the row direct*")] = None,
) -> None:
    """Fine-tune a model on people's scores, and have it say the score of videos it did not learn.

    For every protocol, seed and split of `finetune`, a low-rank adapter (LoRA) of the LLM that
    judges captions, or of the captioner that is asked for the score itself, learns from the split's
    training videos to answer with people's score of a frame, the loss on the answer's tokens alone.
    With the adapter in its weights the model then answers for every frame of the split's test
    videos, greedily, as it does without: the number in its reply is the row's score.

    Stretches of a run are kept in the work store, so a stopped run goes on from the last, and ends
    with the same bytes on a processor; on a GPU kernels of attention may round otherwise. A row
    that finetune.rows does not name is left out: the file says so.
    """
    if (captions is None) == (frames is None):
        raise UserError("name --captions for the row zero-shot*, or --frames for direct*")
    row: Row = "zero-shot*" if captions is not None else "direct*"
    settings: Finetune = section.lookup(Finetune, "datasets", dataset, "finetune")
    if row not in settings.rows:
        scored.write_left_out(predictions, f"datasets.{dataset}.finetune.rows does not name {row}")
        adapters.mkdir(parents=True, exist_ok=True)
        log.info("%s: nothing to do: finetune.rows does not name %s", predictions, row)
        return
    split_by: Splits = section.lookup(Splits, "datasets", dataset, "splits")
    videos = timeline_file.read(timeline)
    judged = people_file.read(people, videos)
    gtscores = {video.name: video.gtscore_T for video in judged.videos}
    planned: dict[Protocol, list[Split]] = {
        protocol: splits(protocol, split_by.source, videos.names, split_by.folds, videos.parts)
        for protocol in settings.protocols
    }
    wanted = jobs.jobs(settings, planned)
    if captions is not None:
        llm: Embed = section.lookup(Embed, "datasets", dataset, "embed")
        said = caption_file.of_timeline(captions, videos)
        examinees: Mapping[jobs.Job, Examinee] = judge.judges(
            asked.embed(settings, llm, dataset), said, gtscores, wanted
        )
    else:
        assert frames is not None
        captioner: CaptionSettings = section.lookup(CaptionSettings, "datasets", dataset, "caption")
        examinees = seer.seers(asked.caption(settings, captioner, dataset), frames, wanted)
    store = Store.default("finetune", predictions)
    finished, keys = jobs.tune(examinees, gtscores, settings, store)
    runs: list[scored.Run] = []
    replies = {protocol: {"replies": 0, "unparsed": 0} for protocol in settings.protocols}
    for one in finished:
        found = scoring.scores(examinees[one.job], one, store)
        runs.append(found.run)
        keys += found.keys
        replies[one.job.protocol]["replies"] += found.replies
        replies[one.job.protocol]["unparsed"] += found.unparsed
        with replacing(adapters / f"{found.run.place}{adapter_file.SUFFIX}") as temporary:
            temporary.write_bytes(one.adapter)
    for protocol, of in replies.items():
        if of["unparsed"]:
            log.warning(
                "%s: %d of %d replies hold no score", protocol, of["unparsed"], of["replies"]
            )
    told: dict[str, Any] = settings.model_dump(
        mode="json", exclude={"rows", "save", "checkpointing"}
    )
    scored.write(predictions, runs, {"finetune": told, "asked": replies})
    store.keep(keys)


if __name__ == "__main__":
    command.run(finetune)
