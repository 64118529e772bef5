"""What tests in processes of their own share."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(program, *arguments, timeout=300, **settings):
    """Run a program in a fresh process and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        **({"cwd": ROOT} | settings),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
