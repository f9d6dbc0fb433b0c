"""Our engine beside llama.cpp: the same weights, tokens and number of threads, in turn, medians of pairs.

Called by llama.sh, with the parts to be measured, or none for all:
  128, 512, 1500   reading a prompt of so many tokens, and writing 32 tokens after it, one by one
  answer           whole answers over pages: some 900 tokens of prompt, whose fixed text was read before, and what ours wrote
                   of at most 60; llama.cpp writes as many
  eight            ours alone: eight answers written at once against one after the other, their prompts read before; and the
                   same with the reading
  memory           the most memory a process of each had resident, after all of the above but the eight
  perplexity       over the first 32,768 tokens of the pages, joined in the order of their paths: both sides are given the same
                   ids in the same windows of 512, none of which sees another, and of each the tokens of the second half
                   count, which have 256 before them at least

Where SOTTO_EVAL_DATA does not name the folder of the pages, the parts that need them are left out, and that is said.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time

LENGTHS = [128, 512, 1500]
WRITTEN = 32
CONTEXT = 2048
WEIGHTS = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
PAGES, WINDOW = 32_768, 512
# What is held: a ratio to llama.cpp, at least or at most.
WANTED = {
    "read 128": (">=", 1.3, 1.4),
    "read 512": (">=", 1.1, 1.4),
    "read 1500": (">=", 1.1, 1.4),
    "write 128": (">=", 0.9, 1.1),
    "write 512": (">=", 0.9, 1.1),
    "write 1500": (">=", 0.9, 1.1),
    "answer": ("<=", 0.8, 0.6),
    "eight": (">=", 1.4, 2.0),
    "memory": ("<=", 0.9, 0.75),
    # Either way: weights that are read wrongly may be lucky.
    "perplexity": ("within", 0.005, 0.001),
}


class Llama:
    """llama.cpp, command by command as benches/generate.rs has them."""

    def __init__(self, all_scores=False):
        import llama_cpp
        import numpy

        self.numpy = numpy
        self.model = llama_cpp.Llama(
            os.path.join(os.environ.get("SOTTO_MODELS", "models"), WEIGHTS),
            n_ctx=WINDOW if all_scores else CONTEXT,
            n_threads=2,
            n_threads_batch=2,
            logits_all=all_scores,
            flash_attn=bool(os.environ.get("LLAMA_FLASH")),
            verbose=False,
        )

    def best(self):
        scores = self.model._ctx.get_logits_ith(-1)
        return int(self.numpy.ctypeslib.as_array(scores, (self.model.n_vocab(),)).argmax())

    def write(self, count):
        for _ in range(count):
            self.model.eval([self.best()])

    def pace(self, ids, written):
        self.model.reset()
        begun = time.perf_counter()
        self.model.eval(ids)
        self.best()
        read = time.perf_counter()
        self.write(written)
        return {"read": read - begun, "written": time.perf_counter() - read}

    def answer(self, ids, fixed, tokens):
        self.model.reset()
        self.model.eval(ids[:fixed])
        self.best()
        begun = time.perf_counter()
        self.model.eval(ids[fixed:])
        # The first token comes of the prompt.
        self.write(tokens - 1)
        self.best()
        return {"seconds": time.perf_counter() - begun}

    def perplexity(self, ids):
        total, count = 0.0, 0
        for at in range(0, len(ids) - WINDOW + 1, WINDOW):
            window = ids[at : at + WINDOW]
            self.model.reset()
            self.model.eval(window)
            for place in range(WINDOW // 2 - 1, WINDOW - 1):
                scores = self.model.scores[place].astype(self.numpy.float64)
                scores -= scores.max()
                total += math.log(self.numpy.exp(scores).sum()) - scores[window[place + 1]]
                count += 1
        return {"perplexity": math.exp(total / count)}

    def peak(self):
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        return {"mib": int(line.split()[1]) // 1024}


def serve():
    """Answers each line of the input with a line of JSON."""
    model = None
    for line in sys.stdin:
        name, arguments = json.loads(line)
        model = model or Llama(all_scores=name == "perplexity")
        print(json.dumps(getattr(model, name)(*arguments)), flush=True)


class Side:
    """A process that answers commands."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{line.split(maxsplit=1)[0]}: no answer")
        return json.loads(answer)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def ours():
    command = ["cargo", "bench", "--quiet", "--locked", "--features", "probe", "--bench", "generate", "--", "serve"]
    return Side(command)


