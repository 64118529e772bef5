"""Prints the oldest version of each dependency that pyproject.toml allows, as pip's constraints."""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
for need in project["dependencies"]:
    name, bound = need.split(">=")
    print(f"{name}=={bound}")
