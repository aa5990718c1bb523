"""The training itself: Unsloth's model, TRL's trainer, our order of the examples, our checkpoints.

One training a process: Unsloth changes transformers and TRL for good, and must be imported before them. Everything the
libraries print goes to the log (standard error); what the person sees are events.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from math import ceil, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import studio
from studio.base import files, machine
from studio.base.errors import BadInput, NotFound, NotPossibleHere, OutOfMemory, Stopped, StudioError
from studio.base.events import Emit, Found, Loss, Note, Progress, ShouldStop, Stage
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Finding, Trained
from studio.engines.prompts import Prompts
from studio.training import checkpoints, packaging
from studio.training.lessons import Lessons, divide, usable
from studio.training.order import ByLength
from studio.training.planning import TOKENS_AT_ONCE, memory_gb
from studio.training.rendering import Rendered, Renderer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
LIBRARIES = ("torch", "transformers", "trl", "peft", "unsloth", "unsloth_zoo")
SAVE_SECONDS = 60.0
CHECKS = 5  # how often the kept-back examples are measured, besides the beginning
RECORD = "trained.json"


def prepare_environment(threads: int, folder: Path) -> None:
    """Set what torch and Unsloth read when they are imported. Call it before anything heavy is; `folder` is the run's."""
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    os.environ["UNSLOTH_COMPILE_LOCATION"] = str(folder / "compiled")
    os.environ["UNSLOTH_DISABLE_STATISTICS"] = "1"
    os.environ["UNSLOTH_AUTO_INSTALL"] = "0"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def train(
    examples: Sequence[Example],
    model_name: str,
    weights: Path,
    recipe: TrainingRecipe,
    folder: Path,
    emit: Emit,
    should_stop: ShouldStop,
    threads: int,
) -> Trained:
    """Teach the model in `weights` (a Hugging Face model folder) the answers of the examples.

    1. prepare: divide the examples, load model and tokenizer, render, leave out what is too long
    2. learn:   go on from the newest whole checkpoint in `folder/checkpoints`, or begin
    3. package: the best weights so far become `folder/adapter`

    Called again with the same arguments it returns what it made before. The adapter kept is the one with the lowest loss on
    the examples kept back; without such examples, the last one.

    Raises NotEnough and BadInput for examples that cannot teach, OutOfMemory, NotPossibleHere("training_disk_full",
    "training_engine_missing"), BadInput("training_diverged") when the loss is no number any more, and Stopped when
    `should_stop` said so: then a checkpoint is kept, and `folder/adapter` holds the best weights so far if they were
    measured at least once.
    """
    emit(Stage(name="prepare"))
    lessons = divide(usable(examples), recipe.holdout)
    identity = _identity(lessons, model_name, weights, recipe)
    made = files.read_json(folder / RECORD)
    if isinstance(made, dict) and made["finished"] and made["trained"]["id"] == identity and (folder / "best").is_dir():
        return _packaged(folder, weights, Trained.model_validate(made["trained"]), finished=True, emit=emit)

    prepare_environment(threads, folder)
    with contextlib.redirect_stdout(sys.stderr), _translated(recipe):
        learner = _load(weights, recipe, threads)
        renderer = Renderer(learner.tokenizer, Prompts(weights))
        learnt = _rendered(lessons.learnt, renderer, recipe.max_length, emit)
        kept_back = _rendered(lessons.kept_back, renderer, recipe.max_length, None)
        if not learnt:
            raise BadInput("examples_all_too_long", count=len(lessons.learnt), limit=recipe.max_length)
        if not kept_back:
            emit(Note(code="training_nothing_kept_back"))
        if should_stop():
            raise Stopped()
        emit(Stage(name="learn"))
        course = _learn(learner, learnt, kept_back, recipe, folder, identity, emit, should_stop)

    trained = Trained(
        id=identity,
        model=model_name,
        adapter=f"models/{identity}",
        examples=len(learnt),
        steps=course.steps,
        seconds=round(course.seconds, 1),
        loss=course.loss,
        validation_loss=course.validation_loss,
        recipe=recipe.model_dump(),
        versions=_versions(),
    )
    if not course.finished and not course.kept:
        raise Stopped()
    with _translated(recipe):
        trained = _packaged(folder, weights, trained, course.finished, emit)
    if not course.finished:
        raise Stopped()
    return trained


class _Learner(NamedTuple):
    model: Any
    tokenizer: "PreTrainedTokenizerBase"
    bf16: bool
    tight: bool  # memory: activations are computed again instead of kept


class _Course(NamedTuple):
    """How the learning went: `kept` says whether `folder/best` holds weights, `finished` whether it came to its end."""

    steps: int
    seconds: float
    loss: float
    validation_loss: float | None
    kept: bool
    finished: bool


