//! Vectors as whole numbers: a byte for each dimension and one scale.
//!
//! Sums of whole numbers are exact, so a similarity does not depend on the order in which a processor adds. That also lets
//! a processor add as many at once as it can.

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

/// What stands in a code's lower half on average, as a number from 0 to 15.
const LOW_MEAN: f32 = 7.5;
/// More than all rounding of 32-bit floats in a bound of a cosine.
const ROUNDING: f32 = 1e-4;

/// A question's vector, in sixteen bits.
pub(super) struct Asked {
    scale: f32,
    dimensions: usize,
    /// The first half of the dimensions and the second, as the halves of [`Vectors`] lie; filled up with zeros.
    first: Vec<i16>,
    second: Vec<i16>,
    /// The sum of all codes.
    sum: i64,
    /// Their length.
    norm: f32,
}

impl Asked {
    /// `None` where it is no vector.
    pub(super) fn of(vector: &[f32]) -> Option<Asked> {
        let largest = largest(vector)?;
        // So many steps that a sum over all dimensions fits 32 bits.
        let steps = (i32::MAX / 127 / i32::try_from(vector.len()).ok()?).min(i32::from(i16::MAX)) as f32;
        let code = |x: &f32| if largest > 0.0 { (x / largest * steps).round() as i16 } else { 0 };
        let mut first: Vec<i16> = vector.iter().map(code).collect();
        let sum = first.iter().map(|code| i64::from(*code)).sum();
        let norm = first.iter().map(|code| f64::from(*code).powi(2)).sum::<f64>().sqrt() as f32;
        first.resize(2 * half_of(vector.len()), 0);
        let second = first.split_off(half_of(vector.len()));
        Some(Asked { scale: largest / steps, dimensions: vector.len(), first, second, sum, norm })
    }

    /// The sum of the products with halves of codes.
    #[inline(always)]
    fn times(&self, halves: &[u8]) -> i32 {
        let mut sum = 0;
        for ((byte, first), second) in halves.iter().zip(&self.first).zip(&self.second) {
            sum += i32::from(byte & 15) * i32::from(*first) + i32::from(byte >> 4) * i32::from(*second);
        }
        sum
    }
}

/// How many bytes the upper (or the lower) halves of so many codes take: two in a byte, in whole runs of sixteen bytes.
fn half_of(dimensions: usize) -> usize {
    dimensions.div_ceil(2).next_multiple_of(16)
}

fn largest(vector: &[f32]) -> Option<f32> {
    let is_vector = !vector.is_empty() && vector.len() <= DIMENSIONS_MAX && vector.iter().all(|x| x.is_finite());
    is_vector.then(|| vector.iter().fold(0f32, |most, x| most.max(x.abs())))
}

/// The vectors of one segment, in memory: one shelf for each number of dimensions, which is one in all but the moment when
/// another embedder takes over.
#[derive(Default)]
pub(super) struct Vectors(Vec<Shelf>);

/// Vectors of one number of dimensions. Each code is taken apart into its upper and its lower four bits: a scan reads the
/// upper halves alone, and knows from them between which bounds the cosine lies.
pub(super) struct Shelf {
    dimensions: usize,
    /// For each document the number of its row, or [`NO_ROW`].
    rows: Vec<u32>,
    /// The codes' upper halves, row after row: in byte `n` those of dimension `n` and of dimension `n` + half of them.
    upper: Vec<u8>,
    lower: Vec<u8>,
    /// For each row: its scale, and the length of its lower halves in that scale.
    scales: Vec<(f32, f32)>,
}

const NO_ROW: u32 = u32::MAX;

impl Vectors {
    /// From the numbers of each document's column.
    pub(super) fn of(columns: impl ExactSizeIterator<Item = Option<Quantised>>) -> Vectors {
        let count = columns.len();
        let mut shelves: Vec<Shelf> = Vec::new();
        for (doc, quantised) in columns.enumerate() {
            let Some(quantised) = quantised else { continue };
            let dimensions = quantised.codes.len();
            let at = shelves.iter().position(|shelf| shelf.dimensions == dimensions).unwrap_or_else(|| {
                shelves.push(Shelf::over(dimensions, count));
                shelves.len() - 1
            });
            shelves[at].put(doc, &quantised);
        }
        for shelf in &mut shelves {
            shelf.upper.shrink_to_fit();
            shelf.lower.shrink_to_fit();
        }
        Vectors(shelves)
    }

    /// Those that can be compared with what is asked: another embedder's vectors have another number of dimensions.
    pub(super) fn like(&self, asked: &Asked) -> Option<&Shelf> {
        self.0.iter().find(|shelf| shelf.dimensions == asked.dimensions)
    }
}

impl Shelf {
    fn over(dimensions: usize, count: usize) -> Shelf {
        let (upper, lower) = (Vec::new(), Vec::new());
        Shelf { dimensions, rows: vec![NO_ROW; count], upper, lower, scales: Vec::new() }
    }

