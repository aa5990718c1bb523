"""A blind vote from its beginning to its record, without a model and without a page."""

import math
import random
from pathlib import Path
from typing import Any

import pytest

from studio import comparison
from studio.base import project as projects
from studio.base import words
from studio.base.errors import BadInput, NotEnough, NotFound, Refused, StudioError
from studio.base.project import Project
from studio.base.records import Answer, Graded, Invitation, Question, Round, Scorecard, Variant, VariantScores, Vote
from studio.comparison import Place, acceptance, certificate, said

KEY = b"k" * 32


class Engine:
    """Knows which files spoke."""

    def speaks(self, said: str, model: str, adapter: Path | None = None) -> bool:
        return said == f"gguf:{model}" + (f"+{adapter.name}" if adapter else "")


ENGINE: Any = Engine()


def shop(tmp_path: Path, questions: int = 6, variants: str = "ab") -> Project:
    """A project whose assistants were tested on some questions."""
    made = projects.create(tmp_path, "Shop")
    known = [Variant(id=name, approach="documents" if at else "plain", model="m") for at, name in enumerate(variants)]
    asked = [Question(id=f"q{n}", question=f"Question {n}?") for n in range(questions)]
    made.store.put(*known)
    made.store.replace_questions(asked)
    made.store.put(
        Scorecard(
            variants=tuple(
                VariantScores(
                    variant=each.id,
                    scores=(),
                    graded=tuple(
                        Graded(question_id=q.id, answer=answer(each.id, q.question), right=True) for q in asked
                    ),
                )
                for each in known
            )
        )
    )
    return made


def answer(variant: str, question: str, **more: Any) -> Answer:
    text = f"{variant} says " + "so " * (3 if variant == "a" else 6)
    return Answer(variant=variant, question=question, text=text, **({"spoken_by": "gguf:m"} | more))


def begin(made: Project, **more: Any) -> Round:
    return comparison.begin(made, made.variants(), ENGINE, **({"planned": 15, "seed": 7} | more))


def votes(pattern: str, shown: tuple[str, ...] = ("a", "b"), round: str = "r") -> list[Vote]:
    return [
        Vote(
            id=str(n), question=f"q{n}", shown=shown, winner=None if w in "-=" else w, equal=w == "=", round=round,
            lengths=(5,) * len(shown), created="2026-01-01T00:00:00+00:00",
        )
        for n, w in enumerate(pattern)
    ]  # fmt: skip


def running(planned: int = 60, variants: tuple[str, ...] = ("a", "b"), **more: Any) -> Round:
    return Round(id="r", variants=variants, planned=planned, **more)


# ---- the meter


@pytest.mark.parametrize(
    ("cast", "planned", "sentence"),
    [
        ("", 60, "Nobody has voted yet. It is first looked at after 15 votes."),
        ("b" * 9, 60, "9 voted so far. It is first looked at after 6 more: looking earlier would mislead."),
        ("b" * 12 + "a" * 3, 60, "12 of 15 prefer B: enough evidence."),
        ("b" * 11 + "a" * 4, 60, "11 of 15 prefer B: not enough evidence yet. Ask about 25 more."),
        ("b" * 9 + "a" * 3 + "==-", 60, "9 of 12 prefer B: not enough evidence yet. Ask about 30 more."),
        (
            "b" * 16 + "a" * 14, 60,
            "16 of 30 prefer B: not enough evidence yet. They are so close that more votes will hardly part them.",
        ),
        ("ab" * 15, 60, "15 of 30: as even as can be. Not enough evidence yet."),
        (
            "b" * 9 + "a" * 6, 15,
            "No difference found: 9 of 15 prefer B, which may be luck. With 15 votes, a preference of 85 % would most "
            "likely have shown.",
        ),
        ("-" * 15, 15, "No difference found: nobody was preferred."),
    ],
)  # fmt: skip
def test_the_meter_says_in_plain_words_what_the_votes_prove(cast: str, planned: int, sentence: str) -> None:
    found = comparison.evidence(running(planned), votes(cast))
    key, numbers = said.verdict(found, {"a": "A", "b": "B"})
    assert words.translator("en")(key, **numbers) == sentence
    assert words.translator("es")(key, **numbers)


def test_between_two_looks_nothing_new_is_said() -> None:
    at_look, later = (comparison.evidence(running(), votes("b" * 12 + "a" * 3 + more)) for more in ("", "aaaaa"))
    assert (later.code, later.seen, later.votes, later.next_look) == ("proven", 15, 20, 30)
    assert later.duels == at_look.duels
    assert comparison.evidence(running(), votes("b" * 12 + "a" * 18)).code == "not_yet"  # a lead that was lost is lost


