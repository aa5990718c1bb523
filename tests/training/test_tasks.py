from collections import Counter
from itertools import chain

import pytest

from studio.base.records import Example, Message
from studio.training import tasks
from studio.training.checking import Check, Marks
from studio.training.lessons import divide, part, rounds
from studio.training.order import batches, mixed, places


def example(question: str, answer: str, task: str) -> Example:
    said = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=question, messages=said, task=task)


def of_two(letters: int = 40, classes: int = 60) -> list[Example]:
    made = [example(f"Letter {n}?", f"Dear customer number {n}.", "write") for n in range(letters)]
    return made + [example(f"Mail {n}", ("refund", "delivery", "praise")[n % 3], "sort") for n in range(classes)]


@pytest.mark.parametrize(
    ("counts", "temperature", "given"),
    [
        ({"answer": 300}, 2, {"answer": 300}),
        ({"answer": 300, "sort": 20}, 1, {"answer": 300, "sort": 20}),
        ({"answer": 400, "sort": 100}, 2, {"answer": 333, "sort": 167}),  # roots 20 and 10: two thirds and one
        ({"answer": 81, "sort": 9, "write": 9}, 2, {"answer": 59, "sort": 20, "write": 20}),  # of 9, 3 and 3
        ({"answer": 10, "sort": 2, "write": 1}, 100, {"answer": 5, "sort": 4, "write": 4}),
    ],
)
def test_tasks_are_mixed_by_temperature(counts: dict[str, int], temperature: float, given: dict[str, int]) -> None:
    assert places(counts, temperature) == given
    assert sum(given.values()) == sum(counts.values())


def test_a_small_task_comes_more_often_and_all_its_examples_alike() -> None:
    kinds = ["answer"] * 80 + ["sort"] * 5 + [""] * 7
    epochs = [mixed(kinds, 2, 7, epoch) for epoch in range(10)]
    assert all(len(epoch) == 92 for epoch in epochs)
    assert all(Counter(epoch)[at] == 1 for epoch in epochs for at in range(85, 92))  # what has no task comes once
    seen = Counter(chain(*epochs))
    small, large = [seen[at] for at in range(80, 85)], [seen[at] for at in range(80)]
    assert max(small) - min(small) <= 1
    assert max(large) - min(large) <= 1
    assert min(small) > 3 * max(large)
    assert mixed(kinds, 2, 7, 3) == epochs[3], "an epoch is the same whenever it is asked for"


@pytest.mark.parametrize("kinds", [(), ["answer"] * 101, ["answer"] * 90 + [""] * 11])
def test_with_one_task_the_order_is_what_it_always_was(kinds: list[str]) -> None:
    lengths = [n * 7 % 40 for n in range(101)]
    assert batches(lengths, 8, 7, 2, kinds, 2.0) == batches(lengths, 8, 7, 2)


def test_every_task_has_answers_kept_back_and_a_class_is_judged_by_many_texts() -> None:
    given = of_two()
    kept = Counter(e.task for e in divide(given, 0.1).kept_back)
    assert kept == {"sort": 6, "write": 6}
    assert Counter(e.task for e in part(given, 0.25)) == {"sort": 15, "write": 10}
    assert Counter(e.task for lessons in rounds(given, 5) for e in lessons.kept_back) == {"sort": 60, "write": 40}
    assert divide(given, 0).kept_back == ()
    assert len(divide([e for e in given if e.task == "sort"], 0.2).kept_back) == 12


def test_what_decides_the_training_of_one_task_is_unchanged_and_another_task_is_another_training() -> None:
    from studio.training.provenance import _content

    assert _content(example("a", "b", "answer")) == '[["user", "a"], ["assistant", "b"]]'
    assert _content(example("a", "b", "write")) != _content(example("a", "b", "answer"))


def marked(step: int, losses: list[float], right: list[float]) -> Check:
    return Check(step, tuple(Marks(loss, share, False, 5) for loss, share in zip(losses, right, strict=True)))


def test_a_task_that_pays_for_another_is_named_and_one_that_does_not_is_not() -> None:
    given = [e for n in range(6) for e in (example(f"w{n}", "text", "write"), example(f"s{n}", "kind", "sort"))]
    jitter = [0.01 * n for n in range(6)]

    def both(write: float, sort: float) -> list[float]:
        return [value for j in jitter for value in (write + j, sort + j)]

    before = marked(0, both(3, 3), both(0.2, 0.3))
    early, kept = marked(5, both(1, 2), both(0.6, 0.4)), marked(9, both(2, 0.5), both(0.5, 0.8))
    assert [
        (n.code, n.parameters["before"], n.parameters["after"]) for n in tasks.notes(given, before, [early, kept], kept)
    ] == [("task_pays_write", 62, 52)]
    worse = marked(9, both(4, 0.5), [v + 0.002 * at for at, v in enumerate(both(0.1, 0.8))])
    assert [n.code for n in tasks.notes(given, before, [worse], worse)] == ["task_lost_write"]
    assert tasks.notes(given, before, [kept], kept) == []
    alone = [example(f"{n}", "x", "write") for n in range(12)]
    assert tasks.notes(alone, before, [early, worse], worse) == []


@pytest.mark.parametrize(
    ("said", "reference", "score"),
    [("the cat", "the cat", 1.0), ("", "the cat", 0.0), ("xyz", "the cat", 0.0), ("", "", 1.0), ("ab", "abcd", 0.472)],
)
def test_texts_are_compared_by_their_characters_in_a_row(said: str, reference: str, score: float) -> None:
    # "ab" to "abcd": precision 1 and 1, recall 2/4 and 1/3, and 5 P R / (4 P + R) of their means
    assert tasks.chrf(said, reference) == pytest.approx(score, abs=1e-3)


def test_classes_count_exactly_and_free_texts_by_likeness() -> None:
    given = [e for n in range(6) for e in (example(f"w{n}", "a text", "write"), example(f"s{n}", "kind", "sort"))]
    marks = [Marks(0, 1, at % 4 == 1, 3) for at in range(12)]
    found = tasks.scores(given, marks, lambda asked: ["a text"] * len(asked))
    assert [(s.name, s.score.metric, s.score.value, s.score.n) for s in found] == [
        ("sort", "said_exactly", 0.5, 6),
        ("write", "chrf", 1.0, 6),
    ]
