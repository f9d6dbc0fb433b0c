#!/usr/bin/env python3
"""Plants bugs, one at a time, and shows that a named test fails with each.

The lists are traps.txt (the handling of each trap of Confluence is taken out) and durability.txt (a bug is planted). A mutant
that survives means that its test would not notice. It works on a copy of what is committed, below target/.
Run it as tests/mutants/run.py [WORD]: only mutants whose title has the word.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COPY = ROOT / "target" / "mutants" / "tree"
# The tree's own build: the copy is another package to cargo, and the libraries below it need not be built once more.
BUILD = ROOT / "target"
# A mutant may make a test wait for something that never comes.
SECONDS_MAX = 900


def read(path):
    """The mutants of a list: title, file, the text that goes, the text that comes in its place, and the test."""
    mutants = []
    for part in path.read_text(encoding="utf-8").split("\n# ")[1:]:
        title, *lines = part.splitlines()
        field = {"file": [], "old": [], "new": [], "test": []}
        for line in filter(None, lines):
            name, _, text = line.partition(" ")
            field[name].append(text)
        mutants.append((title, field["file"][0], "\n".join(field["old"]), "\n".join(field["new"]), field["test"][0]))
    return mutants


def passes(test):
    """Whether a unit test passes on the copy; a copy that does not compile is an error of the list."""
    built = ["cargo", "test", "--lib", "--locked", "--target-dir", str(BUILD)]
    subprocess.run([*built, "--no-run"], cwd=COPY, check=True, capture_output=True)
    try:
        done = subprocess.run([*built, "--", "--exact", test], cwd=COPY, capture_output=True, text=True, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return False
    if "running 1 test" not in done.stdout:
        sys.exit(f"there is no test {test}")
    return done.returncode == 0


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    lists = [mutant for name in ("traps.txt", "durability.txt") for mutant in read(HERE / name)]
    mutants = [mutant for mutant in lists if wanted in mutant[0]]
    COPY.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(COPY)], input=archive, check=True)
    survived = [f"{test} fails as it is" for *_, test in mutants if not passes(test)]
    for title, file, old, new, test in mutants:
        path = COPY / file
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            sys.exit(f"{title}: its text stands {text.count(old)} times in {file}")
        path.write_text(text.replace(old, new), encoding="utf-8")
        try:
            if passes(test):
                survived.append(f"{title}: {test} passes without it")
            else:
                print(f"caught: {title}", flush=True)
        finally:
            path.write_text(text, encoding="utf-8")
    if survived:
        sys.exit("\n".join(survived))


if __name__ == "__main__":
    main()
