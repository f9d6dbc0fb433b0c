#!/usr/bin/env python3
"""Runs two public conformance tools against the demo's SCIM server: scim2-tester (by scim2-cli) and scim-sanity.

What fails and is not listed in excused.toml, with the sentence of the RFC that allows it, is an error; so is what is listed and
fails no longer. The tools come from PyPI into a virtual environment outside the project (SOTTO_CONFORMANCE_VENV, or a temporary
folder), in the versions below. Run it as tests/conformance/run.py [BINARY]; target/release/sotto where none is named.
"""

import fnmatch
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = ["scim2-cli==0.6.0", "scim2-tester==0.5.2", "scim2-client==0.13.2", "scim2-models==0.12.3", "scim-sanity==0.7.4"]
# Seconds after which a demo that does not answer is given up.
PATIENCE_S = 180
# Ids and random values, which are others in each run.
RANDOM = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def tools(folder):
    """The folder of the tools' programs; they are installed where they are not there."""
    place = pathlib.Path(os.environ.get("SOTTO_CONFORMANCE_VENV") or folder / "venv")
    programs = place / "bin"
    if not (programs / "scim2").exists():
        venv.create(place, with_pip=True)
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", *TOOLS], check=True)
    return programs


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Demo:
    """A demo without a language model; it is gone at the end."""

    def __init__(self, binary, folder):
        port, self.folder = free_port(), folder / "data"
        self.base = f"https://localhost:{port}/scim/v2"
        command = [binary, "demo", "--model", "scripted", "--listen", f"127.0.0.1:{port}", "--data", self.folder]
        self.output = open(folder / "demo.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=self.output, stderr=subprocess.STDOUT)
        self.roots = self.folder / "tls" / "authority.pem"

    def __enter__(self):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                # It pushes its own people first; whoever comes before that finds fewer.
                if self.people() >= 4:
                    return self
            except (OSError, ssl.SSLError, urllib.error.URLError):
                pass
            time.sleep(0.5)
        sys.exit(f"the demo does not answer:\n{pathlib.Path(self.output.name).read_text(encoding='utf-8')}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.output.close()

    def token(self):
        return (self.folder / "secrets" / "scim").read_text(encoding="utf-8").strip()

    def people(self):
        request = urllib.request.Request(f"{self.base}/Users?count=0", headers={"Authorization": f"Bearer {self.token()}"})
        trusted = ssl.create_default_context(cafile=self.roots)
        with urllib.request.urlopen(request, context=trusted, timeout=10) as answer:
            return json.load(answer)["totalResults"]


def scim2_tester(programs, demo):
    """Each check of scim2-tester: whether it passed, its name, and what it says."""
    environment = {
        **os.environ,
        "SCIM_CLI_HEADERS": f"Authorization: Bearer {demo.token()}",
        "SSL_CERT_FILE": str(demo.roots),
        "NO_COLOR": "1",
    }
    done = subprocess.run([programs / "scim2", "-u", demo.base, "test"], env=environment, capture_output=True, text=True)
    checks = []
    for line in done.stdout.splitlines():
        begun = re.match(r"(SUCCESS|COMPLIANT|ACCEPTABLE|DEVIATION|ERROR|CRITICAL|SKIPPED) (\w+)$", line)
        if begun:
            checks.append([begun[1] not in ("DEVIATION", "ERROR", "CRITICAL"), begun[2], ""])
        elif checks:
            checks[-1][2] += line.strip() + " "
    if not checks:
        sys.exit(f"scim2 said nothing that is known: {done.stdout}{done.stderr}")
    return checks


def scim_sanity(programs, demo):
    """Each check of scim-sanity, likewise."""
    command = [programs / "scim-sanity", "probe", demo.base, "--token", demo.token(), "--ca-bundle", demo.roots,
               "--i-accept-side-effects", "--json-output"]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)["results"]
    except (ValueError, KeyError):
        sys.exit(f"scim-sanity said nothing that is known: {done.stdout}{done.stderr}")
    is_good = lambda one: one["status"].upper() in ("PASS", "SKIP")
    return [[is_good(one), one.get("test") or one.get("name"), one.get("message") or ""] for one in found]


def main():
    binary = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target" / "release" / "sotto").resolve()
    excused = tomllib.loads((HERE / "excused.toml").read_text(encoding="utf-8")).get("check", [])
    used, failed = set(), []
    with tempfile.TemporaryDirectory(prefix="sotto-conformance-") as folder:
        folder = pathlib.Path(folder)
        programs = tools(folder)
        for tool, checks in (("scim2-tester", scim2_tester), ("scim-sanity", scim_sanity)):
            # Each has a server of its own: what one leaves behind is no matter to the other.
            (folder / tool).mkdir()
            with Demo(binary, folder / tool) as demo:
                found = checks(programs, demo)
            good = sum(1 for is_good, *_ in found if is_good)
            print(f"{tool}: {good} of {len(found)} checks passed")
            for is_good, name, words in found:
                if is_good:
                    continue
                words = RANDOM.sub("*", words).strip()
                fits = lambda one: one["tool"] == tool and one["name"] == name and fnmatch.fnmatchcase(words, one["says"])
                number = next((n for n, one in enumerate(excused) if fits(one)), None)
                if number is None:
                    failed.append(f"{tool}: {name}: {words}")
                else:
                    used.add(number)
                    print(f"  excused: {name}: {words}\n    {excused[number]['rfc']}: \"{excused[number]['sentence']}\"")
    stale = [f"{one['tool']}: {one['name']}: {one['says']}" for n, one in enumerate(excused) if n not in used]
    for line in failed:
        print(f"FAILED {line}")
    for line in stale:
        print(f"EXCUSED FOR NOTHING, take it out of excused.toml: {line}")
    sys.exit(1 if failed or stale else 0)


if __name__ == "__main__":
    main()