def test_a_vote_that_is_ended_early_is_looked_at_once_more_at_its_own_price() -> None:
    votes_so_far = votes("b" * 9 + "a")
    assert comparison.evidence(running(), votes_so_far).code == "waiting"
    ended = comparison.evidence(running(closed="2026-01-02"), votes_so_far)
    assert (ended.code, ended.seen, ended.duels[0].needed) == ("proven", 10, 9)
    assert comparison.evidence(running(closed="2026-01-02"), votes("b" * 5)).code == "not_yet"


def test_what_is_proven_at_a_look_does_not_depend_on_the_order_of_the_votes() -> None:
    cast = votes("abbba=bb-abbbbbbab=bbbbbbbbbab" * 2, ("a", "b"))
    for planned in (15, 30, 60):
        first = cast[:planned]
        shuffled = random.Random(planned).sample(first, planned)
        found, again = (comparison.evidence(running(planned, closed="x"), each) for each in (first, shuffled))
        assert again == found
    close = "bbbbbbbaaa" * 2 + "bbbbbbbbaa"  # 22 of 30
    first, between = "=" * 30 + close, "".join(f"{vote}=" for vote in close)
    assert comparison.evidence(running(), votes(first)) == comparison.evidence(running(), votes(between))


def test_the_best_of_three_must_beat_each_of_the_others_at_a_stricter_level() -> None:
    shown = ("a", "b", "c")
    found = comparison.evidence(running(15, shown), votes("a" * 10 + "bbbc=", shown))
    duels = [(duel.rival, duel.wins, duel.losses, duel.needed, duel.proven) for duel in found.duels]
    assert duels == [("b", 10, 3, 11, False), ("c", 10, 1, 10, True)]
    assert (found.code, found.leader) == ("no_difference", "a")
    assert found.strengths is not None
    assert [place.variant for place in found.strengths.places] == ["a", "b", "c"]
    won = comparison.evidence(running(15, shown), votes("a" * 13 + "bc", shown))
    assert (won.code, won.places[0]) == ("proven", Place(variant="a", shown=15, chosen=13))


@pytest.mark.slow
def test_where_three_are_equally_good_one_is_called_best_in_less_than_five_of_a_hundred_votes() -> None:
    shown, wrong = ("a", "b", "c"), 0.0
    for a in range(6, 16):  # who leads has at least a third; each of the three as often
        for b in range(16 - a):
            cast = "a" * a + "b" * b + "c" * (15 - a - b)
            found = comparison.evidence(running(15, shown), votes(cast, shown))
            ways = math.comb(15, a) * math.comb(15 - a, b)
            wrong += 3 * ways / 3**15 * (found.code == "proven" and found.leader == "a")
    assert 0.001 < wrong < 0.05


def test_many_votes_on_few_questions_are_said_to_be_that() -> None:
    cast = [
        vote.model_copy(update={"question": f"q{n % 5}", "voter": f"v{n // 5}"})
        for n, vote in enumerate(votes("bbbba" * 3))
    ]
    found = comparison.evidence(running(15), cast)
    assert (found.code, found.repeated, found.questions, found.for_leader) == ("proven", True, 5, 4)
    assert found.agreement is not None
    assert (found.agreement.voters, found.agreement.alpha) == (3, 1.0)
    assert "evidence.repeated" in [key for key, _ in said.remarks(found)]


# ---- the vote itself


def test_a_vote_uses_the_answers_of_the_last_test_and_shuffles_its_sides(tmp_path: Path) -> None:
    made = shop(tmp_path, questions=40)
    round = begin(made)
    assert (len(round.ballots), round.identities, made.store.get(Round, round.id)) == (
        40, {"a": "gguf:m", "b": "gguf:m"}, round,
    )  # fmt: skip
    orders = [comparison.order(round, ballot.question) for ballot in round.ballots]
    assert 10 < orders.count((0, 1)) < 30
    assert orders == [comparison.order(round, ballot.question) for ballot in round.ballots]
    assert orders != [comparison.order(round, ballot.question, "someone else") for ballot in round.ballots]
    with pytest.raises(Refused, match="round_open"):
        begin(made)


def test_a_question_of_an_open_vote_is_not_asked_with_names_in_sight(tmp_path: Path) -> None:
    made = shop(tmp_path)
    round = begin(made)
    comparison.refuse_sealed(made, "Something else?")
    for asked in ("Question 3?", " question  3? "):
        with pytest.raises(Refused, match="question_sealed"):
            comparison.refuse_sealed(made, asked)
    comparison.close(made, round)
    comparison.refuse_sealed(made, "Question 3?")


