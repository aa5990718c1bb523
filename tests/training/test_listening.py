"""What a random Llama says to prompts that begin alike, against what it says to each alone."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from studio.training import listening
from studio.training.listening import Heard
from tests.training.test_packing import learning


@pytest.mark.slow
def test_prompts_heard_together_are_answered_as_each_alone() -> None:
    import torch

    from tests import tiny

    learner = learning(tiny.model())
    assert listening.possible(learner)
    prompts = [[7, 8, 9, 20, 21], [7, 8, 9, 22], [7, 8, 9, 30, 31, 32, 33], [7, 8, 9, 22, 40]]
    together = listening.hear(learner, prompts, 6, 3)
    for prompt, heard in zip(prompts, together, strict=True):
        (alone,) = listening.hear(learner, [prompt], 6, 3)
        assert (alone.answer, alone.words) == (heard.answer, heard.words)
        with torch.no_grad():
            logits = learner.model(torch.tensor([prompt + heard.answer])).logits[0, len(prompt) - 1 : -1]
        best = logits.log_softmax(-1).topk(3)
        assert (best.indices[:, 0].tolist(), best.indices.tolist()) == (heard.answer, heard.words)
        assert torch.allclose(best.values, torch.tensor(heard.likely), atol=1e-4)


@pytest.mark.slow
def test_an_answer_ends_where_the_model_ends_it() -> None:
    from tests import tiny

    learner = learning(tiny.model())
    (heard,) = listening.hear(learner, [[7, 8, 9]], 6, 2)
    learner.tokenizer = cast("Any", SimpleNamespace(eos_token_id=heard.answer[2]))
    ended = heard.answer.index(heard.answer[2]) + 1
    assert listening.hear(learner, [[7, 8, 9]], 6, 2) == [
        Heard(heard.answer[:ended], heard.words[:ended], heard.likely[:ended])
    ]


@pytest.mark.slow
def test_a_model_that_recomputes_its_layers_to_save_memory_says_the_same() -> None:
    """While they learn, such layers take no cache: without one the model answered from its last word alone."""
    from tests import tiny

    learner = learning(tiny.model())
    prompts = [[7, 8, 9, 20, 21], [7, 8, 9, 22]]
    before = listening.hear(learner, prompts, 3, 2)
    learner.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    learner.model.train()
    assert listening.hear(learner, prompts, 3, 2) == before
    assert learner.model.training