def _load(weights: Path, recipe: TrainingRecipe, threads: int) -> _Learner:
    import unsloth  # noqa: F401  before torch, transformers and trl, which it changes

    # isort: split
    import torch
    from unsloth import FastLanguageModel

    torch.set_num_threads(threads)
    here = machine.look(weights)
    on_card = torch.cuda.is_available()
    bf16 = torch.cuda.is_bf16_supported() if on_card else here.bf16
    model, tokenizer = FastLanguageModel.from_pretrained(
        model_name=str(weights),
        max_seq_length=recipe.max_length,
        dtype=torch.bfloat16 if bf16 else torch.float16 if on_card else torch.float32,
        load_in_4bit=False,
        use_gradient_checkpointing=False,
        local_files_only=True,
    )
    free = torch.cuda.mem_get_info()[0] / 1e9 if on_card else here.free_memory_gb
    tight = memory_gb(model.num_parameters(), recipe, here) > 0.8 * free
    model = FastLanguageModel.get_peft_model(
        model,
        r=recipe.rank,
        target_modules=list(TARGETS),
        lora_alpha=2 * recipe.rank,
        lora_dropout=0,
        bias="none",
        use_gradient_checkpointing="unsloth" if tight else False,
        random_state=recipe.seed,
    )
    return _Learner(model, tokenizer, bf16, tight)


def _rendered(examples: Sequence[Example], renderer: Renderer, limit: int, emit: Emit | None) -> list[Rendered]:
    """The examples as token ids, without those longer than `limit`, which are reported."""
    pairs = [(example, renderer.render(example.messages)) for example in examples]
    long = [example for example, rendered in pairs if len(rendered.input_ids) > limit]
    if long and emit is not None:
        names = tuple(example.question[:80] for example in long)
        limits = {"limit": limit}
        finding = Finding(code="examples_too_long", level="warn", count=len(long), names=names, parameters=limits)
        emit(Found(finding=finding))
    return [rendered for _, rendered in pairs if len(rendered.input_ids) <= limit]


def _learn(
    learner: _Learner,
    learnt: Sequence[Rendered],
    kept_back: Sequence[Rendered],
    recipe: TrainingRecipe,
    folder: Path,
    identity: str,
    emit: Emit,
    should_stop: ShouldStop,
) -> _Course:
    import torch
    from datasets import Dataset
    from transformers import DataCollatorForSeq2Seq, PrinterCallback
    from transformers.utils import logging
    from trl import SFTConfig, SFTTrainer

    logging.disable_progress_bar()
    lengths = [len(rendered.input_ids) for rendered in learnt]
    at_once = _at_once(recipe.batch, max(lengths))
    place = folder / "checkpoints"

    class Trainer(SFTTrainer):  # type: ignore[misc]
        def _get_train_sampler(self, train_dataset: object = None) -> ByLength:
            return ByLength(lengths, recipe.batch, recipe.seed)

        def create_model_card(self, *_: object, **__: object) -> None:
            """None for a checkpoint; the card of an assistant is the export's work."""

    trainer = Trainer(
        model=learner.model,
        processing_class=learner.tokenizer,
        train_dataset=Dataset.from_list([rendered._asdict() for rendered in learnt]),
        eval_dataset=Dataset.from_list([rendered._asdict() for rendered in kept_back]) if kept_back else None,
        data_collator=DataCollatorForSeq2Seq(learner.tokenizer),
        args=SFTConfig(
            output_dir=str(place),
            num_train_epochs=recipe.epochs,
            per_device_train_batch_size=at_once,
            gradient_accumulation_steps=recipe.batch // at_once,
            per_device_eval_batch_size=at_once,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=0.1,
            weight_decay=0.0,
            optim="adamw_torch_fused",
            bf16=learner.bf16,
            fp16=torch.cuda.is_available() and not learner.bf16,
            gradient_checkpointing=learner.tight,
            max_length=recipe.max_length,
            dataset_kwargs={"skip_prepare_dataset": True},
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",  # `_Watch` says when
            save_total_limit=2,
            report_to="none",
            disable_tqdm=True,
            dataloader_num_workers=0,
            seed=recipe.seed,
        ),
    )
    trainer.remove_callback(PrinterCallback)
    steps = ceil(ceil(len(learnt) / recipe.batch) * recipe.epochs)
    watch = _watch(trainer, steps, folder / "best", recipe, identity, emit, should_stop)
    trainer.add_callback(watch)
    newest = checkpoints.newest(place, identity)
    checkpoints.remove_others(place, newest)
    watch.begin()
    try:
        if newest is None:
            shutil.rmtree(folder / "best", ignore_errors=True)
            if kept_back:
                trainer.evaluate()  # where the model stands before it has learnt anything
        trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    except Stopped:
        watch.stopped = True
    history = trainer.state.log_history
    losses = [entry["loss"] for entry in history if "loss" in entry]
    measured = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    if not watch.stopped and not measured:
        watch.keep()
    recent = losses[-max(len(losses) // 10, 1) :]
    return _Course(
        steps=trainer.state.global_step,
        seconds=time.monotonic() - watch.began,
        loss=round(sum(recent) / len(recent), 4) if recent else 0.0,
        validation_loss=round(min(measured), 4) if measured else None,
        kept=bool(measured) or not watch.stopped,
        finished=not watch.stopped,
    )


def _watch(
    trainer: Any, steps: int, best: Path, recipe: TrainingRecipe, identity: str, emit: Emit, should_stop: ShouldStop
) -> Any:  # a class of the function, because its base must not be imported before Unsloth
    """What happens beside every step: events, stopping, checkpoints by the clock, the best weights.

    Nothing is remembered here that a resumed training would need: that stands in the trainer's own history.
    """
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]
        stopped = False
        began = saved = 0.0
        first_step: int | None = None

        def begin(self) -> None:
            self.began = self.saved = time.monotonic()

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.first_step is None:
                self.first_step = state.global_step

        def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if should_stop():
                raise Stopped()  # in the middle of a step there is nothing whole to save

        def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if should_stop():
                raise Stopped()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            done, of = state.global_step, steps
            here = done - (self.first_step or 0)
            left = (time.monotonic() - self.began) / here * (of - done)
            emit(Progress(done=done, of=of, seconds_left=round(left, 1)))
            every = ceil(of / max(CHECKS, min(recipe.epochs, 20)))
            last = done == state.max_steps
            control.should_evaluate = trainer.eval_dataset is not None and (last or done % every == 0)
            control.should_save = last or time.monotonic() - self.saved > SAVE_SECONDS
            if should_stop() and not last:
                self.stopped = control.should_training_stop = control.should_save = True
                control.should_evaluate = False

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
            if logs and "loss" in logs:
                if not isfinite(logs["loss"]):
                    raise BadInput("training_diverged", rate=recipe.learning_rate)
                emit(Loss(step=state.global_step, of=steps, train=round(logs["loss"], 4)))

        def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, Any], **_: Any) -> None:
            if not isfinite(metrics["eval_loss"]):
                raise BadInput("training_diverged", rate=recipe.learning_rate)
            emit(Loss(step=state.global_step, of=steps, validation=round(metrics["eval_loss"], 4)))
            measured = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
            if not state.global_step or not measured:
                return  # the measurement before the first step
            since_best = measured[::-1].index(min(measured))
            if since_best == 0:
                self.keep()
            control.should_save = True
            if recipe.patience and since_best >= recipe.patience:
                control.should_training_stop = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            checkpoints.finish(Path(args.output_dir) / f"checkpoint-{state.global_step}", identity)
            self.saved = time.monotonic()

        def keep(self) -> None:
            """The weights as they are now become the best ones."""
            fresh = best.with_name("best.part")
            shutil.rmtree(fresh, ignore_errors=True)
            trainer.model.save_pretrained(str(fresh), safe_serialization=True, save_embedding_layers=False)
            best.mkdir(parents=True, exist_ok=True)
            for name in (packaging.CONFIG, packaging.WEIGHTS):
                (fresh / name).replace(best / name)
            shutil.rmtree(fresh)

    return Watch()


