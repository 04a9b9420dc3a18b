"""Run a program and learn what it cost: seconds, CPU seconds and peak memory, in all and between two moments."""

from __future__ import annotations

import datetime as dt
import subprocess
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds (all threads and child processes), peak resident memory in MB."""

    seconds: float
    cpu_seconds: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.cpu_seconds:.1f} CPU s, {self.peak_mb:.0f} MB"


@dataclass
class Run:
    """One finished program: its exit status, output and cost. Times of samples are seconds since the epoch."""

    returncode: int = 0
    output: str = ""
    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def cost(self) -> Cost:
        """Of the whole run."""
        return self.between(self.times[0], self.times[-1])

    def between(self, start: float, end: float) -> Cost:
        """Of one stage, from the samples that lie in it; what else ran at the same time counts too."""
        first = max(bisect_left(self.times, start) - 1, 0)
        last = min(bisect_left(self.times, end), len(self.times) - 1)
        return Cost(end - start, self.cpu[last] - self.cpu[first], max(self.memory[first : last + 1]))


def measured(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Run:
    """Run ``command`` to its end, its output in the file ``log``; read its use of the machine twenty times a second."""
    run = Run()
    with log.open("w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env)
        sampler = threading.Thread(target=_sample, args=(psutil.Process(child.pid), run), daemon=True)
        sampler.start()
        try:
            run.returncode = child.wait()
        finally:
            if child.poll() is None:
                child.kill()
        sampler.join()
    run.output = log.read_text()
    return run


def _sample(child: psutil.Process, run: Run) -> None:
    while True:
        try:
            cpu, memory = 0.0, 0.0
            for process in (child, *child.children(recursive=True)):
                used = process.cpu_times()
                cpu += used.user + used.system + used.children_user + used.children_system
                memory += process.memory_info().rss / 1e6
        except psutil.Error:  # a process ended between being listed and being read
            if not child.is_running() or child.status() == psutil.STATUS_ZOMBIE:
                return
            continue
        run.times.append(time.time())
        run.cpu.append(max(cpu, run.cpu[-1] if run.cpu else 0.0))
        run.memory.append(memory)
        time.sleep(SAMPLE_SECONDS)


def epoch(stamp: str) -> float:
    """Seconds since the epoch of dbt's UTC time stamps."""
    return dt.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
