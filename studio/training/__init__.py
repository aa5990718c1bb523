"""Examples teach a model: a recipe chosen for them, and the training itself.

`plan` says what will be done, why, and what it costs; it loads no heavy library. `train` does it: Unsloth puts a LoRA
adapter on the model and learns the answers of the examples, and nothing but the answers. Rooms to the right never see a
tensor.
"""

from studio.training.learning import prepare_environment, train
from studio.training.planning import Effort, Plan, plan

__all__ = ["Effort", "Plan", "plan", "prepare_environment", "train"]
