"""One side of bench_training in a process of its own: it loads, takes a first step, and then waits to be asked for more.

    python -m tests.benchmarks.training_sides SIDE MODEL_FOLDER THREADS CARD

A line with a number on its input asks for so many steps; each is answered with a line of JSON: processor seconds, seconds,
real tokens of the rows learnt, and gigabytes of the card at most. Runs in whatever Python has the libraries of the side.
"""

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

BATCH, RATE, RANK = 8, 1e-3, 16
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
MANY = 100_000  # steps: nobody asks for so many
PASSED = 256  # rows of the matrix products whose speed is the limit
Stepped = Callable[[int], None]


class Clock:
    """Told after every step how many tokens it learnt; waits for the next request where it was the last one asked for."""

    def __init__(self, on_card: bool) -> None:
        self.answers, sys.stdout = sys.stdout, sys.stderr  # libraries speak on it
        self.on_card, self.asked = on_card, 1
        self.beside = 0.0, 0.0  # seconds a step, of a processor and a clock, for what is done once for all steps
        self._begin()

    def __call__(self, tokens: int, **more: float) -> None:
        memory = self._synchronized()
        told = {
            "cpu": time.process_time() - self.cpu + self.beside[0],
            "wall": time.perf_counter() - self.wall + self.beside[1],
            "tokens": tokens,
            **memory,
        }
        self.answers.write(json.dumps(told | more) + "\n")
        self.answers.flush()
        self.asked -= 1
        if not self.asked:
            line = sys.stdin.readline()
            if not line.strip():
                os._exit(0)  # trainers know no other way to be ended from outside a step
            self.asked = int(line)
        self._begin()

    def _begin(self) -> None:
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def _synchronized(self) -> dict[str, float]:
        if not self.on_card:
            return {}
        import torch

        torch.cuda.synchronize()
        return {"memory_gb": torch.cuda.max_memory_allocated() / 1e9}


def rows() -> list[tuple[str, str]]:
    from tests.benchmarks import facts

    return [(row.question, row.answer) for row in facts.learnt()]


def house(model: Path, threads: int, clock: Clock) -> None:
    """As shipped: the recipe's defaults, its order, its step, its checkpoints."""
    from studio.base import settings
    from studio.base.recipes import TrainingRecipe

    settings.silence_libraries()
    from studio.base.records import Message
    from studio.engines.prompts import Prompts
    from studio.training import below, course, loading, order, packing, planning
    from studio.training.rendering import Renderer, Row

    place = Path(tempfile.mkdtemp())
    recipe = TrainingRecipe(epochs=50, batch=BATCH, rank=RANK, learning_rate=RATE, max_length=512)
    learner = loading.load(model, recipe, threads)
    renderer = Renderer(learner.tokenizer, Prompts(model))
    turns = [(Message(role="user", content=a), Message(role="assistant", content=b)) for a, b in rows()]
    rendered = [Row(*renderer.render(each)) for each in turns]
    packing.choose(learner, rendered)
    began = time.process_time(), time.perf_counter()
    below.keep(learner, rendered)
    steps = order.steps(len(rendered), BATCH, planning.epochs(len(rendered), "balanced"))
    clock.beside = (time.process_time() - began[0]) / steps, (time.perf_counter() - began[1]) / steps
    layers = int(learner.model.config.num_hidden_layers)
    passed, feed = [0, 0, 0, 0], packing.feed

    def counting(learner: loading.Learner, rows: Sequence[Row]) -> packing.Fed:
        found = feed(learner, rows)
        through, back = found.ids.numel(), layers - learner.still
        forth = back if found.below is not None else layers
        for at, more in enumerate((through, found.wanted.numel(), through * forth, through * back)):
            passed[at] += more
        return found

    packing.feed = counting
    learnt = 0

    def stepped(now: course.Course, left: float) -> None:
        nonlocal learnt
        tokens, learnt = now.tokens - learnt, now.tokens
        through, said, forth, back = passed
        passed[:] = 0, 0, 0, 0
        clock(tokens, through=through, said=said, forth=forth, back=back)

    course.run(
        learner, course.Lesson(rendered, [], recipe, place, "bench"), course.Watch(lambda: False, stepped=stepped)
    )


def trl(model: Path, threads: int, clock: Clock) -> None:
    """SFTTrainer and LoraConfig as they come: what a reader of TRL's front page runs."""
    from peft import LoraConfig

    _trainer(str(model), clock, {}, peft_config=LoraConfig())


def matched(model: Path, threads: int, clock: Clock) -> None:
    """The same set to the house's recipe: weights in 16 bits, its rank, targets, batch and rate, nothing recomputed."""
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16)
    adapter = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=TARGETS, task_type="CAUSAL_LM")
    given = {"per_device_train_batch_size": BATCH, "gradient_checkpointing": False, "bf16": True, "learning_rate": RATE}
    _trainer(loaded, clock, given, peft_config=adapter, tokenizer=model)


def unsloth(model: Path, threads: int, clock: Clock) -> None:
    """Unsloth's notebooks: batches of two, four of them a step, its own way of recomputing; 8-bit moments on a card."""
    from unsloth import FastLanguageModel

    loaded, tokenizer = FastLanguageModel.from_pretrained(str(model), max_seq_length=2_048, load_in_4bit=clock.on_card)
    loaded = FastLanguageModel.get_peft_model(
        loaded, r=16, lora_alpha=16, lora_dropout=0, bias="none", target_modules=TARGETS,
        use_gradient_checkpointing="unsloth", random_state=3407,
    )  # fmt: skip
    given: dict[str, Any] = {
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "learning_rate": 2e-4,
        "warmup_steps": 5,
    }
    given |= {"optim": "adamw_8bit" if clock.on_card else "adamw_torch", "weight_decay": 0.001}
    _trainer(loaded, clock, given, processing_class=tokenizer)


