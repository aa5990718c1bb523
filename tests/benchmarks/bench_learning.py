"""What a training brings and what it costs: facts learnt, general ability kept, beside others' published settings.

    python -m tests.benchmarks.bench_learning MODEL_FOLDER [--seeds 1 2 3] [--facts 60] [--sides house trl …]

Every side learns the same rows (`facts`), is asked for each fact in a wording it never saw, and takes the check of
`studio.evaluation.general` before and after. The house runs as it is shipped: `training.plan` chooses, `training.train`
does. The others are their published settings in one plain loop (transformers and PEFT), so that settings are compared and
not the speed of libraries; each seed changes first weights and order. CPU seconds count everything from the first import
to the last weights, the house's replay with them, without the asking afterwards, which is alike for all.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from studio.evaluation import general
from tests.benchmarks import facts

HOUSE = Path(__file__).parents[2]
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ANSWER_TOKENS = 24


class Settings(NamedTuple):
    """How somebody else trains, in the words of their own files."""

    rate: float
    rank: int
    alpha: int
    targets: tuple[str, ...]
    batch: int
    schedule: str
    epochs: int = 3
    steps: int = 0  # when given, instead of epochs
    warm_up: float = 0.0  # share of the steps
    decay: float = 0.0
    whole: bool = False  # the loss counts the question too


OTHERS = {
    # trl.SFTConfig and peft.LoraConfig as they come (TRL 1.15, PEFT 0.21), rows as prompt and completion
    "trl": Settings(2e-5, 8, 8, ("q_proj", "v_proj"), 8, "linear"),
    # Unsloth's notebooks for instruction models: 60 steps of 2 x 4 rows, text of the whole conversation
    "unsloth": Settings(2e-4, 16, 16, ALL, 8, "linear", steps=60, warm_up=5 / 60, decay=0.01, whole=True),
    # LLaMA-Factory examples/train_lora/llama3_lora_sft.yaml: rank 8 on all linear layers, 1 x 8 rows
    "llamafactory": Settings(1e-4, 8, 16, ALL, 8, "cosine", warm_up=0.1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--facts", type=int, default=60)
    parser.add_argument("--sides", nargs="+", default=["house", *OTHERS], choices=["house", *OTHERS])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        side, seed = given.one
        out = sys.stdout
        sys.stdout = sys.stderr
        print(json.dumps(_one(given.model.resolve(), side, int(seed), given.facts, given.threads)), file=out)
        return
    before = _child(given, "untrained", 0)
    untrained = general.Checked.model_validate(before["general"])
    print(f"untrained     facts {_share(before['right']):.2f}  general {_share_of(untrained):.3f}", flush=True)
    for side in given.sides:
        _print(side, [_child(given, side, seed) for seed in given.seeds], untrained)


def _print(side: str, runs: Sequence[dict[str, Any]], untrained: general.Checked) -> None:
    learnt = [_share(run["right"]) for run in runs]
    guarded = [general.compare(untrained, general.Checked.model_validate(run["general"])) for run in runs]
    falls = [each.fall for each in guarded]
    print(
        f"{side:13} facts {_interval(learnt)}  general {_interval([each.after.value for each in guarded])}"
        f"  fall {_interval(falls)}  {[each.verdict for each in guarded]}  CPU-s {_interval([r['cpu'] for r in runs], 0)}",
        flush=True,
    )
    for kind in guarded[0].kinds:
        after = [each.value for g in guarded for k in g.kinds if k.kind == kind.kind for each in [k.after]]
        print(f"    {kind.kind:13} {kind.before.value:.2f} -> {_interval(after)}", flush=True)
    for run in runs:
        print(
            f"    seed {run['seed']}: facts {_share(run['right']):.3f}, {run['tokens']} tokens, not said:", flush=True
        )
        for question, said in run["wrong"][:3]:
            print(f"        {question} | {said[:70]!r}", flush=True)


def _interval(values: Sequence[float], digits: int = 3) -> str:
    """Mean and its 95 % interval over seeds (Student's t)."""
    from scipy.stats import t

    middle = sum(values) / len(values)
    if len(values) < 2:
        return f"{middle:.{digits}f}"
    spread = math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))
    half = float(t.ppf(0.975, len(values) - 1)) * spread / math.sqrt(len(values))
    return f"{middle:.{digits}f} [{middle - half:.{digits}f}, {middle + half:.{digits}f}]"


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right)


def _share_of(checked: general.Checked) -> float:
    return _share([answer.right for answer in checked.answers])