    fn put(&mut self, doc: usize, quantised: &Quantised) {
        self.rows[doc] = self.scales.len() as u32;
        let half = half_of(self.dimensions);
        // Codes from 0 to 255, 128 for zero.
        let mut codes: Vec<u8> = quantised.codes.iter().map(|code| code.cast_unsigned() ^ 128).collect();
        let low = |code: &u8| f64::from((f32::from(code & 15) - LOW_MEAN).powi(2));
        let low = codes.iter().map(low).sum::<f64>().sqrt() as f32;
        self.scales.push((quantised.scale, low * quantised.scale));
        codes.resize(2 * half, 128);
        let (first, second) = codes.split_at(half);
        let pairs = || first.iter().zip(second);
        self.upper.extend(pairs().map(|(first, second)| first >> 4 | second & 0xf0));
        self.lower.extend(pairs().map(|(first, second)| first & 15 | second << 4));
    }

    /// The row of a document's vector, where it has one.
    #[inline(always)]
    pub(super) fn row(&self, doc: u32) -> Option<usize> {
        self.rows.get(doc as usize).filter(|row| **row != NO_ROW).map(|row| *row as usize)
    }

    /// What the cosine is at most, from the upper halves of the codes: what the lower halves add is at most the product of
    /// the lengths (Cauchy and Schwarz).
    #[inline(always)]
    pub(super) fn at_most(&self, row: usize, asked: &Asked) -> f32 {
        let half = half_of(self.dimensions);
        let (scale, low) = self.scales[row];
        let sum = asked.times(&self.upper[row * half..(row + 1) * half]);
        let likely = 16.0 * sum as f32 + (LOW_MEAN - 128.0) * asked.sum as f32;
        (likely * scale + asked.norm * low) * asked.scale + ROUNDING
    }

    /// The cosine, for vectors of unit length: a sum of whole numbers, so no order of additions is felt.
    #[inline(always)]
    pub(super) fn cosine(&self, row: usize, asked: &Asked) -> f32 {
        let half = half_of(self.dimensions);
        let row_of = |halves: &[u8]| i64::from(asked.times(&halves[row * half..(row + 1) * half]));
        let sum = 16 * row_of(&self.upper) + row_of(&self.lower) - 128 * asked.sum;
        sum as f32 * (asked.scale * self.scales[row].0)
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

    /// A shelf of these vectors, one after the other.
    fn vectors(of: &[Vec<f32>]) -> Vectors {
        Vectors::of(of.iter().map(|vector| Quantised::of(vector)))
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
    fn a_cosine_is_close_to_the_exact_one_and_never_above_its_bound() {
        for seed in 0..20 {
            for dimensions in [1, 2, 31, 64, 383, 384] {
                let (one, other) = (&unit(seed)[..dimensions], unit(seed + 1)[..dimensions].to_vec());
                let exact: f32 = one.iter().zip(&other).map(|(a, b)| a * b).sum();

                let (vectors, asked) = (vectors(&[other]), Asked::of(one).unwrap());
                let shelf = vectors.like(&asked).unwrap();
                let (cosine, at_most) = (shelf.cosine(0, &asked), shelf.at_most(0, &asked));

                assert!((cosine - exact).abs() < 0.01, "{cosine} for {exact}");
                assert!(cosine <= at_most && at_most < cosine + 0.5, "{cosine} is not just below {at_most}");
            }
        }
    }

    #[test]
    fn a_vector_that_is_asked_for_is_bounded_from_above_by_little_more_than_one() {
        let (vectors, asked) = (vectors(&[unit(5)]), Asked::of(&unit(5)).unwrap());

        let at_most = vectors.like(&asked).unwrap().at_most(0, &asked);

        assert!((1.0..1.2).contains(&at_most), "{at_most}");
    }

    #[test]
    fn what_is_no_vector_is_refused_and_another_length_is_not_compared() {
        for bad in [vec![], vec![f32::NAN], vec![f32::INFINITY, 0.0], vec![0.0; DIMENSIONS_MAX + 1]] {
            assert!(Quantised::of(&bad).is_none() && Asked::of(&bad).is_none());
        }
        let vectors = vectors(&[vec![0.1, 0.2, 0.3], vec![], vec![1.0, 0.0], vec![0.3, 0.2, 0.1]]);
        assert!(vectors.like(&Asked::of(&[1.0]).unwrap()).is_none());
        let three = vectors.like(&Asked::of(&[1.0, 0.0, 0.0]).unwrap()).unwrap();
        assert_eq!([0, 1, 2, 3, 4].map(|doc| three.row(doc)), [Some(0), None, None, Some(1), None]);
    }

    #[test]
    fn the_largest_vector_does_not_overflow() {
        for dimensions in [1, 384, DIMENSIONS_MAX] {
            let vector = vec![1.0; dimensions];
            let (vectors, asked) = (vectors(std::slice::from_ref(&vector)), Asked::of(&vector).unwrap());

            let cosine = vectors.like(&asked).unwrap().cosine(0, &asked);

            assert!((cosine / dimensions as f32 - 1.0).abs() < 0.01);
        }
    }
}
