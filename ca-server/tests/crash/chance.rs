//! Seeded chance, so that every round can be played again. Knows numbers only.

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose what breaks.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is above zero.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Another, independent source.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }
}

/// How many rounds to play: `BREVET_ROUNDS`, else `short`.
pub fn rounds(short: u64) -> u64 {
    number("BREVET_ROUNDS").unwrap_or(short)
}

/// Which of many cases to play: one in `short`, from a seeded start, so that every run plays others; all of them when `BREVET_ROUNDS` is set.
pub fn cases(count: u64, short: u64) -> impl Iterator<Item = u64> {
    let (start, step) = match number("BREVET_ROUNDS") {
        Some(_) => (0, 1),
        None => (seed() % short, short),
    };
    (start..count).step_by(step as usize)
}

/// Where to start: `BREVET_SEED`, else the time of day. It is printed, so that a failure can be had again.
pub fn seed() -> u64 {
    let seed = number("BREVET_SEED").unwrap_or_else(|| {
        let since = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
        since.as_nanos() as u64
    });
    println!("BREVET_SEED={seed}");
    seed
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}
