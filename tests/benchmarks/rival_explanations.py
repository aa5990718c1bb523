"""The usual ways to explain a generated answer: plain `shap.Explainer(model, tokenizer)`, and Captum's Shapley sampling.

PYTHON_WITH_CAPTUM -m tests.benchmarks.rival_explanations WEIGHTS DTYPE QUESTIONS      (asked by bench_explanation)
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

EVALUATIONS = 500  # plain shap's own default for text
SAMPLES = 25  # Captum's own default
PLAIN_TIMED = 3


class Plain:
    """shap's documented way for a text generating model: its own masker, explainer and function; the whole prompt plays."""

    def __init__(self, tokenizer: Any, prompt: str) -> None:
        from studio.explanation.estimating import library

        self.shap, self.tokenizer, self.prompt = library(), tokenizer, prompt
        self.masker = self.shap.maskers.Text(tokenizer, mask_token="...", collapse_mask_token=True)

    def on_characters(self, score: Any, evaluations: int = EVALUATIONS) -> Any:
        """What its explainer makes of them, a token's value spread over its characters; `score` takes prompts."""
        explainer = self.shap.explainers.PartitionExplainer(lambda prompts: np.array(score(list(prompts))), self.masker)
        values = explainer([self.prompt], max_evals=evaluations, silent=True).values[0]
        spread = np.zeros(len(self.prompt))
        offsets = self.tokenizer(self.prompt, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        for (start, end), value in zip(offsets, values, strict=True):
            spread[start:end] = value / max(end - start, 1)
        return spread

    def seconds(self, model: Any, answer: str) -> float:
        """CPU seconds of one evaluation, of prompts with half of the tokens masked, as its explainer's are on average."""

        def single(_model: Any, _given: Any, out: Any) -> Any:  # numpy knows no bfloat16: what goes to it is cast
            out["logits"] = out["logits"].float()
            return out

        forced = self.shap.models.TeacherForcing(model, self.tokenizer)
        hook = model.register_forward_hook(single)
        kept = np.random.default_rng(0).random((PLAIN_TIMED, self.masker.shape(self.prompt)[1])) < 0.5
        some = [self.masker(row, self.prompt)[0][0] for row in kept]
        forced(np.array(some[:1]), np.array([answer]))
        begun = time.process_time()
        for prompt in some:
            forced(np.array([prompt]), np.array([answer]))
        used = time.process_time() - begun
        hook.remove()
        return used / len(some)


def captum_sampling(weights: Path, dtype: str, questions: int) -> list[float]:
    """CPU seconds of one sampled order over the words of each question, all other settings as they come but one: with
    `forward_in_tokens` it reads everything again for each answer token under this transformers, 45 times as much.
    """
    import torch
    from captum.attr import LLMAttribution, ShapleyValueSampling, TextTemplateInput
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tests.benchmarks.explanation_questions import QUESTIONS

    torch.set_num_threads(1)
    model: Any = AutoModelForCausalLM.from_pretrained(weights, dtype=getattr(torch, dtype)).eval()
    tokenizer = AutoTokenizer.from_pretrained(weights)
    method = LLMAttribution(ShapleyValueSampling(model), tokenizer)
    used = []
    for asked in QUESTIONS[:questions]:
        words = asked.question.split()
        content = asked.prompt.replace(asked.question, " ".join(["{}"] * len(words)))
        message = [{"role": "user", "content": content}]
        template = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        given = TextTemplateInput(template=template, values=words)
        begun = time.process_time()
        method.attribute(given, target=asked.said, n_samples=1, forward_in_tokens=False)
        used.append(time.process_time() - begun)
    return used


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights", type=Path)
    parser.add_argument("dtype")
    parser.add_argument("questions", type=int)
    asked = parser.parse_args()
    print(json.dumps(captum_sampling(asked.weights, asked.dtype, asked.questions)))


if __name__ == "__main__":
    main()
