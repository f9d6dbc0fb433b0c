#!/usr/bin/env python3
"""Changes an export in many ways and sees that the independent verifier finds each: none of Sotto's own code is asked.

    tamper_audit.py EXPORT --key FILE --checkpoint FILE --cases N

The checkpoint is an older one, held outside. What is done: a bit flipped, a leaf dropped, inserted, moved or rewritten, the
end cut off; half of the time the leaves are then numbered and chained anew, as whoever knows the format would; and an old
copy, or a fork, put in the log's place.

Exit codes: 0 every change was found and the export itself verifies, 1 one was not (its number is named).
"""

import argparse
import io
import json
import random
import sys

import verify_audit


def chained(lines):
    """Numbers the leaves and gives each the hash of the one before it."""
    before, out = None, []
    for index, line in enumerate(lines):
        leaf = json.loads(line)
        leaf["index"] = index
        leaf.pop("previous", None)
        if before:
            leaf["previous"] = before.hex()
        out.append(verify_audit.canonical(leaf).encode())
        before = verify_audit.leaf_hash(out[-1])
    return out


def changed(dice, lines, held):
    lines, at = list(lines), dice.randrange(held)
    what = dice.choice(["flipped", "dropped", "inserted", "moved", "cut off", "rewritten", "old copy", "forked"])
    if what == "flipped":
        byte = dice.randrange(len(lines[at]))
        lines[at] = lines[at][:byte] + bytes([lines[at][byte] ^ 1 << dice.randrange(8)]) + lines[at][byte + 1 :]
    elif what == "dropped":
        del lines[at]
    elif what == "inserted":
        lines.insert(at, dice.choice(lines))
    elif what == "moved":
        other = (at + 1 + dice.randrange(held - 1)) % held
        lines[at], lines[other] = lines[other], lines[at]
    elif what in ("cut off", "old copy"):
        del lines[at:]
    elif what == "rewritten":
        leaf = json.loads(lines[at])
        leaf["event"] = "stopped" if leaf["event"] != "stopped" else "started"
        lines[at] = verify_audit.canonical(leaf).encode()
    else:
        fork = {"at": json.loads(lines[at])["at"], "event": "stopped", "index": at}
        lines[at:] = [verify_audit.canonical(fork).encode()]
    if what == "forked" or dice.random() < 0.5:
        try:
            lines = chained(lines)
        except (ValueError, TypeError):
            pass  # What was flipped is no JSON any more: then it stays as it is.
    return what, lines


def main():
    parser = argparse.ArgumentParser(description="Changes an export and sees that each change is found.")
    parser.add_argument("export")
    parser.add_argument("--key", required=True)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--cases", type=int, default=500)
    asked = parser.parse_args()
    key = open(asked.key, encoding="utf-8").read()
    older = open(asked.checkpoint, encoding="utf-8").read()
    header, *lines = open(asked.export, "rb").read().splitlines()
    held, _ = verify_audit.head_of(older, verify_audit.key_of(key))

    def verifies(lines):
        try:
            verify_audit.verify(io.BytesIO(b"\n".join([header, *lines]) + b"\n"), key, older, {})
            return True
        except (verify_audit.Unfit, KeyError, TypeError, ValueError):
            return False

    if not verifies(lines):
        print("the export itself does not verify")
        return 1
    dice, done = random.Random(4), 0
    for case in range(asked.cases):
        what, other = changed(dice, lines, held)
        if other == lines:
            continue
        if verifies(other):
            print(f"case {case}: what was {what} was not found")
            return 1
        done += 1
    print(f"{done} changes, all found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
