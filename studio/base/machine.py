"""What this machine can do: cores, memory, disk, graphics card. Read, never remembered; no heavy library is asked."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import psutil

from studio.base.records import Record


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


def _processor_flags() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _gpu() -> Gpu | None:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    query = [tool, "--query-gpu=name,memory.total,memory.free,power.limit", "--format=csv,noheader,nounits"]
    try:
        line = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return None
    name, total, free, limit = (part.strip() for part in line.rsplit(",", 3))
    return Gpu(
        name=name,
        memory_gb=round(float(total) * 1.048576e6 / 1e9, 1),
        free_gb=round(float(free) * 1.048576e6 / 1e9, 1),
        watts=float(limit) if limit.replace(".", "", 1).isdigit() else 0.0,
    )