def test_a_letter_stands_for_the_side_that_was_seen(tmp_path: Path) -> None:
    made = shop(tmp_path)
    round = begin(made)
    for ballot in comparison.waiting(round, []):
        shown = comparison.sides(made, round, ballot, "v")
        vote = comparison.cast(made, round, ballot.question, "B", voter="v", seconds=4.26)
        assert (vote.winner, vote.shown, vote.answers) == (
            shown[1].variant, tuple(each.variant for each in shown), tuple(each.id for each in shown),
        )  # fmt: skip
        assert (vote.lengths, vote.seconds) == (tuple(len(each.text.split()) for each in shown), 4.3)
    assert comparison.waiting(round, comparison.votes_of(made, round), "v") == ()
    assert len(comparison.waiting(round, comparison.votes_of(made, round), "")) == 6


def test_a_second_thought_replaces_the_first_and_the_end_is_the_end(tmp_path: Path) -> None:
    made = shop(tmp_path)
    round = begin(made)
    question = round.ballots[0].question
    for choice in ("A", "neither", "equal"):
        comparison.cast(made, round, question, choice)
    (vote,) = comparison.votes_of(made, round)
    assert (vote.winner, vote.equal) == (None, True)
    closed = comparison.close(made, round)
    assert (comparison.current(made), comparison.last(made)) == (None, closed)
    for choice in ("A", "X"):
        with pytest.raises(Refused, match="round_closed"):
            comparison.cast(made, closed, question, choice)


@pytest.mark.parametrize(("question", "choice", "error"), [("Question 0?", "C", BadInput), ("?", "A", NotFound)])
def test_what_was_not_on_the_page_cannot_be_chosen(
    tmp_path: Path, question: str, choice: str, error: type[StudioError]
) -> None:
    made = shop(tmp_path)
    with pytest.raises(error):
        comparison.cast(made, begin(made), question, choice)


def test_a_vote_needs_two_to_four_that_were_tested_together(tmp_path: Path) -> None:
    made = shop(tmp_path, variants="abcde")
    for sides in (made.variants()[:1], made.variants(), made.variants()[:1] * 2):
        with pytest.raises(BadInput, match="round_sides"):
            comparison.begin(made, sides, ENGINE)
    with pytest.raises(BadInput, match="round_planned"):
        comparison.begin(made, made.variants()[:2], ENGINE, planned=16)
    made.store.put(Variant(id="new", approach="whole", model="m"))
    with pytest.raises(NotEnough, match="round_untested"):
        comparison.begin(made, [made.variant("a"), made.variant("new")], ENGINE)


# ---- who really answered


@pytest.mark.parametrize(
    ("variant", "given"),
    [
        (Variant(id="a", approach="plain", model="m"), answer("b", "?")),
        (Variant(id="a", approach="plain", model="m"), answer("a", "?", spoken_by="gguf:other")),
        (Variant(id="a", approach="trained", model="m", adapter="models/t1"), answer("a", "?")),
        (Variant(id="a", approach="plain", model="m"), answer("a", "?", spoken_by="gguf:m+t1")),
    ],
    ids=["another assistant's", "another model", "without its adapter", "with an adapter it has not"],
)
def test_an_answer_of_another_model_or_adapter_is_refused_with_a_sentence(
    tmp_path: Path, variant: Variant, given: Answer
) -> None:
    made = projects.create(tmp_path, "Shop")
    with pytest.raises(Refused) as refused:
        comparison.verify(made, variant, given, ENGINE)
    assert refused.value.code == "wrong_side"
    assert "does not come from the assistant" in words.of_fault(refused.value, words.translator("en"))


