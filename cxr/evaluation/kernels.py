"""Where the time of a step goes, kernel by kernel. Knows nothing about the steps."""

from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

LONGEST = 12  # kernels that are named


def write_profile(steps: dict[str, Callable[[], object]]) -> str:
    """For each step a Markdown table of the kernels that take longest; on a CPU of its operations."""
    return "\n".join(_write_one(name, step) for name, step in steps.items())


def _write_one(name: str, step: Callable[[], object]) -> str:
    large = torch.cuda.is_available()
    step()
    with profile(activities=[ProfilerActivity.CUDA if large else ProfilerActivity.CPU]) as watched:
        step()
        if large:
            torch.cuda.synchronize()
    spent = [
        (float(each.self_device_time_total if large else each.self_cpu_time_total), each.count, each.key)
        for each in watched.key_averages()
    ]
    total = sum(seconds for seconds, *_ in spent) or 1.0
    lines = [
        f"| {key[:90].replace('|', '/')} | {count} | {time / 1e3:.2f} | {time / total:.0%} |"
        for time, count, key in sorted(spent, reverse=True)[:LONGEST]
    ]
    head = f"\n{name}: {total / 1e3:.1f} ms in {sum(count for _, count, _ in spent)} kernels\n"
    return "\n".join([head, "| kernel | times | ms | of all |", "|---|---|---|---|", *lines, ""])
