//! Latencies, counted in buckets: one addition per frame, and no memory that grows.

/// Buckets for each power of two; a value is known to within 1/32.
const STEPS: u64 = 32;

/// How often which number of nanoseconds was seen.
#[derive(Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    /// An empty one.
    pub fn new() -> Self {
        Self { counts: vec![0; bucket(u64::MAX) + 1], total: 0, max: 0 }
    }

    /// Counts one value.
    pub fn add(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.total += 1;
        self.max = self.max.max(value);
    }

    /// Counts all values of another one, too.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(ours, theirs)| *ours += theirs);
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// The greatest value; 0 if there is none.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value that `share` (0.0..=1.0) of all values do not exceed, as the upper end of its bucket.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = (share * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                return upper_end(at).min(self.max);
            }
        }
        0
    }
}

/// Values below `STEPS` have a bucket each; above, the five bits behind the leading one choose it.
fn bucket(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let shift = u64::from(value.ilog2()) - u64::from(STEPS.ilog2());
    (shift * STEPS + (value >> shift)) as usize
}

fn upper_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let first = (bucket % STEPS + STEPS) << shift;
    first + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_a_narrow_bucket() {
        let mut values: Vec<u64> = (0..10_000).collect();
        values.extend((0..64).flat_map(|bit| [1 << bit, (1 << bit) - 1, 3 << bit >> 1]));
        values.push(u64::MAX);
        for value in values {
            let end = upper_end(bucket(value));
            assert!(end >= value && end - value <= value / STEPS, "{value}: {end}");
        }
    }

    #[test]
    fn quantiles_are_ranks() {
        let mut latency = Histogram::new();
        assert_eq!((latency.quantile(0.5), latency.max()), (0, 0));
        (1..=20).for_each(|value| latency.add(value));
        latency.add(1_000_000);
        assert_eq!(latency.quantile(0.5), 11);
        assert_eq!(latency.quantile(0.0), 1);
        assert_eq!(latency.quantile(1.0), 1_000_000);
        assert_eq!(latency.max(), 1_000_000);
    }
}
