"""What one training step of an LSTM costs: ours, Keras's default and torch's, in one interleaved run.

    .venv/bin/python benchmarks/step.py [--json FILE] [--rounds 9] [--steps 4] [--torch-python PYTHON]

A step is forward, backward and Adam, float32, on a batch of 1,024 windows of 56 days with 8 inputs a day; the last
state goes through one dense output into a squared error. The contenders:

- `ours`: the package's LSTM layers, unrolled, in a `tf.function` that splits the batch into one shard a core (one
  thread an operation, one operation a core) and sums the gradients, as `training_step.py` does. Its windows are drawn
  inside the step from one dense `[series, time]` tensor; `draw` times that part alone.
- `keras`: `keras.layers.LSTM` as it comes, `compile` and `train_on_batch`, as many threads an operation as cores.
- `torch`: `torch.nn.LSTM`, as many threads. Left out, and said so, where torch cannot be imported. It is no dependency:
  `--torch-python` may name the Python of another environment.
- `peak`: float32 products of 2,048 x 2,048 matrices with as many threads, by TensorFlow: what the machine can do.

Each contender lives in a process of its own, since threads are set once a process. They take turns: in each round each
makes some steps while the others wait, so that other load on the machine meets all of them. Reported are medians over
all steps of wall milliseconds and of CPU milliseconds (which other load lengthens less), the median over rounds of the
ratio to ours, the fastest step (the nearest to an idle machine), and the share of the peak: 3 x the multiplications and
additions of the forward pass by the wall time, over those of `peak`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from step_contenders import BATCH, CONTENDERS, DAYS, INPUTS, MATRIX

SHAPES = ((64, 1), (128, 2))  # hidden, layers


def gigaflops(hidden: int, layers: int) -> float:
    """10^9 multiplications and additions of one step: forward, and twice as many backward."""
    forward = sum(2 * BATCH * DAYS * 4 * hidden * ((hidden if k else INPUTS) + hidden) for k in range(layers))
    return 3 * forward / 1e9


def work(name: str, hidden: int, layers: int, threads: int) -> None:
    """A contender's process: for each number read, makes so many steps and answers with their wall and CPU ms."""
    steps = CONTENDERS[name](hidden, layers, threads)
    for step in steps.values():
        for _ in range(3):
            step()
    print("ready", flush=True)
    for line in sys.stdin:
        answer: dict[str, list[tuple[float, float]]] = {}
        for label, step in steps.items():
            step()  # wakes threads and caches after the wait
            answer[label] = []
            for _ in range(int(line)):
                wall, cpu = time.perf_counter(), time.process_time()
                step()
                answer[label].append((1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)))
        print(json.dumps(answer), flush=True)


class Worker:
    """A contender in a process of its own."""

    def __init__(self, name: str, python: str, hidden: int, layers: int, threads: int) -> None:
        command = [python, __file__, "--worker", name, str(hidden), str(layers), str(threads)]
        env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": str(threads)}
        self.name, self.errors = name, tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in `end`
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=env
        )

    def read(self) -> str:
        """The next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise SystemExit(f"{self.name} ended: {(self.errors.read().splitlines() or ['without a word'])[-1]}")
        return line

    def take_turn(self, steps: int) -> dict[str, list[tuple[float, float]]]:
        """Make some steps."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        found: dict[str, list[tuple[float, float]]] = json.loads(self.read())
        return found

    def end(self) -> None:
        """Let it go."""
        self.process.communicate()
        self.errors.close()


@dataclass
class Timings:
    """Wall and CPU ms of every step, by contender and round."""

    rounds: dict[str, list[list[tuple[float, float]]]] = field(default_factory=dict)

    def add(self, found: dict[str, list[tuple[float, float]]]) -> None:
        """One round of one worker."""
        for label, steps in found.items():
            self.rounds.setdefault(label, []).append(steps)

    def of(self, label: str, which: int) -> float:
        """Median over all steps: 0 for wall, 1 for CPU ms."""
        return median(step[which] for one_round in self.rounds[label] for step in one_round)

    def best(self, label: str) -> float:
        """Wall ms of the fastest step: the nearest to what an idle machine does."""
        return min(step[0] for one_round in self.rounds[label] for step in one_round)

    def ratio(self, label: str, which: int) -> float:
        """Median over rounds of a contender's time over ours."""
        middle = [[median(step[which] for step in r) for r in self.rounds[name]] for name in (label, "ours")]
        return median(theirs / mine for theirs, mine in zip(*middle, strict=True))


