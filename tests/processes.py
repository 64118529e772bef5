"""What tests in processes of their own share."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# For processes that do not begin in the root.
PYTHONPATH = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


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


def printed(*arguments, cwd):
    """Run Python with arguments in a folder and return what it prints."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"MPLBACKEND": "agg", "PYTHONPATH": PYTHONPATH},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def scores(text):
    """Return the numbers that end a line after two spaces or more, by what stands before them."""
    lines = re.findall(r"^(.*?) {2,}(-?\d+\.\d+)$", text, re.M)
    return {name.strip(): float(number) for name, number in lines}


def pictures(folder):
    """Return the names of what was drawn, each large enough to show something."""
    drawn = list(folder.glob("*.png"))
    assert all(picture.stat().st_size > 10_000 for picture in drawn)
    return {picture.stem for picture in drawn}
