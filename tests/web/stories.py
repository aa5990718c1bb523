"""A project in the middle of its life, written by hand: built, tested, asked, voted on and explained. No model is run."""

from collections.abc import Iterable
from pathlib import Path

from studio import answering
from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import (
    Answer,
    Chunk,
    Citation,
    Difference,
    Document,
    Example,
    Explanation,
    Feedback,
    Game,
    Graded,
    Indexed,
    Language,
    Lesson,
    Message,
    Passage,
    Question,
    Score,
    Scorecard,
    Section,
    Shift,
    Trained,
    Unit,
    Variant,
    VariantScores,
    Vote,
)

QUESTION = "My kitchen flooded while I was away for five weeks. Am I covered?"
PASSAGES = (
    "We do not cover escape of water if the home has been left empty for more than 30 days in a row.",
    "Emergency repairs that prevent further damage are paid up to €500 in every case.",
    "Tell us about a claim within seven days.",
)
SENTENCES = ("Not in full: the home was empty for more than 30 days.", "Emergency repairs up to €500 are paid.")


def project(root: Path, name: str = "Claims helpdesk", language: Language = "en") -> Project:
    """A project whose documents are indexed and whose examples have been learnt."""
    made = projects.create(root, name, language)
    made.change(
        chosen=("instructions", "documents", "both"),
        model="smollm2-135m-instruct",
        done=("goal", "data", "advice", "build"),
    )
    text = "\n".join(PASSAGES)
    policy = Document(
        id="d1", name="Home policy.pdf", kind="pdf", text=text, source="sources/Home policy.pdf", sha256="0" * 64,
        sections=(Section(start=0, end=len(text), page=4),),
    )  # fmt: skip
    (made.sources / "Home policy.pdf").write_bytes(b"%PDF-1.7")
    made.store.put_source(policy.source, policy.sha256, [policy], [example(n, policy.source) for n in range(3)], [])
    made.store.replace_questions(
        [
            Question(
                id="q1",
                question=QUESTION,
                reference="No: the home was empty for more than 30 days.",
                must_contain=("30",),
            ),
            Question(id="q2", question="Who won the cup in 1998?", answerable=False),
        ]
    )
    made.store.put_fact("indexed", Indexed(documents=1, chunks=3, embedder="potion", threshold=0.3))
    made.store.put(
        Trained(
            id="t1", model="smollm2-135m-instruct", adapter="models/t1", examples=60, steps=80, seconds=200.0, loss=0.4
        )
    )
    made.store.put(*answering.variants(made))
    return made


def taught(root: Path, pairs: Iterable[tuple[str, str]], name: str = "Taught") -> Project:
    """A project that is to be trained, on these questions and answers."""
    made = project(root, name)
    made.change(chosen=("trained",))
    made.store.put_examples(
        Example(
            id=f"x{n}", messages=(Message(role="user", content=question), Message(role="assistant", content=answer))
        )
        for n, (question, answer) in enumerate(pairs)
    )
    return made


def asked(made: Project, question: str = QUESTION) -> list[Answer]:
    """The question answered by everyone; the searching ones cite what they say."""
    answers = []
    for at, variant in enumerate(answering.variants(made)):
        cites = variant.approach in ("documents", "both")
        answers.append(
            Answer(
                variant=variant.id,
                question=question,
                text="Not in full: the home was empty for more than 30 days [1]. Emergency repairs up to €500 are paid [2]."
                if cites
                else "Yes, water damage is always covered. We usually pay within ten days.",
                messages=(Message(role="user", content=question),),
                passages=passages() if cites else (),
                citations=(Citation(number=1, passage=0), Citation(number=2, passage=1)) if cites else (),
                seconds=1.4 + at,
                tokens=40,
            )
        )
    made.store.put(*answers)
    return answers


def passages() -> tuple[Passage, ...]:
    chunks = [
        Chunk(
            id=f"c{n}",
            document_id="d1",
            document="Home policy.pdf",
            text=text,
            start=0,
            end=len(text),
            page=4 + n,
            heading="Water",
        )
        for n, text in enumerate(PASSAGES)
    ]
    return tuple(Passage(chunk=chunk, score=1.0 - n / 10, similarity=0.8 - n / 10) for n, chunk in enumerate(chunks))