def test_what_no_model_spoke_and_what_another_server_said_cannot_be_checked(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Shop")
    plain = Variant(id="a", approach="plain", model="m")
    assert [comparison.verify(made, plain, answer("a", "?", spoken_by=by), ENGINE) for by in ("", "fp_1")] == [
        "",
        "fp_1",
    ]


def test_a_question_with_an_answer_from_elsewhere_is_not_put_to_the_vote(tmp_path: Path) -> None:
    made = shop(tmp_path)
    round = begin(made)
    with pytest.raises(Refused, match="wrong_side"):
        comparison.add(made, round, "New?", [answer("a", "New?", spoken_by="gguf:x"), answer("b", "New?")], ENGINE)
    with pytest.raises(BadInput, match="answers_mixed"):
        comparison.add(made, round, "New?", [answer("a", "New?")], ENGINE)
    grown = comparison.add(made, round, "New?", [answer("b", "New?"), answer("a", "New?")], ENGINE)
    assert [each.question for each in grown.ballots][-1] == "New?"
    first = made.store.get(Answer, grown.ballots[-1].answers[0])
    assert first is not None
    assert first.variant == "a"


# ---- invitations


def test_a_link_opens_one_round_until_it_is_withdrawn(tmp_path: Path) -> None:
    made = shop(tmp_path)
    round = begin(made)
    invited = comparison.invite(made, round, "  Marta ")
    signed = comparison.signature(made.id, invited.id, KEY)
    assert invited.name == "Marta"
    assert comparison.admitted(made, invited.id, signed, KEY) == (invited, round)
    for id, signature, key in (
        (invited.id, signed[:-1] + "x", KEY), (invited.id, signed, b"other"), ("0" * 12, signed, KEY),
        ("0" * 12, comparison.signature(made.id, "0" * 12, KEY), KEY),
    ):  # fmt: skip
        with pytest.raises(NotFound, match="invitation_missing"):
            comparison.admitted(made, id, signature, key)
    comparison.revoke(made, invited.id)
    with pytest.raises(NotFound, match="invitation_missing"):
        comparison.admitted(made, invited.id, signed, KEY)
    assert signed not in (made.folder / "studio.db").read_bytes().decode("latin-1")
    comparison.close(made, round)
    with pytest.raises(Refused, match="round_closed"):
        comparison.invite(made, comparison.last(made) or round)
    assert [type(each) for each in comparison.invited(made, round)] == [Invitation]


# ---- the record


def closed(tmp_path: Path) -> tuple[Project, Round]:
    made = shop(tmp_path, questions=15)
    round = begin(made)
    invited = comparison.invite(made, round, "Marta <b>")
    for at, ballot in enumerate(round.ballots):
        voter = invited.id if at % 2 else ""
        shown = [each.variant for each in comparison.sides(made, round, ballot, voter)]
        comparison.cast(made, round, ballot.question, "equal" if at == 14 else "AB"[shown.index("b")], voter=voter)
    return made, round


def test_the_record_holds_everything_the_vote_rested_on(tmp_path: Path) -> None:
    made, round = closed(tmp_path)
    with pytest.raises(BadInput, match="round_running"):
        acceptance.acceptance(made, round)
    facts = acceptance.acceptance(made, comparison.close(made, round))
    assert [(each.id, each.spoken_by, each.chosen) for each in facts.contenders] == [
        ("a", "gguf:m", 0),
        ("b", "gguf:m", 14),
    ]
    assert [(name, n) for _, name, n in facts.voters] == [("", 8), ("Marta <b>", 7)]
    assert (facts.evidence.code, len(facts.asked), len(facts.votes), facts.looks) == ("proven", 15, 15, (15,))
    again = acceptance.acceptance(made, facts.round, made="2030-01-01T00:00:00+00:00")
    assert again.digest == facts.digest  # the same facts at another time
    made.store.put(facts.votes[0].model_copy(update={"winner": "a"}))
    assert acceptance.acceptance(made, facts.round).digest != facts.digest


def test_an_empty_vote_has_no_record(tmp_path: Path) -> None:
    made = shop(tmp_path)
    with pytest.raises(BadInput, match="round_empty"):
        acceptance.acceptance(made, comparison.close(made, begin(made)))


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_record_is_written_in_both_languages_and_escapes_what_people_typed(tmp_path: Path, language: Any) -> None:
    made, round = closed(tmp_path)
    facts = acceptance.acceptance(made, comparison.close(made, round))
    t = words.translator(language)
    page = certificate.html(facts, t, language)
    first = facts.evidence.first_side
    assert first is not None
    share = t("record.interval", **{name: int(100 * value + 0.5) for name, value in first.model_dump().items()})
    assert t("record.first_side", share=share, even=50) in page
    for part in (t("record.title"), "Marta &lt;b&gt;", facts.digest, "gguf:m", "Question 14?", "14"):
        assert part in page
    assert "<b>" not in page
    assert {block.kind for block in certificate.blocks(facts, t)} == {
        "title",
        "heading",
        "verdict",
        "text",
        "table",
        "sign",
    }


@pytest.mark.slow
def test_the_record_is_a_pdf_with_the_same_words(tmp_path: Path) -> None:
    import pypdfium2

    made, round = closed(tmp_path)
    facts = acceptance.acceptance(made, comparison.close(made, round))
    document = pypdfium2.PdfDocument(certificate.pdf(facts, words.translator("es"), "es"))
    text = " ".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    for part in ("Acta de aceptación", "14 de 14 prefieren Búsqueda + respuesta", "Question 14?", facts.digest[:20]):
        assert part in " ".join(text.split())


# ---- with the names in sight


def test_a_choice_with_the_names_in_sight_is_kept_and_counted_apart(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Shop")
    answers = [Answer(variant=v, question="When?", text=v) for v in ("a", "b")]
    vote = comparison.choose(project, "When?", answers, "b")
    assert project.store.all(Vote) == [vote]
    assert project.store.get(Answer, vote.answers[1]) == answers[1]
    with pytest.raises(BadInput, match="winner_not_shown"):
        comparison.choose(project, "When?", answers, "c")
    again = Vote(question="When?", shown=("a", "b"), winner="a")
    counted = (Place(variant="a", shown=1, chosen=1), Place(variant="b", shown=1, chosen=0))
    assert comparison.tally([vote, again, *votes("bbb")]) == counted
