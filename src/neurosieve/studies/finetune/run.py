"""Fine-tuning by transformers' Trainer: a labelled code task → an ordinary transformers folder with a task head.

The Trainer is used as it comes: it knows schedules, mixed devices and checkpoints; this module only brings rows to it.
"""

import copy
import importlib.util
import shutil
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
import torch
import transformers
from jaxtyping import Int

from neurosieve.data.sampling import left_out_notes, usable_classes
from neurosieve.errors import ConfigError, ModelError, ResourceError, RunFolderError
from neurosieve.finetuning.checkpoints import CHECKPOINTS, BestHere, CarefulTrainer, newest_whole, written
from neurosieve.finetuning.training_rows import IGNORED, Inputs, label_names, split_inputs
from neurosieve.models import ModelInfo, inspect_model, resolve_device
from neurosieve.models.loading import quiet, read_network
from neurosieve.models.weights import check_all_there, split_keys
from neurosieve.probes.baselines import majority_score
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.metrics import scored
from neurosieve.results.codec import from_json, to_json
from neurosieve.results.finetuned import Epoch, FinetuneResult
from neurosieve.results.measured import Score
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object, write_object
from neurosieve.storage.sole_writer import LOCK, WRITER, sole_writer
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import read_dataset
from neurosieve.studies.option_models import FinetuneOptions, changed_options
from neurosieve.typing import PathLike, Split

T = TypeVar("T")
_SEEDS = 2**32
RECORD = "finetune.json"
_UNTYPED: Any = transformers  # much of it has no annotations


@dataclass(frozen=True)
class Finetuned:
    """A fine-tuned model.

    Attributes:
        folder: Of the model.
        result: What was found: the content of `finetune.json`.
    """

    folder: Path
    result: FinetuneResult

    @property
    def record(self) -> dict[str, Any]:
        """The content of `finetune.json`; deprecated."""
        text = "Finetuned.record goes with the next release: take result, or neurosieve.results.to_json(found.result)"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return to_json(self.result)

    def to_frame(self) -> pl.DataFrame:
        """One row an epoch: training loss and validation accuracy."""
        return pl.DataFrame([vars(epoch) for epoch in self.result.epochs])

    def _repr_html_(self) -> str:
        return f"<p>{self.folder}: test accuracy {self.result.test.value:.3f}</p>{self.to_frame()._repr_html_()}"


def finetune(config: StudyConfig, out: PathLike, options: FinetuneOptions | None = None) -> Finetuned:
    """Train all weights of a model and a new head on a task; the best epoch on validation is kept.

    A run that was stopped continues from its last epoch when it is called again in the same way. Test rows are scored
    once, by the model that was kept.

    Args:
        config: Model, task and data; of the rest only splits, classes, seed, device and `max_tokens` are used.
        out: Folder of the model.
        options: How to train.

    Raises:
        ConfigError: A seed that Trainer does not take.
        ResourceError: accelerate is not installed (extra `train`); a full disk, or no right to write.
        RunFolderError: `out` holds something else, or was begun with other options.
        DataError: See the readers; a class without rows in a split.
    """
    if importlib.util.find_spec("accelerate") is None:
        raise ResourceError(
            "fine-tuning", expected="the package accelerate", got="none", remedy='pip install "neurosieve[train]"'
        )
    if config.seed >= _SEEDS:
        raise ConfigError(
            "seed",
            expected=f"less than {_SEEDS:,}, as Trainer takes it",
            got=str(config.seed),
            remedy="choose a smaller",
        )
    options = options or FinetuneOptions()
    folder = Path(out)
    begun = _Begun(study=config.model_dump(mode="json"), options=options.model_dump())
    with sole_writer(folder):
        result = _begin(folder, begun)
        if result is None:
            with quiet():
                result = _train(config, folder, options, begun)
            write_object(Folder(folder), RECORD, to_json(result))
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    return Finetuned(folder, result)


