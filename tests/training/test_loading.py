"""The adapter's own way through a layer, on a random Llama, beside PEFT's."""

from functools import partial

import pytest

from studio.training import loading
from studio.training.loading import Learner


@pytest.mark.slow
def test_an_adapter_says_what_pefts_says_and_nothing_where_the_model_speaks_untaught() -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    from tests import tiny

    ids = torch.tensor([[5, 9, 20, 31]])
    bare = tiny.model()(ids).logits
    model = get_peft_model(
        tiny.model(), LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    )
    theirs = model(ids).logits
    for module in model.modules():
        if hasattr(module, "lora_A"):
            module.forward = partial(loading._adapted, module)
    moving = {name: each for name, each in model.named_parameters() if each.requires_grad}
    learner = Learner(model, tiny.tokenizer(), "cpu", None, False, model.peft_config["default"], 64, 0, moving=moving)

    torch.testing.assert_close(model(ids).logits, theirs)
    assert not torch.allclose(theirs, bare, atol=1e-2)
    with learner.untaught():
        torch.testing.assert_close(model(ids).logits, bare)
    torch.testing.assert_close(model(ids).logits, theirs)
    assert all(each.requires_grad for each in moving.values())
