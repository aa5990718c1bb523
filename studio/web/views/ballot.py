"""Answers without names: the voting page, and the same cards on the Compare page. No name and no id of an assistant is in
here, and nothing that gives it away: no sources, no seconds, no marks.
"""

import hashlib
import time

from studio import comparison
from studio.answering import without_markers
from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.records import Answer, Ballot, Round
from studio.web.voice import Voice

EVEN = ("equal", "neither")


def page(project: Project, round: Round, voice: Voice, voter: str = "", name: str = "", back: str = "") -> str:
    """The next question this voter has not voted on; thanks when there is none, or when the vote is over."""
    votes = comparison.votes_of(project, round)
    waiting = () if round.closed else comparison.waiting(round, votes, voter)
    shown = next((found for each in waiting if (found := _shown(project, round, each, voter, voice))), None)
    return voice.html(
        "vote.html",
        name=name,
        back=back,
        done=len(round.ballots) - len(waiting),
        of=len(round.ballots),
        closed=bool(round.closed),
        ballot=shown,
        now=int(time.time()),
        choices=choices(len(round.variants), voice),
    )


def blind(project: Project, round: Round, ballot: Ballot, voice: Voice) -> str:
    """The cards on the Compare page, with what was voted on them."""
    vote = next(
        (each for each in comparison.votes_of(project, round) if each.question == ballot.question and not each.voter),
        None,
    )
    chosen = ""
    if vote is not None:
        chosen = "equal" if vote.equal else "neither"
        if vote.winner is not None:
            chosen = comparison.LETTERS[vote.shown.index(vote.winner)]
    return voice.html(
        "blind.html",
        ballot=_shown(project, round, ballot, "", voice),
        choices=choices(len(round.variants), voice),
        chosen=chosen,
        busy=False,
        sides=[],
    )


def writing(sides: int, voice: Voice) -> str:
    """While they write: nothing of what they say, for the quick one would be known by it."""
    letters = comparison.LETTERS[:sides]
    return voice.html("blind.html", ballot=None, choices=[], chosen="", busy=True, sides=letters)


def shut(voice: Voice, sentence: str = "") -> str:
    """A link that opens nothing (any more)."""
    return voice.html("vote_shut.html", sentence=sentence or voice.t("vote.shut"))


def choices(sides: int, voice: Voice) -> list[tuple[str, str, str, str]]:
    """What can be chosen: value, label, the key that is shown, and the keys that choose it."""
    arrows = {"A": "ArrowLeft", "B": "ArrowRight", "equal": "ArrowUp", "neither": "ArrowDown"} if sides == 2 else {}
    signs = {"ArrowLeft": "←", "ArrowRight": "→", "ArrowUp": "↑", "ArrowDown": "↓"}
    made = []
    for at, value in enumerate((*comparison.LETTERS[:sides], *EVEN), start=1):
        label = voice.t(f"vote.{value}") if value in EVEN else voice.t("vote.side", side=value)
        arrow = arrows.get(value, "")
        made.append((value, label, f"{at} {signs[arrow]}" if arrow else f"{at}", f"{at} {arrow}".strip()))
    return made


def mark(ballot: Ballot) -> str:
    """What stands for a question in a form."""
    return hashlib.sha256(ballot.question.encode()).hexdigest()[:16]


def text(answer: Answer, voice: Voice) -> str:
    return without_markers(answer.text).strip() or voice.t("answer.not_found")


def _shown(project: Project, round: Round, ballot: Ballot, voter: str, voice: Voice) -> dict[str, object] | None:
    """None when an answer is gone, for what it rested on was removed."""
    try:
        answers = comparison.sides(project, round, ballot, voter)
    except NotFound:
        return None
    texts = [text(answer, voice) for answer in answers]
    return {
        "mark": mark(ballot),
        "question": ballot.question,
        "sides": list(zip(comparison.LETTERS, texts, strict=False)),
    }
