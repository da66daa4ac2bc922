"""What a worker imports before its first job."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import ROOT

TRAINS = """
import sys
from pathlib import Path
from workers.worker import PRELOADED, PRELOADED_TO_TRAIN, preload
preload((*PRELOADED, *PRELOADED_TO_TRAIN))
from benchmarks.predict_latency import train_in
before = set(sys.modules)
train_in(Path(sys.argv[1]), bars=6_000)
print("\\n".join(sorted(set(sys.modules) - before)))
"""

HEAVY = ("matplotlib.", "mlflow.pyfunc.", "mlflow.tracing.", "sqlalchemy.dialects.", "cryptography.")


@pytest.mark.slow  # imports everything a worker imports, in a process of its own
def test_a_training_imports_nothing_heavy_that_its_worker_had_not_imported(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRAINS, str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True, check=True
    )
    imported = done.stdout.split()
    assert imported, "the training imported nothing at all: this test looks at the wrong process"
    assert [name for name in imported if name.startswith(HEAVY)] == []
