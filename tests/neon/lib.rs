//! The kernels and their tests, and nothing else of the product: what is built for ARM and run under emulation.

#![cfg(test)]

#[expect(dead_code, unused_imports, reason = "the rest of the product uses more than the tests do")]
#[path = "../../src/model/kernel/mod.rs"]
mod kernel;

/// The kernels' tests go through the levels there are: this one sees that none is missing.
#[test]
#[cfg(target_arch = "aarch64")]
fn a_newer_arm_machine_has_two_levels_beside_the_plain_one() {
    use kernel::Machine;

    let all = Machine::all();

    assert!(matches!(all[..], [Machine::NeonDot(_), Machine::Neon(_), Machine::Plain(_)]), "{all:?}");
}