def _trainer(model: Any, clock: Clock, given: dict[str, Any], tokenizer: Path | None = None, **more: Any) -> None:
    from datasets import Dataset
    from transformers import AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    counted = [0]

    class Counting(SFTTrainer):  # type: ignore[misc]
        def training_step(self, model: Any, inputs: dict[str, Any], *others: Any) -> Any:
            mask = inputs.get("attention_mask")  # left out where rows are packed into one
            counted[0] += int(mask.sum()) if mask is not None else inputs["input_ids"].numel()
            return super().training_step(model, inputs, *others)

    class Ending(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: object, **__: object) -> None:
            tokens, counted[0] = counted[0], 0
            clock(tokens)

    data = [
        {"prompt": [{"role": "user", "content": asked}], "completion": [{"role": "assistant", "content": answered}]}
        for asked, answered in rows()
    ]
    if tokenizer is not None:
        more["processing_class"] = AutoTokenizer.from_pretrained(tokenizer)
    args = {
        "max_steps": MANY,
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "no",
        "logging_strategy": "no",
    }
    if not clock.on_card:
        args["use_cpu"] = True
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(output_dir=folder, **args, **given)
        trainer = Counting(
            model=model, args=config, train_dataset=Dataset.from_list(data), callbacks=[Ending()], **more
        )
        trainer.train()


def hand(model: Path, threads: int, clock: Clock) -> None:
    """The house's maths, by hand and padded: the loop an expert writes. The same rows in the same order."""
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.nn.functional import cross_entropy
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from studio.training import loading, order

    tokenizer = AutoTokenizer.from_pretrained(model)
    device = "cuda" if clock.on_card else "cpu"
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16).to(device)
    adapter = LoraConfig(
        r=RANK,
        lora_alpha=2 * RANK,
        target_modules=TARGETS,
        layers_to_transform=loading.upper(loaded, loaded.num_parameters()),
        task_type="CAUSAL_LM",
    )
    learner: Any = get_peft_model(loaded, adapter)
    base, moving = learner.get_base_model(), [each for each in learner.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=RATE, weight_decay=0.0, fused=True)
    told = [_rendered(tokenizer, *row) for row in rows()]
    for batch in _batches(order, [len(ids) for ids, _ in told]):
        longest = max(len(told[index][0]) for index in batch)
        ids = torch.full((len(batch), longest), int(tokenizer.pad_token_id), device=device)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for n, index in enumerate(batch):
            row, asked = told[index]
            ids[n, : len(row)], mask[n, : len(row)] = torch.tensor(row), 1
            labels[n, asked - 1 : len(row) - 1] = torch.tensor(row[asked:])
        where = (labels != -100).flatten().nonzero().squeeze(-1)
        with torch.autocast(device, dtype=torch.bfloat16):
            hidden = base.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
            logits = base.lm_head(hidden.flatten(0, 1)[where]).float()
        cross_entropy(logits, labels.flatten()[where]).backward()
        torch.nn.utils.clip_grad_norm_(moving, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        clock(int(mask.sum()))


def _rendered(tokenizer: Any, asked: str, answered: str) -> tuple[list[int], int]:
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    prompt = tokenizer.apply_chat_template(turns[:1], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(turns, tokenize=False).rstrip()
    ids = [list(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in (whole, prompt)]
    return ids[0], len(ids[1])


def _batches(order: Any, lengths: list[int]) -> Iterator[list[int]]:
    for epoch in range(MANY):
        yield from order.batches(lengths, BATCH, 0, epoch)


def limit(model: Path, threads: int, clock: Clock) -> None:
    """The matrix products of the model's layers, forth and back, and nothing else; `tokens` are operations in millions."""
    import torch

    told = json.loads((model / "config.json").read_text())
    wide, inner, heads = told["hidden_size"], told["intermediate_size"], told["num_attention_heads"]
    width = told.get("head_dim") or wide // heads
    keys = told.get("num_key_value_heads", heads) * width
    shapes = [(wide, heads * width), (wide, keys), (wide, keys), (heads * width, wide)]
    shapes += [(wide, inner), (wide, inner), (inner, wide)]
    device = "cuda" if clock.on_card else "cpu"
    weights = [torch.randn(to, of, device=device, dtype=torch.bfloat16) for of, to in shapes]
    given = [(torch.randn(PASSED, w.shape[1]).to(w), torch.randn(PASSED, w.shape[0]).to(w)) for w in weights]
    layers = int(told["num_hidden_layers"])
    work = 4 * PASSED * sum(of * to for of, to in shapes) * layers
    while True:
        for _ in range(layers):
            for weight, (x, back) in zip(weights, given, strict=True):
                x @ weight.t()
                back @ weight
        clock(round(work / 1e6))


SIDES: dict[str, Callable[[Path, int, Clock], None]] = {
    "house": house, "trl": trl, "matched": matched, "unsloth": unsloth, "hand": hand, "limit": limit,
}  # fmt: skip


def main() -> None:
    side, model, threads, on_card = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "card"
    clock = Clock(on_card)
    if side in ("house", "unsloth"):
        from studio.training.loading import prepare_environment

        prepare_environment(threads, Path(tempfile.mkdtemp()))
        importlib.import_module("unsloth")  # before torch, transformers and trl, which it changes
    import torch

    torch.set_num_threads(threads)
    SIDES[side](model.resolve(), threads, clock)


if __name__ == "__main__":
    main()
