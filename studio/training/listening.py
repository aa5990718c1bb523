"""What a model says to many prompts at once, and what it expected at every word of it.

Prompts of one model begin alike: that beginning is read once, and saying a word tells its likelihood, so nothing is read a
second time. Needs a forward of transformers' own with a cache; whoever has another asks `Learner.say`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from studio.engines.prompts import beginning

if TYPE_CHECKING:
    from studio.training.loading import Learner


class Heard(NamedTuple):
    """An answer as token ids, its end included where it came, and at each the likeliest words with their log-likelihoods."""

    answer: list[int]
    words: list[list[int]]
    likely: list[list[float]]


def possible(learner: "Learner") -> bool:
    base = learner.model.get_base_model() if learner.adapter is not None else learner.model
    return learner.own_forward and not base._is_stateful  # Mamba and its like keep a state, no words


def hear(learner: "Learner", prompts: Sequence[list[int]], most: int, likely: int) -> list[Heard]:
    """Greedy answers of at most `most` tokens to all prompts, with the `likely` likeliest words at each."""
    import torch
    from transformers import DynamicCache

    base = learner.model.get_base_model() if learner.adapter is not None else learner.model
    shared = min(beginning(prompts), min(map(len, prompts)) - 1)  # each keeps one of its own
    rests = [prompt[shared:] for prompt in prompts]
    longest, end = max(map(len, rests)), learner.tokenizer.eos_token_id
    place = learner.device
    ids = torch.tensor([[0] * (longest - len(rest)) + list(rest) for rest in rests], device=place)
    there = torch.tensor([[0] * (longest - len(rest)) + [1] * len(rest) for rest in rests], device=place)
    positions = shared + (there.cumsum(1) - 1).clamp(min=0)
    mask = torch.cat([there.new_ones(len(prompts), shared), there], dim=1)
    found = [Heard([], [], []) for _ in prompts]
    cache = DynamicCache(config=base.config)
    with (
        _remembering(learner),
        torch.no_grad(),
        torch.autocast(place, dtype=learner.autocast, enabled=learner.autocast is not None),
    ):
        if shared:
            common = torch.tensor([list(prompts[0][:shared])], device=place)
            base.model(input_ids=common, past_key_values=cache, use_cache=True)
            cache.batch_repeat_interleave(len(prompts))
        for _ in range(most):
            hidden = base.model(
                input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
            ).last_hidden_state[:, -1]
            best = learner.expects(hidden).log_softmax(-1).topk(likely, dim=-1)
            words, values = best.indices.tolist(), best.values.tolist()
            for heard, row, line in zip(found, words, values, strict=True):
                if not heard.answer or heard.answer[-1] != end:
                    heard.answer.append(row[0])
                    heard.words.append(row)
                    heard.likely.append(line)
            if all(heard.answer[-1] == end for heard in found):
                break
            ids, positions = best.indices[:, :1], positions[:, -1:] + 1
            mask = torch.cat([mask, mask.new_ones(len(prompts), 1)], dim=1)
    return found


@contextmanager
def _remembering(learner: "Learner") -> Iterator[None]:
    """Layers that forget what they computed, to save memory while they learn, take no cache then: without a word they would
    answer from the last word alone."""
    learner.model.eval()
    try:
        yield
    finally:
        learner.model.train()
