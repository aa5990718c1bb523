"""Which function does a run of which kind."""

from studio.base import recipes
from studio.base.errors import NotFound
from studio.base.records import Outcome
from studio.work import Work, building, explaining, learning, leaving, material, measuring, searching


def do(work: Work, kind: str, asked: object) -> Outcome:
    """What was asked for, done. `asked` is the request as it stands in `run.json`."""
    match kind:
        case "intake":
            return material.intake(work, recipes.IntakeRequest.model_validate(asked))
        case "check":
            return material.check(work, recipes.CheckRequest.model_validate(asked))
        case "draft":
            return material.draft(work, recipes.DraftRequest.model_validate(asked))
        case "calibrate":
            return searching.calibrate(work, recipes.CalibrateRequest.model_validate(asked))
        case "attune":
            return searching.attune(work, recipes.AttuneRequest.model_validate(asked))
        case "prefer":
            return learning.prefer(work, recipes.PreferRequest.model_validate(asked))
        case "fetch":
            return searching.fetch(work, recipes.FetchRequest.model_validate(asked))
        case "build":
            return building.build(work, recipes.BuildRequest.model_validate(asked))
        case "rehearse":
            return learning.rehearse(work, recipes.RehearseRequest.model_validate(asked))
        case "seek":
            return learning.seek(work, recipes.SeekRequest.model_validate(asked))
        case "evaluate":
            return measuring.evaluate(work, recipes.EvaluateRequest.model_validate(asked))
        case "character":
            return measuring.character(work, recipes.CharacterRequest.model_validate(asked))
        case "judge":
            return measuring.judge(work, recipes.JudgeRequest.model_validate(asked))
        case "explain":
            return explaining.explain(work, recipes.ExplainRequest.model_validate(asked))
        case "export":
            return leaving.export(work, recipes.ExportRequest.model_validate(asked))
        case "push":
            return leaving.push(work, recipes.PushRequest.model_validate(asked))
        case _:
            raise NotFound("run_missing", name=kind)
