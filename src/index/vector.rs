//! Vectors as whole numbers: a byte for each dimension and one scale.
//!
//! Sums of whole numbers are exact, so a similarity does not depend on the order in which a processor adds.

/// The most dimensions a vector may have.
pub(super) const DIMENSIONS_MAX: usize = 4096;

/// A vector of a passage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantised {
    scale: f32,
    codes: Vec<i8>,
}

impl Quantised {
    /// Rounds each dimension to 1/127 of the largest. `None` where it is no vector: empty, too long or not finite.
    pub(super) fn of(vector: &[f32]) -> Option<Quantised> {
        let largest = largest(vector)?;
        let code = |x: &f32| if largest > 0.0 { (x / largest * 127.0).round() as i8 } else { 0 };
        Some(Quantised { scale: largest / 127.0, codes: vector.iter().map(code).collect() })
    }

    /// As whole numbers for a column: scale and count first, then eight codes in each.
    pub(super) fn to_column(&self) -> Vec<u64> {
        let mut numbers = vec![u64::from(self.scale.to_bits()) << 32 | self.codes.len() as u64];
        numbers.extend(self.codes.chunks(8).map(|codes| {
            let mut bytes = [0u8; 8];
            for (byte, code) in bytes.iter_mut().zip(codes) {
                *byte = code.cast_unsigned();
            }
            u64::from_le_bytes(bytes)
        }));
        numbers
    }

    /// Reads what [`Quantised::to_column`] wrote; `None` where there is no vector.
    pub(super) fn from_column(numbers: impl IntoIterator<Item = u64>) -> Option<Quantised> {
        let mut numbers = numbers.into_iter();
        let first = numbers.next()?;
        let count = (first & 0xffff_ffff) as usize;
        let mut codes: Vec<i8> = numbers.flat_map(u64::to_le_bytes).map(u8::cast_signed).collect();
        if codes.len() < count {
            return None;
        }
        codes.truncate(count);
        Some(Quantised { scale: f32::from_bits((first >> 32) as u32), codes })
    }
}

/// A question's vector, in sixteen bits.
pub(super) struct Asked {
    scale: f32,
    codes: Vec<i16>,
}

impl Asked {
    /// `None` where it is no vector.
    pub(super) fn of(vector: &[f32]) -> Option<Asked> {
        let largest = largest(vector)?;
        // So many steps that a sum over all dimensions fits 32 bits.
        let steps = (i32::MAX / 127 / i32::try_from(vector.len()).ok()?).min(i32::from(i16::MAX)) as f32;
        let code = |x: &f32| if largest > 0.0 { (x / largest * steps).round() as i16 } else { 0 };
        Some(Asked { scale: largest / steps, codes: vector.iter().map(code).collect() })
    }

    /// The cosine, for vectors of unit length; `None` where the dimensions differ (another embedder's vector).
    pub(super) fn cosine(&self, scale: f32, codes: &[i8]) -> Option<f32> {
        if codes.len() != self.codes.len() {
            return None;
        }
        let sum: i32 = self.codes.iter().zip(codes).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        Some(sum as f32 * (self.scale * scale))
    }
}

fn largest(vector: &[f32]) -> Option<f32> {
    let is_vector = !vector.is_empty() && vector.len() <= DIMENSIONS_MAX && vector.iter().all(|x| x.is_finite());
    is_vector.then(|| vector.iter().fold(0f32, |most, x| most.max(x.abs())))
}

/// The vectors of one segment, in memory, one after the other.
#[derive(Default)]
pub(super) struct Vectors {
    /// For each document: where its codes begin and end, and its scale.
    places: Vec<(u32, u32, f32)>,
    codes: Vec<i8>,
}

impl Vectors {
    /// From the numbers of each document's column.
    pub(super) fn of(columns: impl Iterator<Item = Option<Quantised>>) -> Vectors {
        let mut vectors = Vectors::default();
        for column in columns {
            let begin = vectors.codes.len() as u32;
            let quantised = column.unwrap_or(Quantised { scale: 0.0, codes: Vec::new() });
            vectors.codes.extend(&quantised.codes);
            vectors.places.push((begin, vectors.codes.len() as u32, quantised.scale));
        }
        vectors
    }

    /// How close a document is to what is asked; `None` where it has no vector.
    pub(super) fn cosine(&self, doc: u32, asked: &Asked) -> Option<f32> {
        let (begin, end, scale) = *self.places.get(doc as usize)?;
        asked.cosine(scale, &self.codes[begin as usize..end as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(seed: u32) -> Vec<f32> {
        let wave: Vec<f32> = (0..384).map(|n| ((n * (seed + 3)) as f32).sin()).collect();
        let length = wave.iter().map(|x| x * x).sum::<f32>().sqrt();
        wave.into_iter().map(|x| x / length).collect()
    }

    #[test]
    fn a_vector_is_read_from_its_column_as_it_was_written() {
        for dimensions in [1, 7, 8, 384] {
            let quantised = Quantised::of(&unit(1)[..dimensions]).unwrap();

            assert_eq!(Quantised::from_column(quantised.to_column()), Some(quantised));
        }
        assert_eq!(Quantised::from_column([]), None);
        assert_eq!(Quantised::from_column([900]), None);
    }

    #[test]
    fn a_cosine_is_close_to_the_exact_one() {
        for seed in 0..20 {
            let (one, other) = (unit(seed), unit(seed + 1));
            let exact: f32 = one.iter().zip(&other).map(|(a, b)| a * b).sum();

            let quantised = Quantised::of(&other).unwrap();
            let cosine = Asked::of(&one).unwrap().cosine(quantised.scale, &quantised.codes).unwrap();

            assert!((cosine - exact).abs() < 0.01, "{cosine} for {exact}");
        }
    }

    #[test]
    fn what_is_no_vector_is_refused_and_another_length_is_not_compared() {
        for bad in [vec![], vec![f32::NAN], vec![f32::INFINITY, 0.0], vec![0.0; DIMENSIONS_MAX + 1]] {
            assert!(Quantised::of(&bad).is_none() && Asked::of(&bad).is_none());
        }
        assert_eq!(Asked::of(&[1.0, 0.0]).unwrap().cosine(1.0, &[1, 2, 3]), None);
    }

    #[test]
    fn the_largest_vector_does_not_overflow() {
        for dimensions in [1, 384, DIMENSIONS_MAX] {
            let vector = vec![1.0; dimensions];
            let quantised = Quantised::of(&vector).unwrap();

            let cosine = Asked::of(&vector).unwrap().cosine(quantised.scale, &quantised.codes).unwrap();

            assert!((cosine / dimensions as f32 - 1.0).abs() < 0.01);
        }
    }
}
