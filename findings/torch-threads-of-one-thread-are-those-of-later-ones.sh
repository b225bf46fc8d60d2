#!/usr/bin/env bash
# torch 2.13.0 (CPU build), torch.set_num_threads(1) in a thread of a process that had set 4.
# Expected: the number holds for the process, or for the thread that set it.
# Seen: neither. Threads that have used torch before keep 4, the main thread among them, and every
# thread that uses torch for the first time afterwards has 1, for as long as the process lives. So a
# worker thread that asks for one core slows down those that begin later, and torch.get_num_threads()
# in the main thread does not show it.
# Output: "main 4, worker that set it 1, worker from before 4, started before and idle 1, later 1"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" numpy==2.4.6
"${pip[@]}" --extra-index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from concurrent.futures import ThreadPoolExecutor
from threading import get_ident

import torch


def start():
    """A worker: a pool of one thread, which is started at once."""
    pool = ThreadPoolExecutor(1)
    pool.submit(get_ident).result()
    return pool


def number(pool):
    return pool.submit(torch.get_num_threads).result()


torch.set_num_threads(4)
setter, before, idle = start(), start(), start()
assert torch.get_num_threads() == number(before) == 4
setter.submit(torch.set_num_threads, 1).result()
later = start()
seen = {
    "main": torch.get_num_threads(),
    "worker that set it": number(setter),
    "worker from before": number(before),
    "started before and idle": number(idle),
    "later": number(later),
}
print(", ".join(f"{name} {threads}" for name, threads in seen.items()))
assert list(seen.values()) == [4, 1, 4, 1, 1]
PYTHON
