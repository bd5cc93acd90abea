use super::error::ExplorerError;
use super::protocol::Protocol;
use super::state::State;
use std::collections::HashMap;

/// Every state that can be reached, and the counts of the schedules from there on.
///
/// A step never goes back, so the states form a graph without cycles. They are kept in the order in which they were finished: everything
/// that comes after a state is before it in the list, and the start is last.
///
/// ```text
/// paths(s)  = 1 if no worker can go on, else the sum of paths over the states after s
/// broken(s) = paths(s) if s itself breaks the invariant, else the sum of broken over the states after s
/// ```
#[derive(Debug)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    /// `width` numbers per node: schedules, bad ones, stuck ones, and those that break each invariant.
    counts: Vec<u128>,
    width: usize,
}

#[derive(Debug)]
struct Node {
    /// By worker: the node after that worker's step, if it can go.
    after: [Option<u32>; ExplorerError::MOST_WORKERS],
    /// Every schedule through here is bad.
    bad: bool,
}

// Where in a node's counts.
const PATHS: usize = 0;
const BAD: usize = 1;
const STUCK: usize = 2;
const RULES: usize = 3;

impl Graph {
    pub(super) fn of(protocol: &Protocol, limit: usize) -> Result<Graph, ExplorerError> {
        let mut graph = Graph {
            nodes: Vec::new(),
            counts: Vec::new(),
            width: RULES + protocol.rules.len(),
        };
        let start = State::start(&protocol.start);
        graph.visit(protocol, limit, &mut HashMap::new(), start)?;
        Ok(graph)
    }

