import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from studio.base.records import Message
from studio.training import everyday, replay
from studio.training.loading import Learner
from studio.training.packing import Fed
from studio.training.rendering import NOT_LEARNT, Expected, Rendered, Renderer, Row

if TYPE_CHECKING:
    import torch


class Spelling:
    """Renders a question as its length, an answer as its letters."""

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        return [len(message.content) for message in messages[:-1]]

    def render(self, messages: Sequence[Message]) -> Rendered:
        asked, said = self.prompt(messages), [ord(letter) - 97 for letter in messages[-1].content]
        return Rendered(asked + said, [NOT_LEARNT] * len(asked) + said)


class Alphabet:
    """A model that says "ab" or nothing, and thinks the letter after the last one likely, all others alike."""

    device, autocast, adapter, model = "cpu", None, None, SimpleNamespace(dtype="float32")
    asked, packs, tokens, own_forward = 0, False, 1_000, False

    def untaught(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def say(self, prompts: Sequence[Sequence[int]], most: int) -> list[str]:
        self.asked += len(prompts)
        return ["" if prompt[0] % 7 == 0 else "ab"[:most] for prompt in prompts]

    def batch(self, rows: Sequence[Sequence[int]], filler: int | None = None) -> "torch.Tensor":
        import torch

        longest = max(map(len, rows))
        return torch.tensor([[*row, *[filler or 0] * (longest - len(row))] for row in rows])

    def logits(self, fed: Fed) -> "torch.Tensor":
        from torch.nn.functional import one_hot

        return 5.0 * one_hot((fed.ids.flatten()[fed.where] + 1) % 40, 40)


def test_the_questions_come_in_both_languages_and_the_same_for_the_same_seed() -> None:
    english, spanish = everyday._questions()
    some = everyday.questions(40, seed=3)
    assert some == everyday.questions(40, seed=3) != everyday.questions(40, seed=4)
    assert (len(set(some) & set(english)), len(set(some) & set(spanish))) == (20, 20)
    assert sorted(everyday.questions(10_000, seed=3)) == sorted([*english, *spanish])
    assert (everyday.questions(0, seed=3), everyday.known()) == ([], len(english) + len(spanish))


@pytest.mark.slow
def test_a_row_holds_what_the_model_says_today_and_how_likely_it_thinks_every_word_of_it() -> None:
    learner, renderer = cast(Learner, Alphabet()), cast(Renderer, Spelling())
    made = replay.rows(learner, renderer, 50, weight=4.0, seed=1)
    asked = [len(question) for question in everyday.questions(50, seed=1)]
    assert [row.input_ids for row in made] == [[length, 0, 1] for length in asked if length % 7]
    assert {(tuple(row.labels), row.weight) for row in made} == {((NOT_LEARNT, 0, 1), 4.0)}
    expected = made[0].expected
    assert expected is not None
    assert [line[0] for line in expected.words] == [(made[0].input_ids[0] + 1) % 40, 1]
    assert [len(line) for line in expected.likely] == [replay.LIKELY] * 2
    assert replay.rows(learner, renderer, 50, weight=4.0, seed=1) == made


@pytest.mark.slow
def test_what_was_said_once_is_not_asked_again_and_half_of_it_is_said_within_the_frame(tmp_path: Path) -> None:
    renderer, first, second = cast(Renderer, Spelling()), Alphabet(), Alphabet()
    made = replay.rows(cast(Learner, first), renderer, 40, 2.0, 1, tmp_path, "Be kind.")
    assert sum(row.input_ids[0] == len("Be kind.") for row in made) == sum(len(row.input_ids) == 4 for row in made) > 10
    assert replay.rows(cast(Learner, second), renderer, 40, 2.0, 1, tmp_path, "Be kind.") == made
    assert (first.asked, second.asked) == (40, 0)
    (tmp_path / replay.KEPT).write_text("{")
    assert replay.rows(cast(Learner, second), renderer, 40, 2.0, 1, tmp_path, "Be kind.") == made


@pytest.mark.slow
def test_a_model_that_has_not_moved_loses_nothing_and_one_that_has_loses_by_how_far() -> None:
    import torch

    likely, other = [0.5, 0.25, 0.125, 0.125], [0.125, 0.125, 0.25, 0.5]
    before = Expected([[0, 1, 2, 3]], [torch.tensor(likely).log().tolist()])
    rows = [Row([5, 1], [NOT_LEARNT, 1]), Row([5, 2], [NOT_LEARNT, 2], 1.0, before)]
    labels = torch.tensor([1, 2])
    same = replay.losses(torch.tensor([likely, likely]).log(), labels, rows)
    moved = replay.losses(torch.tensor([likely, other]).log(), labels, rows)
    learnt = -torch.tensor(0.25).log().item()
    far = sum(p * (torch.tensor(p) / q).log().item() for p, q in zip(likely, other, strict=True))
    assert same.tolist() == pytest.approx([learnt, 0.0], abs=1e-6)
    assert moved.tolist() == pytest.approx([learnt, far], abs=1e-6)


def test_what_holds_the_model_counts_little_while_facts_are_learnt_and_in_full_at_the_end() -> None:
    fact, held = Row([5, 1], [NOT_LEARNT, 1]), Row([5, 2], [NOT_LEARNT, 2], 4.0, Expected([[0]], [[0.0]]))
    told = [[row.weight for row in replay.weighed([fact, held], past)] for past in (0, 0.5, 1)]
    assert told == [[1.0, 0.5], [1.0, 2.25], [1.0, 4.0]]