def _at_once(batch: int, longest: int) -> int:
    """How many examples of a batch go through the model together: the largest divisor within the token budget."""
    fitting = [size for size in range(1, batch + 1) if batch % size == 0 and size * longest <= TOKENS_AT_ONCE]
    return max(fitting, default=1)


def _packaged(folder: Path, weights: Path, trained: Trained, finished: bool, emit: Emit) -> Trained:
    emit(Stage(name="package"))
    packaging.package(folder / "best", weights, _hub_name(trained.model), folder / "adapter")
    files.write_json(folder / RECORD, {"finished": finished, "trained": trained.model_dump()})
    emit(Progress(done=1, of=1, seconds_left=0.0))
    return trained


def _hub_name(model_name: str) -> str:
    from studio import engines

    try:
        return engines.model(model_name).hub_id or model_name
    except NotFound:
        return model_name


def _identity(lessons: Lessons, model_name: str, weights: Path, recipe: TrainingRecipe) -> str:
    """Twelve digits that are the same when the same would be trained."""
    config = weights / "config.json"
    what = [
        [sorted(_content(example) for example in part) for part in (lessons.learnt, lessons.kept_back)],
        model_name,
        hashlib.sha256(config.read_bytes()).hexdigest() if config.is_file() else "",
        recipe.model_dump(),
    ]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def _content(example: Example) -> str:
    return json.dumps([[message.role, message.content] for message in example.messages], ensure_ascii=False)


def _versions() -> dict[str, str]:
    found = {"amedida": studio.__version__, "python": sys.version.split()[0]}
    for name in LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


@contextlib.contextmanager
def _translated(recipe: TrainingRecipe) -> Iterator[None]:
    """Foreign failures that the person can do something about, as errors of ours."""
    try:
        yield
    except StudioError:
        raise
    except (ImportError, NotImplementedError) as error:  # Unsloth raises the second where it finds nothing to run on
        raise NotPossibleHere("training_engine_missing") from error
    except MemoryError as error:
        raise OutOfMemory("training_out_of_memory", batch=recipe.batch) from error
    except (RuntimeError, OSError) as error:
        text = str(error).lower()
        if any(sign in text for sign in _OF_MEMORY):  # torch.cuda.OutOfMemoryError is a RuntimeError too
            raise OutOfMemory("training_out_of_memory", batch=recipe.batch) from error
        if getattr(error, "errno", None) == errno.ENOSPC or "no space left" in text:
            raise NotPossibleHere("training_disk_full") from error
        raise
