"""What people say about answers becomes material: a correction is kept, and on request it is an example to learn from.

Nothing is learnt in silence: an example made from a correction carries where it came from.
"""

import hashlib

from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Example, Feedback, Graded, Message, Scorecard

SOURCE = "corrections"


def correct(project: Project, question: str, correction: str, *, answer: str = "", variant: str = "") -> Feedback:
    """Keep what the answer should have been. Raises BadInput when either text is empty."""
    question, correction = question.strip(), correction.strip()
    if not question or not correction:
        raise BadInput("correction_empty")
    feedback = Feedback(question=question, answer=answer, correction=correction, variant=variant, good=False)
    project.store.put(feedback)
    return feedback


def accept(project: Project, feedback: Feedback) -> Example:
    """Make a correction an example of the next build; accepting it twice makes one example."""
    id = hashlib.sha256(f"{SOURCE}\n{feedback.question}".encode()).hexdigest()[:12]
    messages = (
        Message(role="user", content=feedback.question),
        Message(role="assistant", content=feedback.correction),
    )
    example = Example(id=id, messages=messages, source=SOURCE)
    project.store.put_examples([example])
    project.store.put(feedback.model_copy(update={"used": True}))
    project.store.remember("correction_accepted", question=feedback.question[:200])
    return example


def waiting(project: Project) -> list[Feedback]:
    """Corrections nobody has accepted yet, the oldest first."""
    return [feedback for feedback in project.store.all(Feedback) if feedback.correction and not feedback.used]


def weak(scorecard: Scorecard, variant: str) -> list[Graded]:
    """The test questions this variant answered wrong, those that miss the most facts first."""
    graded = next((scores.graded for scores in scorecard.variants if scores.variant == variant), ())
    return sorted((g for g in graded if not g.right), key=lambda g: -len(g.missing))
