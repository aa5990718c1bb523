"""What this machine can do: cores, memory, disk, graphics card. Read, never remembered; no heavy library is asked."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import psutil

from studio.base.records import Record

OLDEST_CARD = (
    7.5  # compute capability; the PyTorch that launch.py installs has no kernels for older ones (before Turing)
)


class Gpu(Record):
    """`watts` is the card's power limit; 0 where it does not say."""

    name: str
    memory_gb: float
    free_gb: float
    watts: float = 0.0


class Machine(Record):
    """Sizes in decimal gigabytes. `bf16` says whether the processor multiplies bfloat16 natively."""

    system: str
    processor: str
    cores: int
    memory_gb: float
    free_memory_gb: float
    free_disk_gb: float
    bf16: bool = False
    gpu: Gpu | None = None


def look(folder: Path) -> Machine:
    """This machine as it is now; `folder` says which disk is meant."""
    memory = psutil.virtual_memory()
    flags = _processor_flags()
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=flags.get("model name", platform.processor() or platform.machine()),
        cores=cores(),
        memory_gb=round(memory.total / 1e9, 1),
        free_memory_gb=round(memory.available / 1e9, 1),
        free_disk_gb=round(shutil.disk_usage(folder).free / 1e9, 1),
        bf16=any(flag in flags.get("flags", "") for flag in ("avx512_bf16", "amx_bf16")),
        gpu=_gpu(),
    )


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_for_heavy_work(wanted: int = 0) -> int:
    """All cores when nobody else is busy, one less otherwise: threads that wait spinning on a busy core cost more than
    they bring.
    """
    if wanted:
        return wanted
    busy = psutil.cpu_percent(interval=0.2) / 100 * cores()
    return cores() if busy < 0.5 or cores() == 1 else max(cores() - 1, 1)


def card() -> str | None:
    """Which card this process may use, as CUDA and `nvidia-smi` number them: the first; None where all are hidden."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    return None if seen in ("", "-1") else seen


def _processor_flags() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _gpu() -> Gpu | None:
    tool, seen = shutil.which("nvidia-smi"), card()
    if tool is None or seen is None:
        return None
    fields = "name,memory.total,memory.free,power.limit,compute_cap"
    query = [tool, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    if seen.isdigit():  # parts of a card have names that it does not take
        query.append(f"--id={seen}")
    try:
        line = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return None
    name, total, free, limit, able = (part.strip() for part in line.rsplit(",", 4))
    if float(able) < OLDEST_CARD:
        return None
    memory = psutil.virtual_memory()
    return Gpu(
        name=name,
        memory_gb=_gigabytes(total, memory.total),
        free_gb=_gigabytes(free, memory.available),
        watts=float(limit) if limit.replace(".", "", 1).isdigit() else 0.0,
    )


def _gigabytes(mebibytes: str, shared: int) -> float:
    """A card that works in the machine's own memory (GB10) says "[N/A]" of its own: then it is the `shared` bytes."""
    size = float(mebibytes) * 1.048576e6 if mebibytes.replace(".", "", 1).isdigit() else shared
    return round(size / 1e9, 1)