@dataclass(frozen=True, kw_only=True)
class _Begun:
    """What a fine-tuning was begun with: the content of `options.json`, which is next to its checkpoints."""

    study: Mapping[str, Any]
    options: Mapping[str, Any]


def _begin(folder: Path, begun: _Begun) -> FinetuneResult | None:
    """Claim the folder; the result where all is done already."""
    mark = folder / CHECKPOINTS / "options.json"
    finished = _saved(folder / RECORD, FinetuneResult)
    if known := finished or _saved(mark, _Begun):
        changed = [*changed_options(known.study, begun.study), *changed_options(known.options, begun.options)]
        if changed:
            raise RunFolderError(
                f"folder {folder}",
                expected="the options it was begun with",
                got=f"others: {'; '.join(changed)}",
                remedy="choose another --out",
            )
        return finished
    # All that there is after a stop at this very place.
    ours = {mark.parent, mark.with_name(f".{mark.name}.part"), folder / LOCK, folder / WRITER}
    if foreign := [p for p in (*folder.glob("*"), *mark.parent.glob("*")) if p not in ours]:
        raise RunFolderError(
            f"folder {folder}",
            expected="a new or empty folder",
            got=f"{foreign[0].name} in it",
            remedy="choose another --out",
        )
    write_object(Folder(mark.parent), mark.name, to_json(begun))
    return None


def _saved(place: Path, kind: type[T]) -> T | None:
    record = read_object(Folder(place.parent), place.name, "choose another --out, or delete the folder")
    return None if record is None else from_json(kind, record, f"{place}")


def _train(config: StudyConfig, folder: Path, options: FinetuneOptions, begun: _Begun) -> FinetuneResult:
    info = inspect_model(config.model, trust_remote_code=config.trust_remote_code, max_tokens=config.max_tokens)
    dataset = read_dataset(config)
    labels = label_names(dataset, config.classes)
    notes = [*left_out_notes(usable_classes(dataset, config.classes)[1]), *_with_pad(info.tokenizer)]
    parts = split_inputs(info, dataset, labels)
    network, unused = _network(info, config, labels, whole=dataset.whole)
    reached = newest_whole(folder)
    if reached and reached.last_epoch:
        # A pass more would be made before patience is asked.
        options = options.model_copy(update={"epochs": reached.last_epoch})
    trainer = _trainer(config, folder, options, network, info.tokenizer, parts)
    trainer.train(resume_from_checkpoint=reached and str(reached.folder))
    with written(folder, network):
        trainer.save_model(folder)  # the best epoch, with its tokenizer
    cut = sum(part.cut for part in parts.values())
    if cut:
        notes.append(f"{cut:,} inputs are longer than {info.max_tokens} tokens and were cut there")
    test, majority = _test_score(trainer, parts["test"], parts["train"], len(labels), config)
    return FinetuneResult(
        study=begun.study,
        options=begun.options,
        labels=tuple(labels),
        rows={split: part.count for split, part in parts.items()},
        epochs=_epochs(trainer.state.log_history),
        validation=float(trainer.state.best_metric),
        test=test,
        majority=majority,
        notes=(*notes, *unused),
    )


def _with_pad(tokenizer: Any) -> list[str]:
    if tokenizer.pad_token is not None:
        return []
    tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    return [f"the tokenizer has no pad token; {tokenizer.pad_token} takes its place"]


