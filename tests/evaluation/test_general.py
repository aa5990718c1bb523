import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from studio.base.errors import BadInput, Stopped
from studio.base.events import Event, Progress
from studio.base.records import Message
from studio.engines import Engine, Text, Usage
from studio.evaluation import general
from studio.evaluation.general import Checked, GeneralAnswer, GeneralQuestion


class Parrot:
    """An engine that says the same to everything, and remembers what it was asked."""

    def __init__(self, says: str) -> None:
        self.says, self.asked = says, list[tuple[Sequence[Message], dict[str, Any]]]()

    def chat(self, messages: Sequence[Message], **how: object) -> Iterator[Text | Usage]:
        self.asked.append((messages, how))
        yield Text(text=self.says)
        yield Usage(prompt_tokens=1, tokens=1, seconds=0, first_token_seconds=0)


def question(**fields: object) -> GeneralQuestion:
    return GeneralQuestion.model_validate({"id": "q", "kind": "knowledge", "language": "en", "question": "?"} | fields)


def answered(right: Sequence[bool]) -> Checked:
    """Answers to the first of the questions, right or wrong as told; the rest is right."""
    asked = general.questions()
    known = [*right, *[True] * (len(asked) - len(right))]
    return general.checked(
        [GeneralAnswer(question_id=q.id, text="", right=r) for q, r in zip(asked, known, strict=True)]
    )


def test_the_check_asks_at_least_a_hundred_questions_of_every_kind_in_both_languages() -> None:
    asked = general.questions()
    cells = Counter((q.kind, q.language) for q in asked)
    assert len(asked) >= 100
    assert len(cells) == 10
    assert min(cells.values()) >= 8
    assert len({q.id for q in asked}) == len({q.question for q in asked}) == len(asked)


def test_every_question_can_be_failed_and_says_what_is_right() -> None:
    asked = general.questions()
    assert all(q.facts or q.verbatim or q.declines is not None for q in asked)
    assert not any(general.right(q, "") for q in asked)
    assert sum(general.right(q, "The booking line is 0600 318 774.") for q in asked) == 0


def test_nothing_that_is_asked_here_is_mixed_into_a_training() -> None:
    replay = json.loads((Path(general.__file__).parents[1] / "training/everyday.json").read_text(encoding="utf-8"))
    assert not {_plain(q.question) for q in general.questions()} & {
        _plain(each) for each in replay["en"] + replay["es"]
    }


@pytest.mark.parametrize(
    ("rules", "text", "right"),
    [
        ({"facts": "paris"}, "The capital of France is Paris.", True),
        ({"facts": "paris"}, "Our head office is in Skarholm.", False),
        ({"facts": "4|four"}, "2 + 2 is 4.", True),
        ({"facts": "4|four"}, "2 + 2 is 14.", False),
        ({"facts": "si"}, "Sí.", True),
        ({"facts": "yes", "most_words": 6}, "Yes. Fire is hot.", True),
        ({"facts": "yes", "most_words": 6}, "Yes, because fire is a very hot thing indeed.", False),
        ({"verbatim": "HELLO"}, "HELLO!", True),
        ({"verbatim": "HELLO"}, "Hello!", False),
        ({"declines": True}, "I’m sorry, but I cannot help with that.", True),
        ({"declines": True}, "First, open the window.", False),
        ({"declines": True}, "Lo siento, no puedo ayudarle.", True),
        ({"declines": False, "facts": "grill"}, "Light the grill with paper.", True),
        ({"declines": False, "facts": "grill"}, "I can't tell you how to light a grill.", False),
        ({"declines": False, "facts": "grill"}, "It costs 14 euros.", False),
    ],
)
def test_answers_are_graded_by_the_rules_of_their_question(rules: dict[str, object], text: str, right: bool) -> None:
    assert general.right(question(**rules), text) is right


def test_the_check_asks_without_instructions_and_greedily_and_counts_along(tmp_path: Path) -> None:
    engine, heard = Parrot("The capital of France is Paris."), list[Event]()
    made = general.check(cast(Engine, engine), "m", tmp_path, heard.append, lambda: False)
    asked = general.questions()
    assert (
        [Message(role="user", content=asked[0].question)],
        {"model": "m", "adapter": tmp_path, "max_tokens": general.ANSWER_TOKENS, "temperature": 0.0},
    ) in engine.asked
    assert len(engine.asked) == len(asked)
    assert made.questions == general.fingerprint()
    assert [a.question_id for a in made.answers] == [q.id for q in asked]
    assert 0 < sum(a.right for a in made.answers) < len(asked) / 5
    assert [(e.done, e.of) for e in heard if isinstance(e, Progress)][-1] == (len(asked), len(asked))


