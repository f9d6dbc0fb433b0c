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

/// A question's vector: in sixteen bits, and in eight for a first look.
pub(super) struct Asked {
    dimensions: usize,
    fine: Codes<i16>,
    rough: Codes<i8>,
    /// The length of what the rough codes leave out.
    left_out: f32,
}

/// Codes of a vector as the halves of a [`Shelf`] lie: those of the first half of the dimensions, and those of the second,
/// filled up with zeros.
struct Codes<T> {
    first: Vec<T>,
    second: Vec<T>,
    /// What one step of a code is.
    scale: f32,
    /// The sum of all codes.
    sum: i64,
    /// Their length, in steps.
    norm: f32,
}

impl<T: Copy + Default + Into<i64>> Codes<T> {
    fn of(mut codes: Vec<T>, scale: f32) -> Codes<T> {
        let each = || codes.iter().map(|code| -> i64 { (*code).into() });
        let (sum, squares) = (each().sum(), each().map(|code| code * code).sum::<i64>());
        let half = half_of(codes.len());
        codes.resize(2 * half, T::default());
        let second = codes.split_off(half);
        Codes { first: codes, second, scale, sum, norm: (squares as f64).sqrt() as f32 }
    }
}

impl Asked {
    /// `None` where it is no vector.
    pub(super) fn of(vector: &[f32]) -> Option<Asked> {
        let largest = largest(vector)?;
        // So many steps that a sum over all dimensions fits 32 bits.
        let steps = (i32::MAX / 127 / i32::try_from(vector.len()).ok()?).min(i32::from(i16::MAX)) as f32;
        let code = |x: &f32, steps: f32| if largest > 0.0 { (x / largest * steps).round() } else { 0.0 };
        let fine: Vec<i16> = vector.iter().map(|x| code(x, steps) as i16).collect();
        let rough: Vec<i8> = vector.iter().map(|x| code(x, 127.0) as i8).collect();
        let (fine_scale, rough_scale) = (largest / steps, largest / 127.0);
        let left_out = |(fine, rough): (&i16, &i8)| {
            f64::from(f32::from(*fine) * fine_scale - f32::from(*rough) * rough_scale).powi(2)
        };
        let left_out = fine.iter().zip(&rough).map(left_out).sum::<f64>().sqrt() as f32;
        let (fine, rough) = (Codes::of(fine, fine_scale), Codes::of(rough, rough_scale));
        Some(Asked { dimensions: vector.len(), fine, rough, left_out })
    }
}

/// A way to add up the products of halves of codes with rough codes. Whole numbers are added, so all ways give the same.
pub(super) trait Adding: Copy {
    fn add(self, halves: &[u8], first: &[i8], second: &[i8]) -> i32;
}

/// For any processor.
#[derive(Clone, Copy)]
pub(super) struct OneByOne;

impl Adding for OneByOne {
    #[inline(always)]
    fn add(self, halves: &[u8], first: &[i8], second: &[i8]) -> i32 {
        let mut sum = 0;
        for ((byte, first), second) in halves.iter().zip(first).zip(second) {
            sum += i32::from(byte & 15) * i32::from(*first) + i32::from(byte >> 4) * i32::from(*second);
        }
        sum
    }
}

/// Sixty-four dimensions at once.
#[cfg(target_arch = "x86_64")]
impl Adding for pulp::x86::V3 {
    #[inline(always)]
    fn add(self, halves: &[u8], first: &[i8], second: &[i8]) -> i32 {
        use core::arch::x86_64::__m256i;
        const WIDTH: usize = 32;
        // A product of a half with a code, and another's beside it, is at most 2 · 15 · 127: eight fit sixteen bits.
        const RUN: usize = 8 * WIDTH;
        let load = |bytes: &[u8; WIDTH]| -> __m256i { pulp::cast(*bytes) };
        let load_signed = |bytes: &[i8; WIDTH]| -> __m256i { pulp::cast(*bytes) };
        let (low, ones) = (self.avx._mm256_set1_epi8(15), self.avx._mm256_set1_epi16(1));
        let mut sums = self.avx._mm256_setzero_si256();
        for ((halves, first), second) in halves.chunks(RUN).zip(first.chunks(RUN)).zip(second.chunks(RUN)) {
            let mut of_first = self.avx._mm256_setzero_si256();
            let mut of_second = self.avx._mm256_setzero_si256();
            let (halves, first, second) =
                (halves.as_chunks::<WIDTH>().0, first.as_chunks::<WIDTH>().0, second.as_chunks::<WIDTH>().0);
            for ((halves, first), second) in halves.iter().zip(first).zip(second) {
                let halves = load(halves);
                let lower = self.avx2._mm256_and_si256(halves, low);
                let upper = self.avx2._mm256_and_si256(self.avx2._mm256_srli_epi16::<4>(halves), low);
                let products = self.avx2._mm256_maddubs_epi16(lower, load_signed(first));
                of_first = self.avx2._mm256_add_epi16(of_first, products);
                let products = self.avx2._mm256_maddubs_epi16(upper, load_signed(second));
                of_second = self.avx2._mm256_add_epi16(of_second, products);
            }
            sums = self.avx2._mm256_add_epi32(sums, self.avx2._mm256_madd_epi16(of_first, ones));
            sums = self.avx2._mm256_add_epi32(sums, self.avx2._mm256_madd_epi16(of_second, ones));
        }
        let sums: [i32; 8] = pulp::cast(sums);
        sums.iter().sum()
    }
}

