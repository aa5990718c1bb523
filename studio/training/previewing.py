"""The first batch, token by token, as the model will see it: what is learnt and what is only read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.base.events import Batch, Token
from studio.base.recipes import TrainingRecipe
from studio.training import order
from studio.training.rendering import NOT_LEARNT, Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SHOWN = 8  # examples


def first_batch(rows: Sequence[Row], recipe: TrainingRecipe, tokenizer: "PreTrainedTokenizerBase") -> Batch:
    """The examples of the first step. `rows` are in the order in which the course gets them."""
    learnt = order.worded(rows, order.of(rows, recipe).step(0), recipe.seed, 0)[:SHOWN]
    return Batch(examples=tuple(_tokens(row, tokenizer) for row in learnt))


def _tokens(row: Row, tokenizer: "PreTrainedTokenizerBase") -> tuple[Token, ...]:
    """Letters of several bytes may be cut by tokens: those are told together, as the last of them is."""
    found: list[Token] = []
    waiting: list[int] = []
    for id, label in zip(row.input_ids, row.labels, strict=True):
        waiting.append(id)
        text = str(tokenizer.decode(waiting, clean_up_tokenization_spaces=False))
        if not text.endswith("\ufffd") or len(waiting) > 4:
            found.append(Token(text=text, learnt=label != NOT_LEARNT))
            waiting = []
    if waiting:
        found.append(Token(text=str(tokenizer.decode(waiting)), learnt=row.labels[-1] != NOT_LEARNT))
    return tuple(found)
