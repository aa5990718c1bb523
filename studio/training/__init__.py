"""Examples teach a model: a recipe chosen for them, and the training itself.

`offer` says what will be done, why, and what it costs; it loads no heavy library. `rehearse` measures it, `train` does it:
Unsloth loads the model, which learns the answers of the examples and nothing but the answers. Rooms to the right never see
a tensor.
"""

from studio.training.checkpoints import resumable
from studio.training.learning import Given, rehearse, stages, train
from studio.training.loading import prepare_environment
from studio.training.offering import Offer, offer, read_dials, read_recipe
from studio.training.outlooks import Outlook, outlook, pace
from studio.training.pacing import PACES, Cost
from studio.training.planning import Effort, Plan, plan
from studio.training.preferring import NEEDED, Pair, Start, prefer, recipe_of
from studio.training.seeking import seek

__all__ = [
    "NEEDED",
    "PACES",
    "Cost",
    "Effort",
    "Given",
    "Offer",
    "Outlook",
    "Pair",
    "Plan",
    "Start",
    "offer",
    "outlook",
    "pace",
    "plan",
    "prefer",
    "prepare_environment",
    "read_dials",
    "read_recipe",
    "recipe_of",
    "rehearse",
    "resumable",
    "seek",
    "stages",
    "train",
]
