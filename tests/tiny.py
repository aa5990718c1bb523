"""A random Llama of some thousand weights with a tokenizer of its own: everything real but what it says."""

from functools import cache
from typing import Any

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEXTS = (
    "How long does the cover last, and what does the policy say about water damage in the kitchen?",
    "¿Cuánto tarda el envío a Canarias y qué pasa si el paquete llega roto o fuera de plazo?",
    "The cover lasts fourteen months. It pays for water damage up to 2,000 euros. Claims are answered in ten days.",
)


@cache
def tokenizer() -> Any:
    """Byte-level tokens with chat control tokens, as the models of the catalogue have them."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False))
    made.add_special_tokens([AddedToken("<|im_start|>", special=True), AddedToken("<|im_end|>", special=True)])
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|im_end|>")
    fast.chat_template = TEMPLATE
    return fast


def model(**config: Any) -> Any:
    """A Llama of two layers with random weights, large enough for its opinions to differ from prompt to prompt."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    small: dict[str, Any] = {
        "vocab_size": len(tokenizer()),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "initializer_range": 0.25,
    }
    return LlamaForCausalLM(LlamaConfig(**(small | config))).eval()
