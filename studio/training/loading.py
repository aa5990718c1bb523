"""The model that learns, as Unsloth loads it: which of its weights move, in which precision, and how it is asked.

The one place that knows libraries and devices; courses and checks see a `Learner`. Unsloth changes transformers for good
and must be imported before it, so a process trains one model.
"""

import gc
import importlib.util
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psutil

from studio.base import machine
from studio.base.errors import NotFound, NotPossibleHere
from studio.base.recipes import TrainingRecipe
from studio.training import fitting, planning
from studio.training.attention import ATTENTION, Fed, Packed, attend

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SHORT = 256
"""Tokens of a row up to which attention is plain matrix products on a processor. Torch's fused kernel saves memory that
short rows do not need, and is slow on their way back: a layer of the 135M starter takes 28 ms with it and 7 without, forth
and back, for 8 rows of 52 tokens, 21 and 16 for 2 of 256, 31 and 53 for one of 512 (bf16, a core with AMX; 2026-11-22)."""

_LAYER = re.compile(r"\blayers\.(\d+)\.")
_CARDS = re.compile(r"^(cuda|hip|xpu)\b.*= '", re.MULTILINE)  # what torch's version.py says of cards it was built for


@dataclass
class Learner:
    """A model ready to learn. `moving` are the weights that change, by name; `adapter` is PEFT's configuration of them,
    None when layers learn themselves. `tokens` is how many go through at once.
    """

    model: Any
    tokenizer: "PreTrainedTokenizerBase"
    device: str
    autocast: Any  # torch.dtype or None
    scaled: bool  # float16 gradients need scaling
    adapter: Any
    tokens: int
    parameters: int
    own_forward: bool = True  # whether it is transformers' and no kernel for cards, which knows one attention alone
    packs: bool = False  # whether rows go through packed, as `packing.choose` found
    still: int = 0  # the lowest layers, none of whose weights moves
    below: "dict[tuple[int, ...], torch.Tensor] | None" = None  # what these make of rows (tokens, width), if it is kept
    moving: "dict[str, torch.Tensor]" = field(default_factory=dict)
    first: "dict[str, torch.Tensor]" = field(default_factory=dict)  # `moving` before anything was learnt

    def remember(self) -> None:
        """Keep the weights as they are, so that `forget` can bring them back."""
        self.first = {name: tensor.detach().clone() for name, tensor in self.moving.items()}

    def forget(self) -> None:
        """The weights as they were before anything was learnt."""
        self.put(self.first)

    @contextmanager
    def untaught(self) -> Iterator[None]:
        """The model as it was before it had an adapter; layers that learn themselves stay as they are."""
        if self.adapter is None:
            yield
            return
        with self.model.disable_adapter():
            yield

    def put(self, weights: "Mapping[str, torch.Tensor]") -> None:
        import torch

        with torch.no_grad():
            for name, tensor in self.moving.items():
                tensor.copy_(weights[name])

    def logits(self, fed: Fed) -> "torch.Tensor":
        """What the model expects before every token that is learnt, and nowhere else: a vocabulary is wide, and questions
        are only read.
        """
        import torch

        last = self.last(fed)
        with torch.autocast(self.device, dtype=self.autocast, enabled=self.autocast is not None):
            return self.expects(last)

    def last(self, fed: Fed) -> "torch.Tensor":
        """What the last layer holds before every token that is learnt; (tokens, width)."""
        hidden = self.hidden(fed)
        return hidden.reshape(-1, hidden.shape[-1])[fed.where]

    def head(self) -> "torch.Tensor | None":
        """The vocabulary (words, width), where logits are the product with it and nothing else, and it does not learn; in
        float16 small gradients would be lost that are scaled only afterwards."""
        import torch

        base = self._base()
        plain = type(base.lm_head) is torch.nn.Linear and base.lm_head.bias is None and not self.scaled
        weight: torch.Tensor = base.lm_head.weight
        bent = any(getattr(base.config, name, None) for name in ("logits_scaling", "final_logit_softcapping"))
        fits = plain and not bent and not weight.requires_grad and weight.dtype == (self.autocast or weight.dtype)
        return weight if fits else None

    def hidden(self, fed: Fed, lowest: bool = False) -> "torch.Tensor":
        """What the last layer makes of the tokens, or the last of the `lowest`, which do not move; (rows, tokens, width)."""
        import torch

        model = self._base().model
        given = {"input_ids": fed.ids} if fed.below is None else {"inputs_embeds": fed.below}
        layers, norm = model.layers, model.norm
        with (
            torch.autocast(self.device, dtype=self.autocast, enabled=self.autocast is not None),
            self._attention(model.config, fed.mask.shape[-1], fed.packed) as more,
        ):
            try:
                if lowest:
                    model.layers, model.norm = layers[: self.still], torch.nn.Identity()
                elif fed.below is not None:
                    model.layers = layers[self.still :]
                found = model(**given, attention_mask=fed.mask, use_cache=False, **more).last_hidden_state
            finally:
                model.layers, model.norm = layers, norm
        return cast("torch.Tensor", found)

    def expects(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """Logits [rows, vocabulary] of the next word after what the last layer holds [rows, width]."""
        import torch

        base = self._base()
        found: torch.Tensor = base.lm_head(hidden).float()
        scaling, cap = (getattr(base.config, name, None) for name in ("logits_scaling", "final_logit_softcapping"))
        found = found / scaling if scaling else found  # Granite divides, Gemma 2 bends; see their modelling files
        return torch.tanh(found / cap) * cap if cap else found

    def say(self, prompts: Sequence[Sequence[int]], most: int) -> list[str]:
        """Greedy answers, all at once."""
        import torch

        pad, end = self._pad(), self.tokenizer.eos_token_id
        longest = max(map(len, prompts))
        ids = torch.tensor([[pad] * (longest - len(p)) + list(p) for p in prompts], device=self.device)
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=self.device)
        with self._speaking(), torch.autocast(self.device, dtype=self.autocast, enabled=self.autocast is not None):
            said = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=most,
                do_sample=False,
                pad_token_id=pad,
                eos_token_id=end,
                disable_compile=True,  # on a card some models would be compiled for it: longer than a few answers take
            )
        return [self.tokenizer.decode(line[longest:], skip_special_tokens=True).strip() for line in said]

    def batch(self, rows: Sequence[Sequence[int]], filler: int | None = None) -> "torch.Tensor":
        """Rows of token ids as one tensor, padded behind."""
        import torch

        longest, pad = max(map(len, rows)), self._pad() if filler is None else filler
        return torch.tensor([list(row) + [pad] * (longest - len(row)) for row in rows], device=self.device)

    @contextmanager
    def _attention(self, config: Any, longest: int, packed: "Packed | None") -> Iterator[dict[str, Any]]:
        """The way of attention that suits these rows, and what the model must be told for it."""
        from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

        usual, more = config._attn_implementation, {}  # transformers has no public way to change it for one call
        way = "eager" if self.device == "cpu" and longest <= SHORT else usual
        if packed is not None:
            ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attend)
            more = {"position_ids": packed.positions, "packed": packed, "way": way}
        config._attn_implementation = way if packed is None else ATTENTION
        try:
            yield more
        finally:
            config._attn_implementation = usual

    def memory_gb(self) -> float:
        """What it took of the card so far at most; on a processor, what the process has."""
        import torch

        if self.device == "cuda":
            return float(torch.cuda.max_memory_reserved() / 1e9)
        return psutil.Process().memory_info().rss / 1e9

    def _base(self) -> Any:
        return self.model.get_base_model() if self.adapter is not None else self.model

    def _pad(self) -> int:
        pad, end = self.tokenizer.pad_token_id, self.tokenizer.eos_token_id
        return int(pad if pad is not None else end if end is not None else 0)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        import torch
        from unsloth import FastLanguageModel

        long: dict[str, torch.Tensor] = {}
        if not self.own_forward and self.adapter is None and self.autocast is not None:
            long = {name: tensor.data for name, tensor in self.moving.items()}
        FastLanguageModel.for_inference(self.model)
        try:
            # For cards Unsloth has its own way to speak, which writes products into 16 bits and takes no weights of 32
            # (`fast_linear_forward`, 2026.10.9). A step multiplies in 16 bits as well.
            for name, data in long.items():
                self.moving[name].data = data.to(self.autocast)
            with torch.no_grad():
                yield
        finally:
            for name, data in long.items():
                self.moving[name].data = data
            FastLanguageModel.for_training(self.model)