def _network(info: ModelInfo, config: StudyConfig, labels: Sequence[str], *, whole: bool) -> tuple[Any, Sequence[str]]:
    """The network with a head for the labels, and what is to be said of weights that it does not use.

    The head, and a pooler before it, may be new; all other weights must be those of the checkpoint.
    """
    auto = _UNTYPED.AutoModelForSequenceClassification if whole else _UNTYPED.AutoModelForTokenClassification
    headed: Any = copy.deepcopy(info.config)
    if type(headed) not in auto._model_mapping and auto.__name__ not in (getattr(headed, "auto_map", None) or {}):
        raise ModelError(
            f"model {config.model}",
            expected=f"a family with a head for {'sequences' if whole else 'tokens'} in transformers",
            got=info.adapter.family,
            remedy="choose another model",
        )
    headed.id2label, headed.label2id = dict(enumerate(labels)), {name: i for i, name in enumerate(labels)}
    headed.pad_token_id = info.tokenizer.pad_token_id
    torch.manual_seed(config.seed)  # of the new head
    network, missing, notes = read_network(
        replace(info, config=headed),
        auto,
        precision="float32",
        trust_remote_code=config.trust_remote_code,
        allow_pickle=config.allow_pickle,
        new_head=True,
    )
    body, _ = split_keys(network, missing)
    check_all_there(info.name, [key for key in body if not key.startswith("pooler.")])
    return network, notes


def _trainer(
    config: StudyConfig,
    folder: Path,
    options: FinetuneOptions,
    network: Any,
    tokenizer: Any,
    parts: dict[Split, Inputs],
) -> Any:
    collator = "DataCollatorWithPadding" if parts["train"].whole else "DataCollatorForTokenClassification"
    trainer = CarefulTrainer(
        model=network,
        args=_arguments(config, folder, options),
        train_dataset=parts["train"].rows,
        eval_dataset=parts["validation"].rows,
        data_collator=getattr(_UNTYPED, collator)(tokenizer),
        processing_class=tokenizer,
        compute_metrics=_accuracy,
        preprocess_logits_for_metrics=_predicted,
        callbacks=[_UNTYPED.EarlyStoppingCallback(options.patience), BestHere()],
    )
    trainer.remove_callback(_UNTYPED.PrinterCallback)  # what it prints is in the record
    return trainer


def _arguments(config: StudyConfig, folder: Path, options: FinetuneOptions) -> Any:
    return _UNTYPED.TrainingArguments(
        output_dir=str(folder / CHECKPOINTS),
        num_train_epochs=options.epochs,
        learning_rate=options.rate,
        warmup_steps=0.06,  # a share of all steps
        per_device_train_batch_size=options.batch,
        per_device_eval_batch_size=2 * options.batch,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        restore_callback_states_from_checkpoint=True,  # the epochs without gain so far
        metric_for_best_model="accuracy",
        seed=config.seed,
        use_cpu=resolve_device(config.device).type == "cpu",
        dataloader_pin_memory=False,
        disable_tqdm=not sys.stderr.isatty(),
        report_to=[],
    )


def _predicted(outputs: Any, _: Any) -> Any:
    """The likeliest class; encoder-decoders put their encoder's states after the logits."""
    logits = outputs[0] if isinstance(outputs, tuple) else outputs
    return logits.argmax(-1)


def _hits(predicted: Int[np.ndarray, "..."], truth: Int[np.ndarray, "..."]) -> np.ndarray:
    known = truth != IGNORED
    result: np.ndarray = predicted[known] == truth[known]
    return result


def _accuracy(outcome: Any) -> dict[str, float]:
    return {"accuracy": float(_hits(outcome.predictions, outcome.label_ids).mean())}


def _epochs(history: Sequence[Mapping[str, float]]) -> tuple[Epoch, ...]:
    losses = {entry["epoch"]: entry["loss"] for entry in history if "loss" in entry}
    return tuple(
        Epoch(epoch=entry["epoch"], loss=losses.get(entry["epoch"]), validation=entry["eval_accuracy"])
        for entry in history
        if "eval_accuracy" in entry
    )


def _test_score(trainer: Any, test: Inputs, train: Inputs, classes: int, config: StudyConfig) -> tuple[Score, float]:
    """Accuracy on test, and that of train's commonest class."""
    outcome = trainer.predict(test.rows)
    hits = _hits(outcome.predictions, outcome.label_ids)
    truth = outcome.label_ids[outcome.label_ids != IGNORED]
    bootstrap = ClusterBootstrap(test.group, draws=config.bootstrap, seed=config.seed)
    return scored(hits, bootstrap), majority_score(train.label, truth, classes)
