"""Processes as the kernel knows them: whether one is still the same, and what has ended one."""

import os
from contextlib import suppress
from pathlib import Path

import psutil


def alive(pid: int | None, started: float, boot: str) -> bool:
    """The same process: not a recycled number, not from before a restart of the computer."""
    if boot != boot_id() or not pid:
        return False
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def signal_group(pid: int | None, wanted: int) -> None:
    if not pid:
        return
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, wanted)
        else:
            os.kill(pid, wanted)


def boot_id() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return str(int(psutil.boot_time()))


def oom_kills() -> int:
    """How often this kernel has killed for memory since it started; -1 where it does not say."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return -1
