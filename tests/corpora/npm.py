"""Packages of npm, at pinned versions and without their scripts."""

import json
import pathlib
import shutil
import subprocess
from typing import Sequence


def fetch(folder: pathlib.Path, packages: Sequence[str], what: str) -> pathlib.Path:
    """The folder with the unpacked packages (NAME@VERSION), fetched by npm unless they are there in these versions.

    SystemExit without npm, which says `what` comes from it; CalledProcessError if npm fails.
    """
    modules = folder / "node_modules"
    if all(_version(modules, package.rsplit("@", 1)[0]) == package.rsplit("@", 1)[1] for package in packages):
        return modules
    if not shutil.which("npm"):
        raise SystemExit(f"corpora: {what} come from npm, which is missing: deploy/install-deps --learning")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)
    return modules


def _version(modules: pathlib.Path, package: str) -> str:
    """Of an unpacked package; empty if it is not there."""
    try:
        return json.loads((modules / package / "package.json").read_text(encoding="utf-8"))["version"]
    except FileNotFoundError:
        return ""
