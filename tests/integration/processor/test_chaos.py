"""Processes are killed at random moments, and every invariant still holds."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from tests.integration.processor.chaos import run_chaos
from tests.integration.processor.lanes import LANES

KILLS = 15


@pytest.mark.timeout(600)
async def test_everything_counts_once_whatever_is_killed(kafka: str, tmp_path: Path) -> None:
    """Set FOLDLOG_CHAOS_SEED to repeat the choices of an earlier run; `make chaos N=…` does more of it."""
    seed = int(os.environ.get("FOLDLOG_CHAOS_SEED") or secrets.randbelow(1_000_000))
    print(f"seed {seed}")
    report = await run_chaos(kafka, tmp_path, KILLS, seed, print)
    print(report)
    assert min(report.orders, report.signals, *(report.others[lane] for lane in LANES)) > 0
    # Each opening is a takeover: with fewer, nothing that was killed had anything to lose.
    assert report.openings > KILLS // 3