    /// The node of `state`. The recursion is as deep as there are steps, at most 200.
    fn visit(
        &mut self,
        protocol: &Protocol,
        limit: usize,
        known: &mut HashMap<State, u32>,
        state: State,
    ) -> Result<u32, ExplorerError> {
        if let Some(&node) = known.get(&state) {
            return Ok(node);
        }
        let lists = &protocol.lists;
        let mut after = [None; ExplorerError::MOST_WORKERS];
        let mut counts = vec![0u128; self.width];
        for worker in (0..lists.len()).filter(|&worker| state.can_go(lists, worker)) {
            let node = self.visit(protocol, limit, known, state.after(lists, worker).0)?;
            after[worker] = Some(node);
            for (sum, &count) in counts.iter_mut().zip(self.counts(node)) {
                *sum = (sum.checked_add(count)).ok_or(ExplorerError::TooManySchedules)?;
            }
        }
        let is_end = after.iter().all(Option::is_none);
        let mut bad = false;
        if is_end {
            counts[PATHS] = 1;
            bad = (0..lists.len()).any(|worker| !state.is_done(lists, worker));
            counts[STUCK] = bad.into();
        }
        for (index, rule) in protocol.rules.iter().enumerate() {
            if rule.is_broken(&state.words, is_end) {
                counts[RULES + index] = counts[PATHS];
                bad = true;
            }
        }
        if bad {
            counts[BAD] = counts[PATHS];
        }
        if self.nodes.len() >= limit {
            return Err(ExplorerError::TooManyStates { limit });
        }
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { after, bad });
        self.counts.extend(counts);
        known.insert(state, node);
        Ok(node)
    }

    fn counts(&self, node: u32) -> &[u128] {
        &self.counts[node as usize * self.width..][..self.width]
    }

    /// How many states there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How many schedules there are from `node` on, and how many of them are bad whatever came before.
    pub(super) fn ahead(&self, node: u32) -> (u128, u128) {
        let counts = self.counts(node);
        (counts[PATHS], counts[BAD])
    }

    /// The node of the start.
    pub(super) fn root(&self) -> u32 {
        self.nodes.len() as u32 - 1
    }

    pub(super) fn schedules(&self) -> u128 {
        self.counts(self.root())[PATHS]
    }

    /// How many schedules break an invariant or get stuck.
    pub(super) fn bad(&self) -> u128 {
        self.counts(self.root())[BAD]
    }

    pub(super) fn stuck(&self) -> u128 {
        self.counts(self.root())[STUCK]
    }

    /// How many schedules break the `rule`-th invariant.
    pub(super) fn broken_by(&self, rule: usize) -> u128 {
        self.counts(self.root())[RULES + rule]
    }

    /// The workers that can go at `node`, and the nodes after their steps.
    pub(super) fn ways(&self, node: u32) -> impl Iterator<Item = (usize, u32)> + '_ {
        let after = self.nodes[node as usize].after.iter().enumerate();
        after.filter_map(|(worker, node)| node.map(|node| (worker, node)))
    }

    /// The worker of each step of schedule `id`. It walks down from the start, and at each state skips the schedules that go another way.
    pub(super) fn schedule(&self, id: u128) -> Result<Vec<usize>, ExplorerError> {
        let schedules = self.schedules();
        if id >= schedules {
            return Err(ExplorerError::NoSuchSchedule { id, schedules });
        }
        let (mut schedule, mut node, mut left) = (Vec::new(), self.root(), id);
        loop {
            let way = self.ways(node).find(|&(_, after)| {
                let paths = self.counts(after)[PATHS];
                let is_in = left < paths;
                if !is_in {
                    left -= paths;
                }
                is_in
            });
            let Some((worker, after)) = way else {
                return Ok(schedule);
            };
            schedule.push(worker);
            node = after;
        }
    }

    /// The number of a schedule, the reverse of [`schedule`](Graph::schedule): how many come before it. At each step those are the schedules
    /// in which an earlier worker goes.
    pub(super) fn id(&self, schedule: &[usize]) -> u128 {
        let (mut id, mut node) = (0, self.root());
        for &worker in schedule {
            let ways = self.ways(node).take_while(|&(other, _)| other <= worker);
            for (other, after) in ways.collect::<Vec<_>>() {
                if other == worker {
                    node = after;
                } else {
                    id += self.counts(after)[PATHS];
                }
            }
        }
        id
    }

    /// The number of the bad schedule with the fewest steps; among these, of the one that changes between workers least often; and among
    /// these, of the first.
    pub(super) fn shortest_bad(&self) -> Option<u128> {
        if self.bad() == 0 {
            return None;
        }
        let costs = self.costs();
        let (mut node, mut last, mut bad, mut id) = (self.root(), NOBODY, false, 0);
        loop {
            bad |= self.nodes[node as usize].bad;
            let best = self.ways(node).filter_map(|(worker, after)| {
                let cost = costs[after as usize][worker][usize::from(bad)]?;
                Some((cost.with_step(last, worker), worker, after))
            });
            let Some((_, worker, after)) = best.min() else {
                return Some(id);
            };
            // The schedules in which an earlier worker goes here come first.
            let before = self.ways(node).take_while(|&(other, _)| other < worker);
            id += before
                .map(|(_, other)| self.counts(other)[PATHS])
                .sum::<u128>();
            (node, last) = (after, worker);
        }
    }

    /// The cheapest way to a bad end, for each node, for each worker that may have done the step before it, and for schedules that were bad
    /// before it or not.
    fn costs(&self) -> Vec<[[Option<Cost>; 2]; NOBODY + 1]> {
        let mut costs: Vec<[[Option<Cost>; 2]; NOBODY + 1]> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let is_end = node.after.iter().all(Option::is_none);
            let mut of_node = [[None; 2]; NOBODY + 1];
            for (last, of_last) in of_node.iter_mut().enumerate() {
                for (was_bad, cost) in [false, true].into_iter().zip(of_last) {
                    let bad = was_bad || node.bad;
                    let ways = self.ways(index as u32).filter_map(|(worker, after)| {
                        let cost: Cost = costs[after as usize][worker][usize::from(bad)]?;
                        Some(cost.with_step(last, worker))
                    });
                    let end = (is_end && bad).then(Cost::default);
                    *cost = ways.chain(end).min();
                }
            }
            costs.push(of_node);
        }
        costs
    }
}

/// At the start, in place of the worker before.
const NOBODY: usize = ExplorerError::MOST_WORKERS;

/// How long a way is. The order of the fields is the order in which they count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    // A byte each, since there are at most 200 steps.
    steps: u8,
    switches: u8,
}

impl Cost {
    fn with_step(self, last: usize, worker: usize) -> Cost {
        Cost {
            steps: self.steps + 1,
            switches: self.switches + u8::from(last != NOBODY && last != worker),
        }
    }
}
