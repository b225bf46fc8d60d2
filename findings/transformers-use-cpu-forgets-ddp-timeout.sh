#!/usr/bin/env bash
# transformers 5.23.0 (accelerate 1.15.0), TrainingArguments(use_cpu=True, ddp_timeout=10) under torchrun.
# Expected: the processes wait 10 seconds for each other, as without use_cpu.
# Seen: with use_cpu they wait torch's 30 minutes, whatever ddp_timeout is, so a run whose other host is
# gone without a word stands still for so long. Nothing is said.
# Output: "use_cpu False: 0:00:10", "use_cpu True: 0:30:00"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu
"${pip[@]}" transformers==5.23.0 accelerate==1.15.0 torch==2.13.0
cd "$folder"
cat > train.py <<'PYTHON'
import sys

import torch
from transformers import TrainingArguments

use_cpu = sys.argv[1] == "True"
TrainingArguments("out", use_cpu=use_cpu, ddp_timeout=10, report_to="none")
group = torch.distributed.group.WORLD._get_backend(torch.device("cpu"))
print(f"use_cpu {use_cpu}: {group.options._timeout}")
PYTHON
for use_cpu in False True; do
  "$folder/venv/bin/python" -W ignore -m torch.distributed.run --nproc-per-node=1 --master-port=29671 \
    train.py $use_cpu 2>>log | tee -a out
done
test "$(cat out)" = "use_cpu False: 0:00:10
use_cpu True: 0:30:00"
