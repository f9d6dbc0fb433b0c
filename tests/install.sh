#!/bin/sh
# Installs what the other steps need and is not there: `install.sh demo|test|nightly`. Debian and its relatives.
set -eu
what=${1:-test}

missing() { ! command -v "$1" >/dev/null 2>&1; }

packages=""
want() { missing "$1" && packages="$packages $2" || true; }

want cc gcc
want c++ g++
want cmake cmake
want python3 python3
want git git
python3 -m pip --version >/dev/null 2>&1 || packages="$packages python3-pip"
if [ "$what" != demo ]; then
    want chromium chromium
    want node nodejs
    want npm npm
    # A real syslog server that checkpoints are sent to over TLS.
    { [ -x /usr/sbin/rsyslogd ] && dpkg -s rsyslog-gnutls >/dev/null 2>&1; } || packages="$packages rsyslog rsyslog-gnutls"
    # A real SAML provider, where its start script and settings are: SOTTO_SAML_IDP names their folder, or they stand beside the
    # evaluation's data.
    if [ -n "${SOTTO_SAML_IDP:-}" ] || [ -d "${SOTTO_EVAL_DATA:-/nowhere}/../idp" ]; then
        want openssl openssl
        [ -d /usr/share/simplesamlphp ] ||
            packages="$packages php-cli php-xml php-mbstring php-curl php-sqlite3 simplesamlphp"
    fi
fi
if [ "$what" = nightly ]; then
    want strace strace
    want aarch64-linux-gnu-gcc "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
    want qemu-aarch64 qemu-user
    # The conformance tools get an environment of their own.
    python3 -c 'import ensurepip' 2>/dev/null || packages="$packages python3-venv"
fi

if [ -n "$packages" ]; then
    if missing apt-get; then
        echo "install.sh: please install:$packages" >&2
        exit 1
    fi
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $packages >/dev/null
fi

if missing cargo; then
    echo "install.sh: Rust is missing; install it with rustup (1.95 or newer), then call this again" >&2
    exit 1
fi

# The published schema of OCSF, which events that auditors export are held against.
if [ "$what" != demo ] && ! python3 -c "import jsonschema, ocsf_json_schema" >/dev/null 2>&1; then
    python3 -m pip install --quiet --break-system-packages --root-user-action=ignore "jsonschema>=4,<5" ocsf-json-schema==1.2.0
fi

# A real OpenID Connect provider, likewise (SOTTO_OIDC_IDP); it keeps its modules in the cache.
oidc=${SOTTO_OIDC_IDP:-${SOTTO_EVAL_DATA:-/nowhere}/../idp}
if [ "$what" != demo ] && [ -d "$oidc/oidc-provider" ]; then
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/sotto-oidc-idp
    mkdir -p "$cache"
    cp "$oidc"/oidc-provider/* "$cache"/
    [ -d "$cache/node_modules/oidc-provider" ] || (cd "$cache" && npm install --no-audit --no-fund --silent)
fi

if [ "$what" != demo ]; then
    (cd "$(dirname "$0")/browser" && [ -d node_modules ] || npm ci --no-audit --no-fund --silent)
fi

# Fuzzing needs what only a nightly compiler has; the kernels of ARM machines are built for one.
if [ "$what" = nightly ]; then
    rustup target add aarch64-unknown-linux-gnu
    if ! rustup toolchain list | grep -q ^nightly; then rustup toolchain install nightly --profile minimal; fi
    if missing cargo-fuzz; then cargo install --locked cargo-fuzz; fi
fi