def _child(given: argparse.Namespace, side: str, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_learning", str(given.model), "--one", side, str(seed)]
    command += ["--facts", str(given.facts), "--threads", str(given.threads)]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


# ---- in a child of its own: Unsloth changes transformers for good


def _one(weights: Path, side: str, seed: int, count: int, threads: int) -> dict[str, Any]:
    from studio.base import settings

    settings.silence_libraries()
    began, tokens = time.process_time(), 0
    if side == "house":
        model, tokens = _house(weights, seed, count, threads)
    elif side == "untrained":
        model = _plain(weights, threads)
    else:
        model, tokens = _other(weights, OTHERS[side], seed, count, threads)
    cpu = time.process_time() - began
    asked = facts.held_out(count)
    said = _answers(model, weights, [row.question for row in asked])
    right = [facts.right(row, text) for row, text in zip(asked, said, strict=True)]
    checks = general.questions()
    answers = _answers(model, weights, [each.question for each in checks])
    graded = [general.graded(each, text) for each, text in zip(checks, answers, strict=True)]
    return {
        "seed": seed,
        "cpu": cpu,
        "tokens": tokens,
        "right": right,
        "wrong": [(row.question, text) for row, text, fine in zip(asked, said, right, strict=True) if not fine],
        "general": general.checked(graded).model_dump(),
    }


def _house(weights: Path, seed: int, count: int, threads: int) -> tuple[Any, int]:
    from studio import engines, training
    from studio.base import machine
    from studio.base.records import Example, Message

    examples = [
        Example(
            id=str(n),
            messages=(Message(role="user", content=row.question), Message(role="assistant", content=row.answer)),
        )
        for n, row in enumerate(facts.learnt(count, seed))
    ]
    name = "smollm2-135m-instruct"
    made = training.plan(examples, engines.model(name), machine.look(weights))
    recipe = made.recipe.model_copy(update={"seed": seed})
    with tempfile.TemporaryDirectory() as folder:
        training.train(examples, name, weights, recipe, Path(folder), lambda _: None, lambda: False, threads)
        from peft import PeftModel

        model = PeftModel.from_pretrained(_plain(weights, threads), str(Path(folder) / "adapter")).merge_and_unload()
    return model, made.tokens


def _plain(weights: Path, threads: int) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    return AutoModelForCausalLM.from_pretrained(weights, dtype=torch.bfloat16, local_files_only=True)


def _other(weights: Path, how: Settings, seed: int, count: int, threads: int) -> tuple[Any, int]:
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.nn.functional import cross_entropy
    from transformers import AutoTokenizer

    from studio.base.records import Message
    from studio.engines.prompts import Prompts
    from studio.training.rendering import Renderer

    base = _plain(weights, threads)
    torch.manual_seed(seed)
    config = LoraConfig(r=how.rank, lora_alpha=how.alpha, target_modules=list(how.targets), task_type="CAUSAL_LM")
    model = get_peft_model(base, config)
    renderer = Renderer(AutoTokenizer.from_pretrained(weights), Prompts(weights))
    rows = [
        renderer.render([Message(role="user", content=row.question), Message(role="assistant", content=row.answer)])
        for row in facts.learnt(count, seed)
    ]
    moving = [tensor for tensor in model.parameters() if tensor.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=how.rate, weight_decay=how.decay, fused=True)
    each = math.ceil(len(rows) / how.batch)
    steps = how.steps or each * how.epochs
    warm = round(steps * how.warm_up)
    dice, tokens, order = random.Random(seed), 0, list[int]()
    model.train()
    for step in range(steps):
        if len(order) < 1:
            order = dice.sample(range(len(rows)), len(rows))
        batch = [rows[n] for n in order[: how.batch]]
        order = order[how.batch :]
        left = (step - warm) / max(steps - warm, 1)
        fall = 1 - left if how.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * left))
        for group in optimizer.param_groups:
            group["lr"] = how.rate * ((step + 1) / warm if step < warm else fall)
        longest = max(len(row.input_ids) for row in batch)
        ids = torch.tensor([row.input_ids + [0] * (longest - len(row.input_ids)) for row in batch])
        mask = torch.tensor([[1] * len(row.input_ids) + [0] * (longest - len(row.input_ids)) for row in batch])
        kept = [row.input_ids if how.whole else row.labels for row in batch]
        labels = torch.tensor([line + [-100] * (longest - len(line)) for line in kept])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
        cross_entropy(logits.float().flatten(0, 1), labels[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(moving, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += int(mask.sum())
    return model.merge_and_unload(), tokens


def _answers(model: Any, weights: Path, questions: Sequence[str], at_once: int = 32) -> list[str]:
    """Greedy answers of a model in transformers, many at once: the same for every side."""
    import torch
    from transformers import AutoTokenizer

    from studio.base.records import Message
    from studio.engines.prompts import Prompts

    model.eval()
    prompts, tokenizer = Prompts(weights), AutoTokenizer.from_pretrained(weights)
    ids = [prompts.ids([Message(role="user", content=question)]) for question in questions]
    said: dict[int, str] = {}
    order = sorted(range(len(ids)), key=lambda n: len(ids[n]))
    end = tokenizer.eos_token_id
    for at in range(0, len(order), at_once):
        some = order[at : at + at_once]
        longest = max(len(ids[n]) for n in some)
        lines = torch.tensor([[end] * (longest - len(ids[n])) + ids[n] for n in some])
        mask = torch.tensor([[0] * (longest - len(ids[n])) + [1] * len(ids[n]) for n in some])
        with torch.inference_mode():
            spoken = model.generate(
                lines, attention_mask=mask, max_new_tokens=ANSWER_TOKENS, do_sample=False, pad_token_id=end
            )
        for n, line in zip(some, spoken, strict=True):
            said[n] = tokenizer.decode(line[longest:], skip_special_tokens=True).strip()
    return [said[n] for n in range(len(ids))]


if __name__ == "__main__":
    main()
