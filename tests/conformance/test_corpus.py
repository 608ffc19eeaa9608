"""The outside corpus, where it is at hand, stays at or above what it once reached."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("MAINSTEM_TEST_CORPUS", ROOT.parent / "shared" / "conformance"))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not on this machine")
@pytest.mark.timeout(600)
def test_the_corpus_stays_at_or_above_its_thresholds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance", "--corpus", str(CORPUS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
