"""What a person orders, turned into a run: one place for the web and the command line, so that both ask for the same.

It gathers what a request needs (model, recipe, fingerprint of the material) and puts it into the queue; it does no work.
What does stands in `studio.work`, in a file of the same name.
"""

from studio.orders.building import advise, build
from studio.orders.chosen import assistants, model_of
from studio.orders.explaining import explain, mend
from studio.orders.learning import offer, outlook, plan, prefer, rehearse, seek, turn
from studio.orders.leaving import discard, export, push
from studio.orders.material import check, draft, fetch, read_again, remove, repair, take_in, undo
from studio.orders.measuring import character, evaluate, judge, judges
from studio.orders.searching import attune, calibrate, choose_embedder, choose_reranker

__all__ = [
    "advise", "assistants", "attune", "build", "calibrate", "character", "check", "choose_embedder", "choose_reranker",
    "discard", "draft", "evaluate", "explain", "export", "fetch", "judge", "judges", "mend", "model_of", "offer",
    "outlook", "plan", "prefer", "push", "read_again", "rehearse", "remove", "repair", "seek", "take_in", "turn",
    "undo",
]  # fmt: skip