def explained(made: Project, answer: Answer) -> Explanation:
    units = [
        Unit(text=text, value=value, passage=n)
        for n, (text, value) in enumerate(zip(PASSAGES, (22.0, 6.5, -1.2), strict=True))
    ]
    words = [("My kitchen flooded", 9.0), ("while I was away", 1.8), ("for five weeks.", 6.0), ("Am I covered?", -2.0)]
    explanation = Explanation(
        answer_id=answer.id,
        variant=answer.variant,
        question=answer.question,
        answer=answer.text,
        games=(
            Game(kind="passages", units=tuple(units), base=-50.0, full=-22.7, method="kv_exact", evaluations=8, seconds=4.2,
                answer_tokens=20),
            Game(
                kind="question", units=tuple(Unit(text=text, value=value, error=0.3) for text, value in words), base=-37.5,
                full=-22.7, method="permutation", evaluations=24, seconds=3.1, answer_tokens=20,
            ),
        ),
    )  # fmt: skip
    made.store.put(explanation)
    return explanation


def closely_explained(root: Path) -> tuple[Answer, Explanation]:
    """A trained assistant's answer explained as closely as it gets."""
    made = project(root)
    answer = next(a for a in asked(made) if a.passages)
    found = explained(made, answer)
    passages, question = (
        game.model_copy(
            update={
                "base_by_sentence": (-30.0, -20.0),
                "full_by_sentence": (-12.7, -10.0),
                "units": tuple(
                    unit.model_copy(
                        update={"by_sentence": (unit.value, 0.0), "lime": unit.value / 2, "without": unit.value}
                    )
                    for unit in game.units
                ),
            }
        )
        for game in found.games
    )
    opened = Unit(text="We do not cover escape.", value=9.0, by_sentence=(9.0, 0.0))
    inside = passages.model_copy(update={"kind": "sentences", "inside": 0, "units": (opened,)})
    shift = Shift(before=-60, after=-30, before_by_sentence=(-40, -20), after_by_sentence=(-12, -18), answer_tokens=20)
    lessons = (Lesson(example="e1", question="Burst pipe?", answer="Not when empty.", similarity=0.83),)
    more = {"games": (passages, question, inside), "sentences": SENTENCES, "shift": shift, "lessons": lessons}
    found = found.model_copy(update=more)
    made.store.put(found)
    return answer, found


def tested(made: Project) -> Scorecard:
    """Everyone on two questions: the searching ones got the first right, nobody declined the second."""
    scored = []
    for variant in answering.variants(made):
        right = variant.approach in ("documents", "both")
        scored.append(VariantScores(variant=variant.id, scores=_scores(right), graded=_graded(variant, right)))
    best, plain = scored[-1].variant, scored[0].variant
    lead = Difference(better=best, worse=scored[-2].variant, wins=3, losses=1, p_value=0.6, verdict="too_few")
    card = Scorecard(
        variants=tuple(scored), differences=(lead, lead.model_copy(update={"worse": plain, "verdict": "better"}))
    )
    made.store.put(card)
    return card


def voted(made: Project, answers: list[Answer], winner: str | None) -> Vote:
    vote = Vote(
        question=answers[0].question,
        shown=tuple(a.variant for a in answers),
        winner=winner,
        answers=tuple(a.id for a in answers),
    )
    made.store.put(vote)
    return vote


def corrected(made: Project, used: bool = False) -> Feedback:
    feedback = Feedback(
        question=QUESTION, correction="No, because the home was empty for more than 30 days.", good=False, used=used
    )
    made.store.put(feedback)
    return feedback


def example(number: int, source: str) -> Example:
    asked, said = f"How long do I have to report case {number}?", "Seven days."
    messages = (Message(role="user", content=asked), Message(role="assistant", content=said))
    return Example(id=f"e{number}", messages=messages, source=source, row=number + 2)


def _scores(right: bool) -> tuple[Score, ...]:
    share = Score(
        metric="right", value=0.75 if right else 0.25, low=0.58 if right else 0.12, high=0.87 if right else 0.44, n=28
    )
    known = Score(metric="right_known", value=0.8 if right else 0.2, low=0.6, high=0.9, n=20)
    return share, known, Score(metric="seconds", value=2.1, low=1.8, high=2.4, n=28)


def _graded(variant: Variant, right: bool) -> tuple[Graded, ...]:
    answer = Answer(
        variant=variant.id, question=QUESTION, text="It is not covered after 30 days." if right else "Yes, always."
    )
    second = Answer(variant=variant.id, question="Who won the cup in 1998?", text="France did.")
    missing = () if right else ("30",)
    return Graded(question_id="q1", answer=answer, right=right, missing=missing), Graded(
        question_id="q2", answer=second, right=False
    )