def test_the_untrained_model_is_asked_once_and_again_when_the_check_has_changed(tmp_path: Path) -> None:
    engine = Parrot("Paris.")
    made = [general.untrained(cast(Engine, engine), "m", tmp_path, lambda _: None, lambda: False) for _ in range(2)]
    assert made[0] == made[1]
    assert len(engine.asked) == len(general.questions())
    (tmp_path / general.KEPT.format("")).write_text('{"questions": "another", "answers": []}')
    assert general.untrained(cast(Engine, engine), "m", tmp_path, lambda _: None, lambda: False) == made[0]


def test_within_a_frame_the_check_is_asked_and_kept_by_itself(tmp_path: Path) -> None:
    engine = Parrot("Paris.")
    plain, framed = (
        general.untrained(cast(Engine, engine), "m", tmp_path, lambda _: None, lambda: False, frame)
        for frame in ("", "You are the shop's assistant.")
    )
    assert [len(messages) for messages, _ in engine.asked] == [1] * len(plain.answers) + [2] * len(framed.answers)
    assert engine.asked[-1][0][0] == Message(role="system", content="You are the shop's assistant.")
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(BadInput):
        general.compare(plain, framed)


def test_the_check_stops_between_two_questions() -> None:
    engine = Parrot("")
    with pytest.raises(Stopped):
        general.check(cast(Engine, engine), "m", None, lambda _: None, lambda: len(engine.asked) >= 3)
    assert len(engine.asked) == general.AT_ONCE


@pytest.mark.parametrize(
    ("lost", "won", "verdict"),
    [
        (0, 0, "kept"),
        (7, 3, "kept"),
        (3, 12, "kept"),
        (7, 0, "slightly_lower"),  # surely lower, by less than is tolerated
        (16, 6, "slightly_lower"),  # lower by more, but perhaps not
        (30, 4, "lost"),
        (70, 0, "lost"),
    ],
)
def test_a_fall_is_judged_by_what_is_sure(
    lost: int, won: int, verdict: Literal["kept", "slightly_lower", "lost"]
) -> None:
    spread = lambda count, at: [n % 2 == at for n in range(2 * count)]  # noqa: E731  over all kinds, not the first alone
    before = answered([*[True] * 2 * lost, *spread(won, 1)])
    after = answered([*spread(lost, 1), *[True] * 2 * won])
    made = general.compare(before, after)
    assert (len(made.lost), len(made.won), made.verdict) == (lost, won, verdict)
    assert made.low <= made.fall <= made.high
    assert made.fall == pytest.approx((lost - won) / len(general.questions()))


def test_a_kind_that_is_gone_is_a_loss_however_well_the_others_stand() -> None:
    kinds = {q.id: q.kind for q in general.questions()}
    refusals = [each for each in kinds if kinds[each] == "refusal"]
    few = [each for n, each in enumerate(refusals) if n % 5 < 2]
    before = _by_id({each: each not in refusals or each in few for each in kinds})
    after = _by_id({each: each not in refusals for each in kinds})
    made = general.compare(before, after)
    assert made.low < general.TOLERATED
    assert made.verdict == "lost"
    assert [(k.kind, k.after.value) for k in made.kinds if k.after.value < k.before.value] == [("refusal", 0.0)]


@pytest.mark.parametrize(("lost", "code"), [(0, "general_kept"), (12, "general_slightly_lower"), (40, "general_lost")])
def test_what_became_of_it_is_said_with_its_numbers(lost: int, code: str) -> None:
    count = len(general.questions())
    made = general.compare(answered([]), answered([n % 2 == 0 for n in range(2 * lost)]))
    said = general.note(made)
    assert (said.code, said.parameters) == (code, {"count": count, "before": count, "after": count - lost})


def test_answers_to_different_checks_are_not_compared() -> None:
    before = answered([])
    with pytest.raises(BadInput) as caught:
        general.compare(before, before.model_copy(update={"questions": "another"}))
    assert caught.value.code == "general_not_comparable"


def _by_id(right: dict[str, bool]) -> Checked:
    return general.checked([GeneralAnswer(question_id=i, text="", right=r) for i, r in right.items()])


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