def prepare_environment(threads: int, folder: Path) -> None:
    """Set what torch and Unsloth read when they are imported. Call it before anything heavy is; `folder` is the run's."""
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    os.environ["UNSLOTH_COMPILE_LOCATION"] = str(folder / "compiled")
    os.environ["UNSLOTH_DISABLE_STATISTICS"] = "1"
    os.environ["UNSLOTH_AUTO_INSTALL"] = "0"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["UNSLOTH_FORCE_GPU_PATH"] = "1"  # on a Mac it would load a model of MLX, not one of torch
    if _for_processors():
        os.environ["UNSLOTH_FORCE_CPU"] = "1"  # it refuses to begin where there is a card that this torch cannot use
    # One card, the one `machine` measures: over several Unsloth spreads a model, and a batch lies on the first.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    os.environ["CUDA_VISIBLE_DEVICES"] = machine.card() or "-1"


def check(recipe: TrainingRecipe, here: machine.Machine) -> None:
    """Raises NotPossibleHere("training_qlora_needs_card", "training_qlora_missing") for what needs a card to be had."""
    if recipe.method != "qlora":
        return
    if here.gpu is None:
        raise NotPossibleHere("training_qlora_needs_card")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise NotPossibleHere("training_qlora_missing")


def load(weights: Path, recipe: TrainingRecipe, threads: int, smaller: int = 1) -> Learner:
    """The model in `weights`, ready to learn as the recipe says. `smaller` divides what goes through it at once.

    Raises NotFound("weights_missing", name=), NotPossibleHere as `check` does, and whatever the libraries raise.
    """
    if not any(weights.glob("*.safetensors")):
        raise NotFound("weights_missing", name=weights.name)
    here = machine.look(weights)
    check(recipe, here)
    import unsloth  # noqa: F401  before torch, transformers and trl, which it changes

    # isort: split
    import torch
    from unsloth import FastLanguageModel

    torch.set_num_threads(threads)
    on_card = torch.cuda.is_available()
    if not on_card:
        here = here.model_copy(update={"gpu": None})
    # Before the weights are there: what a training needs is told with them.
    free = torch.cuda.mem_get_info()[0] / 1e9 if on_card else here.free_memory_gb
    half = (torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16) if on_card else torch.bfloat16
    short = on_card or here.bf16
    model, tokenizer = FastLanguageModel.from_pretrained(
        model_name=str(weights),
        max_seq_length=recipe.max_length,
        dtype=half if short else torch.float32,
        load_in_4bit=recipe.method == "qlora",
        use_gradient_checkpointing=False,
        local_files_only=True,
    )
    parameters = int(model.num_parameters())
    # Gemma 3 and its like overflow in float16: on a card without bfloat16 Unsloth gives them precisions of their own.
    mixed = short and not getattr(model, "_unsloth_forced_float32", False)
    tokens = max(fitting.tokens_at_once(parameters, recipe, here, free) // smaller, 1)
    tight = fitting.memory_gb(parameters, recipe, here, tokens) > fitting.SAFE * free
    if recipe.method in ("lora", "qlora"):
        model = FastLanguageModel.get_peft_model(
            model,
            r=recipe.rank,
            target_modules=list(TARGETS),
            layers_to_transform=upper(model, parameters),
            lora_alpha=2 * recipe.rank,
            lora_dropout=0,
            bias="none",
            use_gradient_checkpointing="unsloth" if tight else False,
            random_state=recipe.seed,
        )
    else:
        _free(model, recipe, tight)
    base = model.get_base_model() if recipe.method in ("lora", "qlora") else model
    moving = {name: tensor for name, tensor in model.named_parameters() if tensor.requires_grad}
    learner = Learner(
        model=model,
        tokenizer=tokenizer,
        device="cuda" if on_card else "cpu",
        autocast=half if mixed else None,
        scaled=mixed and half == torch.float16,
        adapter=model.peft_config["default"] if recipe.method in ("lora", "qlora") else None,
        tokens=tokens,
        parameters=parameters,
        own_forward=base.model.forward.__module__.startswith("transformers.") and mixed == short,
        still=0 if tight else max(min(map(layer, moving)), 0),
        moving=moving,
    )
    if not learner.own_forward:
        # Unsloth cuts rows at `max_seq_length`, and what comes back would not be what was asked for. Not all rows are bound
        # by it: everyday questions are not, nor examples that show what is unlearnt.
        base.model._unsloth_allow_packed_overlength = True
    if learner.own_forward and recipe.method == "lora":
        for module in base.modules():
            if hasattr(module, "lora_A"):
                module.forward = partial(_adapted, module)
    model.train()
    return learner


def give_back(learner: Learner) -> None:
    """Leave the card's memory to other processes: torch keeps it to its own end. The learner is of no use then."""
    import torch

    if learner.device == "cuda":
        learner.model = learner.adapter = learner.below = None
        learner.moving, learner.first = {}, {}
        gc.collect()  # Unsloth binds the model to functions of its own
        torch.cuda.empty_cache()


def layer(name: str) -> int:
    """Which layer of the model a weight belongs to."""
    found = _LAYER.search(name)
    return int(found[1]) if found else -1


def upper(model: Any, parameters: int) -> list[int] | None:
    """The layers an adapter goes into: of a small model the upper half, else all (None)."""
    count = int(model.config.num_hidden_layers)
    return list(range(count // 2, count)) if parameters <= planning.UPPER_HALF else None


def _for_processors() -> bool:
    """Whether torch was built for processors alone. Read, not asked: Unsloth is imported before it."""
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        return False
    return not _CARDS.search(Path(torch.origin).with_name("version.py").read_text(encoding="utf-8"))


def _adapted(module: Any, x: "torch.Tensor") -> "torch.Tensor":
    """y = W x + scale B A x as PEFT has it, but what comes in is not taken to 32 bits and back, and the second part is added
    where the first one lies.
    """
    import torch

    if module.disable_adapters:
        found: torch.Tensor = module.base_layer(x)
        return found
    (name,) = module.lora_A
    y, low = module.base_layer(x), module.lora_A[name](x)
    back = (module.lora_B[name].weight * module.scaling[name]).t()
    return torch.addmm(y.flatten(0, -2), low.flatten(0, -2), back).view_as(y)


def _free(model: Any, recipe: TrainingRecipe, tight: bool) -> None:
    """Let the linear weights of all layers (or the last ones) learn, in 32 bits: steps are too small for fewer.

    Vocabulary and norms stay: they cannot be told as a difference that every engine can put on and off.
    """
    import torch

    last = int(model.config.num_hidden_layers)
    from_layer = 0 if recipe.method == "full" else max(last - recipe.layers, 0)
    for name, tensor in model.named_parameters():
        learns = name.endswith(tuple(f"{target}.weight" for target in TARGETS)) and layer(name) >= from_layer
        tensor.requires_grad_(learns)
        if learns:
            tensor.data = tensor.data.to(torch.float32)
    if tight:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