def measure(
    hidden: int, layers: int, pythons: dict[str, str], threads: int, rounds: int, steps: int
) -> dict[str, object]:
    """Medians of one shape."""
    workers = [Worker(name, python, hidden, layers, threads) for name, python in pythons.items()]
    timings = Timings()
    try:
        for worker in workers:
            worker.read()
        for _ in range(rounds):
            for worker in workers:
                timings.add(worker.take_turn(steps))
    finally:
        for worker in workers:
            worker.end()
    peak = 2 * MATRIX**3 / 1e6 / timings.of("peak", 0)  # GFLOP/s
    found: dict[str, object] = {"hidden": hidden, "layers": layers, "peak_gflops": round(peak, 1)}
    for label in timings.rounds.keys() - {"peak"}:
        wall = timings.of(label, 0)
        found[label] = {
            "ms": round(wall, 2),
            "best_ms": round(timings.best(label), 2),
            "cpu_ms": round(timings.of(label, 1), 2),
        }
        if label != "draw":
            found[label] |= {  # type: ignore[operator]
                "times_ours": round(timings.ratio(label, 0), 2),
                "times_ours_best": round(timings.best(label) / timings.best("ours"), 2),
                "times_ours_cpu": round(timings.ratio(label, 1), 2),
                "share_of_peak": round(gigaflops(hidden, layers) / wall * 1e3 / peak, 3),
            }
    found["draw_share"] = round(timings.ratio("draw", 0), 4)
    return found


def has_torch(python: str) -> bool:
    """Whether a Python can import torch."""
    if python == sys.executable:
        return importlib.util.find_spec("torch") is not None
    return subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode == 0


def show(found: dict[str, Any]) -> None:
    """One shape as rows of a Markdown table."""
    for label in ("ours", "keras", "torch"):
        if label in found:
            f = found[label]
            pairs = (("ms", "times_ours"), ("best_ms", "times_ours_best"), ("cpu_ms", "times_ours_cpu"))
            cells = " | ".join(f"{f[time]:.0f} | {f[times]:.2f}" for time, times in pairs)
            print(f"| {found['hidden']} x {found['layers']} | {label} | {cells} | {100 * f['share_of_peak']:.0f} % |")
    print(
        f"\nDrawing the windows: {found['draw']['ms']:.2f} ms, {100 * found['draw_share']:.1f} % of our step. "
        f"Matrix product: {found['peak_gflops']:.0f} GFLOP/s.\n"
    )


def main() -> None:
    """Measure every shape."""
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], *(int(x) for x in sys.argv[3:6]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write all figures")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender")
    parser.add_argument("--steps", type=int, default=4, help="steps a turn")
    parser.add_argument("--threads", type=int, default=2, help="cores to use")
    parser.add_argument("--torch-python", default=sys.executable, help="Python of an environment with torch")
    options = parser.parse_args()
    pythons = dict.fromkeys(CONTENDERS, sys.executable)
    if has_torch(options.torch_python):
        pythons["torch"] = options.torch_python
    else:
        del pythons["torch"]
        print(f"torch cannot be imported by {options.torch_python}: it is left out\n")
    print("| hidden x layers | | ms a step | times ours | fastest | times ours | CPU ms | times ours | share of peak |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    shapes = []
    for hidden, layers in SHAPES:
        shapes.append(measure(hidden, layers, pythons, options.threads, options.rounds, options.steps))
        show(shapes[-1])
    if options.json:
        about = {"machine": platform.platform(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
        options.json.write_text(json.dumps({**about, **vars(options), "json": None, "shapes": shapes}, indent=2) + "\n")


if __name__ == "__main__":
    main()
