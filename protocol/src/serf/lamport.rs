//! Lamport clocks (`serf/lamport.go`; specification 2).

/// A Lamport time.
pub type LTime = u64;

/// A Lamport clock: the next time that its owner would assign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock(LTime);

impl Clock {
    /// A clock that shows a time.
    pub const fn at(time: LTime) -> Self {
        Self(time)
    }

    /// What it shows (`Time`).
    #[inline]
    pub const fn time(self) -> LTime {
        self.0
    }

    /// Goes on by one and gives the new time (`Increment`).
    pub fn increment(&mut self) -> LTime {
        self.0 = self.0.wrapping_add(1);
        self.0
    }

    /// A time was met: the clock goes past it (`Witness`). Nothing bounds it, and the last time wraps it to 0.
    #[inline]
    pub fn witness(&mut self, time: LTime) {
        if time >= self.0 {
            self.0 = time.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witnessed_time_is_passed_and_an_old_one_ignored() {
        for (clock, met, then) in [(5, 4, 5), (5, 5, 6), (5, 9, 10), (3, u64::MAX, 0)] {
            let mut c = Clock::at(clock);
            c.witness(met);
            assert_eq!(c.time(), then, "clock {clock} met {met}");
        }
        assert_eq!(Clock::at(1).increment(), 2);
    }
}