/// How many bytes the upper (or the lower) halves of so many codes take: two in a byte, in whole runs of 32 bytes.
fn half_of(dimensions: usize) -> usize {
    dimensions.div_ceil(2).next_multiple_of(32)
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
    /// The length of the longest of its vectors: one, or nearly, for an embedder's are of unit length.
    longest: f32,
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
        Shelf { dimensions, rows: vec![NO_ROW; count], upper, lower, scales: Vec::new(), longest: 0.0 }
    }

    fn put(&mut self, doc: usize, quantised: &Quantised) {
        self.rows[doc] = self.scales.len() as u32;
        let half = half_of(self.dimensions);
        // Codes from 0 to 255, 128 for zero.
        let mut codes: Vec<u8> = quantised.codes.iter().map(|code| code.cast_unsigned() ^ 128).collect();
        let low = |code: &u8| f64::from((f32::from(code & 15) - LOW_MEAN).powi(2));
        let low = codes.iter().map(low).sum::<f64>().sqrt() as f32;
        self.scales.push((quantised.scale, low * quantised.scale));
        let squares = quantised.codes.iter().map(|code| i64::from(*code) * i64::from(*code)).sum::<i64>();
        self.longest = self.longest.max((squares as f64).sqrt() as f32 * quantised.scale);
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

    /// What the cosine is at most, from the upper halves of the codes and the rough codes of what is asked: what these leave
    /// out adds at most the product of the lengths (Cauchy and Schwarz).
    #[inline(always)]
    pub(super) fn at_most(&self, row: usize, asked: &Asked, adding: impl Adding) -> f32 {
        let half = half_of(self.dimensions);
        let (scale, low) = self.scales[row];
        let rough = &asked.rough;
        let sum = adding.add(&self.upper[row * half..(row + 1) * half], &rough.first, &rough.second);
        let likely = 16.0 * sum as f32 + (LOW_MEAN - 128.0) * rough.sum as f32;
        (likely * scale + rough.norm * low) * rough.scale + asked.left_out * self.longest + ROUNDING
    }

    /// The cosine, for vectors of unit length: a sum of whole numbers, so no order of additions is felt.
    #[inline(always)]
    pub(super) fn cosine(&self, row: usize, asked: &Asked) -> f32 {
        let half = half_of(self.dimensions);
        let fine = &asked.fine;
        let row_of = |halves: &[u8]| -> i64 {
            let mut sum = 0;
            for ((byte, first), second) in
                halves[row * half..(row + 1) * half].iter().zip(&fine.first).zip(&fine.second)
            {
                sum += i32::from(byte & 15) * i32::from(*first) + i32::from(byte >> 4) * i32::from(*second);
            }
            sum.into()
        };
        let sum = 16 * row_of(&self.upper) + row_of(&self.lower) - 128 * fine.sum;
        sum as f32 * (fine.scale * self.scales[row].0)
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
                let (cosine, at_most) = (shelf.cosine(0, &asked), shelf.at_most(0, &asked, OneByOne));

                assert!((cosine - exact).abs() < 0.01, "{cosine} for {exact}");
                assert!(cosine <= at_most && at_most < cosine + 0.5, "{cosine} is not just below {at_most}");
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn all_ways_of_adding_give_the_same() {
        let Some(simd) = pulp::x86::V3::try_new() else { return };
        for dimensions in [1, 64, 384, 1000, DIMENSIONS_MAX] {
            let largest = vec![1.0; dimensions];
            let wave: Vec<f32> = (0..dimensions).map(|n| ((n * 7) as f32).sin()).collect();
            let vectors = vectors(&[wave.clone(), largest.clone()]);
            for asked in [Asked::of(&wave).unwrap(), Asked::of(&largest).unwrap()] {
                let shelf = vectors.like(&asked).unwrap();
                for row in [0, 1] {
                    let (wide, one_by_one) = (shelf.at_most(row, &asked, simd), shelf.at_most(row, &asked, OneByOne));
                    assert_eq!(wide.to_bits(), one_by_one.to_bits(), "{dimensions}");
                }
            }
        }
    }

    #[test]
    fn a_vector_that_is_asked_for_is_bounded_from_above_by_little_more_than_one() {
        let (vectors, asked) = (vectors(&[unit(5)]), Asked::of(&unit(5)).unwrap());

        let at_most = vectors.like(&asked).unwrap().at_most(0, &asked, OneByOne);

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
