#!/bin/sh
# Runs the kernels' tests as 64-bit ARM machines would, under emulation: one that multiplies bytes by fours, and one that
# cannot, where such an instruction is a fault.
set -eu
cd "$(dirname "$0")/../.."
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
emulate() {
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -cpu $1 -L /usr/aarch64-linux-gnu"
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER
    shift
    cargo test --quiet --manifest-path tests/neon/Cargo.toml --target aarch64-unknown-linux-gnu --target-dir target/neon -- "$@"
}
emulate max
emulate cortex-a72 --skip a_newer_arm_machine_has_two_levels_beside_the_plain_one
