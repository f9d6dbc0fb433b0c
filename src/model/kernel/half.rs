//! Half-precision floats (IEEE 754 binary16), for machines and places without instructions for them.

/// The value of a half.
#[inline(always)]
pub(super) fn to_f32(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let (exponent, fraction) = (half >> 10 & 0x1f, u32::from(half & 0x3ff));
    let size = match exponent {
        // Below the normal ones, steps are equal: 2^-24.
        0 => fraction as f32 * f32::from_bits(0x3380_0000),
        0x1f => f32::from_bits(0x7f80_0000 | fraction << 13),
        _ => f32::from_bits((u32::from(exponent) + 112) << 23 | fraction << 13),
    };
    f32::from_bits(size.to_bits() | sign)
}

/// The nearest half, of two equally near the even one; what is too large becomes infinite.
#[inline(always)]
pub(super) fn of_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let size = bits & 0x7fff_ffff;
    let half = match size {
        0x7f80_0001.. => 0x7e00,
        0x4780_0000.. => 0x7c00,
        // The half's last place is the float's fourteenth; a carry out of the fraction raises the exponent as it should.
        0x3880_0000.. => {
            let rounded = size + 0xfff + ((size >> 13) & 1);
            ((rounded - 0x3800_0000) >> 13) as u16
        }
        // Added to 0.5, whose last place is 2^-24, it is rounded as a half below the normal ones is.
        _ => (f32::from_bits(size) + 0.5).to_bits().wrapping_sub(0.5_f32.to_bits()) as u16,
    };
    sign | half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_itself_again() {
        for half in 0..=u16::MAX {
            let value = to_f32(half);
            if value.is_nan() {
                assert!(to_f32(of_f32(value)).is_nan());
            } else {
                assert_eq!(of_f32(value), half, "{value}");
            }
        }
    }

    #[test]
    fn what_lies_between_goes_to_the_nearest_and_even() {
        assert_eq!(of_f32(1.0 + 1.0 / 2048.0), 0x3c00);
        assert_eq!(of_f32(1.0 + 3.0 / 2048.0), 0x3c02);
        assert_eq!(of_f32(65_519.0), 0x7bff);
        assert_eq!(of_f32(65_520.0), 0x7c00);
        assert_eq!(of_f32(-1e-9), 0x8000);
        assert_eq!(to_f32(1), 2_f32.powi(-24));
        assert_eq!(to_f32(0xc000), -2.0);
    }
}
