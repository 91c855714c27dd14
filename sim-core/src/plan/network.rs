//! The network of a plan: what a path does to a datagram, and how faults change it.

use wavetank_protocol::{Span, rng::Probability};

use super::SlotSet;

/// One-way latency. Draws are clamped from below by `min`, which is never 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    /// The least latency, in nanoseconds; at least 1.
    pub min: Span,
    /// The shape above it.
    pub shape: LatencyShape,
}

/// Latency distributions; all parameters in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum LatencyShape {
    /// Always the same.
    Fixed(Span),
    /// Uniform between two values, both possible.
    Uniform {
        /// Least.
        min: Span,
        /// Greatest.
        max: Span,
    },
    /// Normal, cut off below at the latency's `min`.
    Normal {
        /// Mean.
        mean: Span,
        /// Standard deviation.
        sd: Span,
    },
    /// Log-normal, given by its median and 99th percentile.
    LogNormal {
        /// Median.
        median: Span,
        /// 99th percentile; at least the median.
        p99: Span,
    },
    /// Pareto: `scale * U^(-1/shape)`.
    Pareto {
        /// Scale, which is the least value.
        scale: Span,
        /// Tail exponent, above 0; 1.16 is the eighty-twenty rule.
        shape: f64,
    },
    /// Exponential above the latency's `min`: `min + Exp(mean - min)`.
    Exponential {
        /// Mean of the whole, at least `min`.
        mean: Span,
    },
    /// A measured table: (share at or below, value), both ascending, linear between, last share 1.
    Table(Vec<(Probability, Span)>),
}

/// Chance that a datagram is lost, per datagram and direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each on its own.
    Independent(Probability),
    /// With netem's correlation: this chance, and the weight of the previous draw, both shares.
    Correlated {
        /// Chance of a loss.
        probability: Probability,
        /// Weight of the previous draw.
        correlation: Probability,
    },
    /// Two states, good and bad (Gilbert and Elliott): change good to bad with `p`, bad to good with `r`
    /// at each datagram; lost with `1 - k` in the good state, `1 - h` in the bad one.
    GilbertElliott {
        /// Good to bad.
        p: Probability,
        /// Bad to good.
        r: Probability,
        /// Delivered in the bad state.
        h: Probability,
        /// Delivered in the good state.
        k: Probability,
    },
    /// netem's four-state Markov model: 1 received in a gap, 4 lost in a gap, 3 lost in a burst, 2 received
    /// in a burst.
    FourState {
        /// From 1 to 3.
        p13: Probability,
        /// From 3 to 1.
        p31: Probability,
        /// From 3 to 2.
        p32: Probability,
        /// From 2 to 3.
        p23: Probability,
        /// From 1 to 4.
        p14: Probability,
    },
}

/// A chance with netem's correlation (0: each on its own).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chances {
    /// Chance of the event.
    pub probability: Probability,
    /// Weight of the previous draw.
    pub correlation: Probability,
}

/// Extra delay on a path, added to its latency.
#[derive(Clone, Debug, PartialEq)]
pub struct Delay {
    /// Added to each datagram.
    pub latency: Span,
    /// Half-width (uniform) or standard deviation (others) of the variation.
    pub jitter: Span,
    /// Weight of the previous draw.
    pub correlation: Probability,
    /// Shape of the variation.
    pub distribution: JitterShape,
}

/// Shape of a delay's variation, as netem names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JitterShape {
    /// Uniform.
    #[default]
    Uniform,
    /// Normal.
    Normal,
    /// Pareto.
    Pareto,
    /// A quarter normal, three quarters Pareto.
    ParetoNormal,
}

/// Reordering: with this chance a datagram overtakes: it skips the path's extra delay, or else everything
/// but the `min` of its latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reorder {
    /// Chance.
    pub chances: Chances,
    /// At most every so-many-th datagram; 0 or 1: any.
    pub gap: u32,
}

/// A rate limit with a bounded queue in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bytes per second; at least 1.
    pub rate: u64,
    /// Bytes that may wait; what does not fit is dropped.
    pub limit: u64,
}

/// What a path does to datagrams.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkSpec {
    /// One-way latency.
    pub latency: Latency,
    /// Loss.
    pub loss: Loss,
    /// Duplication.
    pub duplicate: Chances,
    /// Corruption: a corrupted datagram is dropped by the receiver's checksum.
    pub corrupt: Chances,
    /// Reordering.
    pub reorder: Option<Reorder>,
    /// Extra delay with correlated jitter.
    pub delay: Option<Delay>,
    /// Rate limit, shared by all datagrams between the two zones in this direction.
    pub bandwidth: Option<Bandwidth>,
    /// Largest datagram payload that passes unfragmented, in bytes; larger ones are sent in fragments, each
    /// of which may be lost.
    pub mtu: Option<u32>,
}

/// A link of the scenario: it replaces the network's values between two sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// One end.
    pub from: SlotSet,
    /// The other end.
    pub to: SlotSet,
    /// Both directions.
    pub both: bool,
    /// The values in force, the network's own where the file named none.
    pub spec: LinkSpec,
}

/// Streams: loss is a retransmission there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Streams {
    /// None: the same loss as datagrams; else this one.
    pub loss: Option<Probability>,
    /// First retransmission time-out of a connection attempt; doubles.
    pub syn_rto: Span,
    /// Least retransmission time-out of data; doubles.
    pub rto_min: Span,
}

/// The network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Between any two nodes, where no link says otherwise. A later link wins over an earlier one.
    pub default: LinkSpec,
    /// Exceptions, in file order.
    pub links: Vec<Link>,
    /// The reliable plane.
    pub streams: Streams,
}
