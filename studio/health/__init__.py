"""Look the material over before anything is built from it.

`check` is pure: documents, examples and test questions in, findings out; a code, how serious, how many, where, and which
repairs there are. `report` keeps what it found; `repair` and `undo` are the only ones that change the material. Nothing
is worded here.
"""

from studio.health.checking import SEVERITY, check
from studio.health.mending import repair, undo
from studio.health.repairs import REPAIRS, Material, Repairer
from studio.health.reporting import report

__all__ = ["REPAIRS", "SEVERITY", "Material", "Repairer", "check", "repair", "report", "undo"]
