//! Whether everybody has the true member list, kept up to date at every change of belief.
//!
//! A node is *true* while it runs and has not called leave. Per member it is counted how many true
//! observers hold it (alive or suspect), and how many of these with its present attributes. All lists are
//! true when each true member is held so by all other true nodes, and no other member by anybody.

use wavetank_protocol::belief::{AttributesId, Belief, MemberId};

/// The counts.
#[derive(Debug, Default)]
pub struct Census {
    held: Vec<u32>,
    exact: Vec<u32>,
    present: Vec<Option<AttributesId>>,
    truth: Vec<bool>,
    true_nodes: u64,
    /// Sum of `exact` over true members.
    right: u64,
    /// Sum of `held` over all others.
    wrong: u64,
}

impl Census {
    fn grow(&mut self, member: MemberId) {
        let n = member.index() + 1;
        if self.held.len() < n {
            self.held.resize(n, 0);
            self.exact.resize(n, 0);
            self.present.resize(n, None);
            self.truth.resize(n, false);
        }
    }

    /// A member becomes true with these attributes.
    pub fn appear(&mut self, member: MemberId) {
        self.grow(member);
        let m = member.index();
        if !self.truth[m] {
            self.truth[m] = true;
            self.true_nodes += 1;
            self.wrong -= u64::from(self.held[m]);
            self.right += u64::from(self.exact[m]);
        }
    }

    /// A member is true no longer; its own view must be withdrawn beside this.
    pub fn vanish(&mut self, member: MemberId) {
        self.grow(member);
        let m = member.index();
        if self.truth[m] {
            self.truth[m] = false;
            self.true_nodes -= 1;
            self.right -= u64::from(self.exact[m]);
            self.wrong += u64::from(self.held[m]);
        }
    }

    /// A member's own attributes changed; `holders` observers hold these already.
    pub fn set_present(&mut self, member: MemberId, attributes: AttributesId) {
        self.grow(member);
        let m = member.index();
        if self.present[m] != Some(attributes) {
            self.present[m] = Some(attributes);
            if self.truth[m] {
                self.right -= u64::from(self.exact[m]);
            }
            self.exact[m] = 0;
        }
    }

    /// A true observer's record of another member changed.
    pub fn record(&mut self, member: MemberId, old: Option<Belief>, new: Option<Belief>) {
        self.grow(member);
        let m = member.index();
        let holds = |b: Option<Belief>| b.is_some_and(|b| !b.status.is_gone());
        let exact = |b: Option<Belief>| holds(b) && b.map(|b| b.attributes) == self.present[m];
        let (held_before, held_now) = (u32::from(holds(old)), u32::from(holds(new)));
        let (exact_before, exact_now) = (u32::from(exact(old)), u32::from(exact(new)));
        if self.truth[m] {
            self.right = self.right + u64::from(exact_now) - u64::from(exact_before);
        } else {
            self.wrong = self.wrong + u64::from(held_now) - u64::from(held_before);
        }
        self.held[m] = self.held[m] + held_now - held_before;
        self.exact[m] = self.exact[m] + exact_now - exact_before;
    }

    /// Everybody knows everybody: `n` members, all true.
    pub fn everybody(&mut self, members: &[(MemberId, AttributesId)]) {
        let others = members.len() as u32 - 1;
        for &(member, attributes) in members {
            self.grow(member);
            let m = member.index();
            self.truth[m] = true;
            self.present[m] = Some(attributes);
            self.held[m] = others;
            self.exact[m] = others;
        }
        self.true_nodes = members.len() as u64;
        self.right = self.true_nodes * u64::from(others);
    }

    /// Whether all true nodes hold the true list.
    pub fn is_whole(&self) -> bool {
        self.wrong == 0 && self.right == self.true_nodes * self.true_nodes.saturating_sub(1)
    }

    /// Number of true nodes.
    pub fn true_nodes(&self) -> u64 {
        self.true_nodes
    }

    /// How many true observers hold a member.
    pub fn holders(&self, member: MemberId) -> u32 {
        self.held.get(member.index()).copied().unwrap_or(0)
    }
}