def theirs():
    side = Side([sys.executable, __file__, "serve"])
    ask = side.ask
    side.ask = lambda name, *arguments: ask(json.dumps([name, arguments]))
    return side


def report(name, unit, pairs):
    """Prints the medians of both sides and of the pairs' ratios."""
    one, other = (statistics.median(side) for side in zip(*pairs))
    ratios = sorted(mine / its for mine, its in pairs)
    ratio = statistics.median(ratios)
    wanted = "| | |"
    if name in WANTED:
        sign, must, aim = WANTED[name]
        compare = {">=": ratio.__ge__, "<=": ratio.__le__, "within": abs(ratio - 1).__le__}
        meets = compare[sign]
        verdict = "aim met" if meets(aim) else "must met" if meets(must) else "MISSED"
        wanted = f"| {sign} {must} | {sign} {aim} | {verdict}"
    print(
        f"| {name} | {one:.6g} {unit} | {other:.6g} {unit} | {ratio:.4f} ({ratios[0]:.4f} to {ratios[-1]:.4f}) {wanted} |",
        flush=True,
    )


def paces(length, mine, its, count):
    ids = mine.ask(f"prompt {length}")["ids"]
    pairs = []
    for at in range(count):
        # Who is first takes turns, too.
        sides = [lambda: mine.ask(f"pace {length} {WRITTEN}"), lambda: its.ask("pace", ids, WRITTEN)]
        order = [0, 1] if at % 2 == 0 else [1, 0]
        found = {side: sides[side]() for side in order}
        pairs.append((found[0], found[1]))
    report(f"read {length}", "tokens/s", [[length / side["read"] for side in pair] for pair in pairs])
    report(f"write {length}", "tokens/s", [[WRITTEN / side["written"] for side in pair] for pair in pairs])


def answers(mine, its, count):
    pairs, told = [], []
    for at in range(count):
        found = mine.ask(f"answer {at}")
        other = its.ask("answer", found["ids"], found["fixed"], found["tokens"])
        pairs.append((found["seconds"], other["seconds"]))
        told.append(f"{len(found['ids'])} ({found['fixed']} read before) and {found['tokens']}")
    report("answer", "s", pairs)
    print(f"\nTokens read and written: {'; '.join(told)}.\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=PAGES, help="of the pages, for the perplexity")
    parser.add_argument("parts", nargs="*")
    arguments = parser.parse_args()
    parts = arguments.parts or [*map(str, LENGTHS), "answer", "eight", "memory", "perplexity"]
    if not os.environ.get("SOTTO_EVAL_DATA"):
        over_pages = [part for part in parts if part in ("answer", "memory", "perplexity")]
        if over_pages:
            print(f"LEFT OUT, for SOTTO_EVAL_DATA names no pages: {', '.join(over_pages)}\n", flush=True)
        parts = [part for part in parts if part not in over_pages]
        if not parts:
            return
    print("| | ours | llama.cpp | ratio (least to most) | must | aim | |\n|---|---|---|---|---|---|---|", flush=True)
    mine, its = ours(), theirs()
    for length in LENGTHS:
        if str(length) in parts:
            paces(length, mine, its, arguments.pairs)
    if "answer" in parts:
        answers(mine, its, arguments.pairs)
    if "eight" in parts:
        # At once in the first column, one after the other in the second.
        for name, command in [("eight", "eight read"), ("eight, read too", "eight")]:
            found = [mine.ask(command) for _ in range(arguments.pairs)]
            report(name, "tokens/s", [[one["tokens"] / one[way] for way in ("together", "alone")] for one in found])
    mine.end(), its.end()
    if "memory" in parts:
        mine, its = ours(), theirs()
        for length in LENGTHS:
            ids = mine.ask(f"prompt {length}")["ids"]
            mine.ask(f"pace {length} {WRITTEN}"), its.ask("pace", ids, WRITTEN)
        found = mine.ask("answer 0")
        its.ask("answer", found["ids"], found["fixed"], found["tokens"])
        report("memory", "MiB", [(mine.ask("peak")["mib"], its.ask("peak")["mib"])])
        mine.end(), its.end()
    if "perplexity" in parts:
        mine, its = ours(), theirs()
        ids = mine.ask(f"pages {arguments.tokens}")["ids"]
        both = (mine.ask(f"perplexity {len(ids)} {WINDOW}"), its.ask("perplexity", ids))
        report("perplexity", "", [[side["perplexity"] for side in both]])
        mine.end(), its.end()


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
