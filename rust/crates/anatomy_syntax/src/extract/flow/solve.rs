//! The end of the walk: bindings and facts are sent along the ways of the graph until nothing new arrives anywhere.
//!
//! Sets of bits, one for each binding of a name that has several and for each fact that a test proves, and one per name
//! and per kind of fact for "not yet" and "not known". A use is told a fact if "not known" cannot reach it.

use anatomy_facts::{Id, Symbol};

use super::{
    super::{
        Extractor,
        scopes::{Bound, Declared, NOTHING, ScopeKind},
        words::QuickMap,
    },
    Event, Flow, Raised, Segment,
    conditions::Test,
};

/// Words of bits that the graph of one function may take; a larger one is left as its text reads.
const WORK_LIMIT: usize = 1 << 21;
/// How many bindings of one name are told to a use; of more, the last that precede it.
const BINDINGS_LIMIT: usize = 32;

/// A fact that a use is told.
pub(crate) struct Narrowing {
    pub(crate) expr: Id,
    pub(crate) kind: Symbol,
    pub(crate) class: Id,
}

/// What the graph says of the names of a file.
#[derive(Default)]
pub(crate) struct Flowed {
    /// Set of each name; `NOTHING` where the order of the text says it all.
    of_name: Vec<u32>,
    sets: Vec<(u32, u32)>,
    pool: Vec<u32>,
    pub(crate) narrowings: Vec<Narrowing>,
}

impl Flowed {
    /// The bindings that may reach a use, in order of the text, by ordinal; none where the graph was not asked or control
    /// never comes there. Empty: none has been made yet.
    pub(crate) fn bindings(&self, name: usize) -> Option<&[u32]> {
        let set = self.of_name[name];
        (set != NOTHING).then(|| self.set(set))
    }

    fn set(&self, set: u32) -> &[u32] {
        let (from, until) = self.sets[set as usize];
        &self.pool[from as usize..until as usize]
    }

    fn add(&mut self, bindings: &[u32]) -> u32 {
        let from = self.pool.len() as u32;
        self.pool.extend_from_slice(bindings);
        self.sets.push((from, self.pool.len() as u32));
        self.sets.len() as u32 - 1
    }
}

/// A name with several bindings that is used.
struct Variable {
    scope: u32,
    /// Its bindings, by ordinal.
    bindings: Vec<u32>,
}

/// What a block does to the bits.
#[derive(Clone, Copy)]
enum Op {
    /// Of the bits of a group only this one.
    Set {
        from: u32,
        until: u32,
        bit: u32,
    },
    Use {
        name: u32,
        variable: u32,
        is_late: bool,
    },
    /// A use in a lambda, which runs later.
    Later {
        name: u32,
        variable: u32,
    },
    /// A function is made.
    Make {
        region: u32,
    },
    Known {
        expr: Id,
        key: u32,
    },
}

/// The bits of one kind of fact about one tested thing; the first bit is "not known".
#[derive(Clone, Copy)]
struct Group {
    from: u32,
    until: u32,
}

/// A tested name or chain.
struct Key {
    /// What the test proves of its class: one alternative for each test.
    class: Group,
    /// That it is not `None`: by comparison, by truth.
    present: Group,
    /// That it is no instance of a class: a group for each test.
    absent: Vec<(Group, u32)>,
    /// Facts of `class`, in order of their bits.
    facts: Vec<u32>,
}

/// What all names of a file need, before regions are settled.
struct Needs {
    /// Variable of each name, or `NOTHING`.
    of_name: Vec<u32>,
    variables: Vec<Variable>,
    /// Variables whose bindings a region must follow.
    of_region: Vec<Vec<u32>>,
    /// Variable of each binding, or `NOTHING`.
    of_binding: Vec<u32>,
}

impl Extractor<'_> {
    /// Settles the graphs. `scopes` names the scope of each binding, `targets` that of what each name means (`NOTHING`:
    /// not bound in this file).
    pub(crate) fn flowed(&mut self, bound: &Bound, scopes: &[u32], targets: &[u32], is_stub: bool) -> Flowed {
        self.flow.close();
        let needs = self.needs(bound, scopes, targets);
        let mut flowed = Flowed { of_name: vec![NOTHING; self.names.len()], ..Flowed::default() };
        let mut segments = std::mem::take(&mut self.flow.segments);
        segments.retain(|segment| segment.from < segment.until);
        segments.sort_unstable_by_key(|segment| (segment.region, segment.block, segment.from));
        // Outer regions have smaller numbers and are settled first.
        let mut noted = Noted::default();
        let mut first = 0;
        for region in 0..self.flow.regions.len() as u32 {
            let own = segments[first..].partition_point(|segment| segment.region == region);
            let own_segments = &segments[first..first + own];
            first += own;
            let graph = &self.flow.regions[region as usize];
            if needs.of_region[region as usize].is_empty() && graph.assumed.is_empty() {
                continue;
            }
            let mut solver = Solver::new(self, &needs, scopes, targets, region, is_stub);
            solver.collect(own_segments);
            if solver.work() <= WORK_LIMIT {
                solver.spread();
                solver.answer(&mut flowed, &mut noted);
            }
        }
        self.deferred(&needs, &noted, &mut flowed, targets);
        flowed
    }

    fn needs(&self, bound: &Bound, scopes: &[u32], targets: &[u32]) -> Needs {
        let mut needs = Needs {
            of_name: vec![NOTHING; self.names.len()],
            variables: Vec::new(),
            of_region: vec![Vec::new(); self.flow.regions.len()],
            of_binding: vec![NOTHING; self.bindings.len()],
        };
        let mut nonlocals: Vec<(u32, u32, u32)> = Vec::new();
        for (at, row) in self.bindings.iter().enumerate() {
            if row.declared == Some(Declared::Nonlocal) && row.kind != self.vocabulary.self_attr {
                nonlocals.push((scopes[at], row.word.symbol.0, at as u32));
            }
        }
        nonlocals.sort_unstable();
        let nonlocals = Bound(nonlocals);
        for (at, row) in self.names.iter().enumerate() {
            let target = targets[at];
            if target == NOTHING {
                continue;
            }
            let direct = bound.of(target, row.name);
            let further = nonlocals.of(target, row.name);
            let Some(&(_, _, first)) = direct.first() else { continue };
            if needs.of_binding[first as usize] == NOTHING {
                let is_early =
                    direct.len() == 1 && self.scopes[target as usize].kind == ScopeKind::Class && row.time <= first;
                if direct.len() + further.len() < 2 && !is_early {
                    continue;
                }
                let variable = needs.variables.len() as u32;
                let bindings: Vec<u32> = direct.iter().chain(further).map(|&(_, _, at)| at).collect();
                let mut regions = vec![self.scopes[target as usize].region];
                for &binding in &bindings {
                    needs.of_binding[binding as usize] = variable;
                    regions.push(self.scopes[self.bindings[binding as usize].scope as usize].region);
                }
                regions.sort_unstable();
                regions.dedup();
                for region in regions {
                    needs.of_region[region as usize].push(variable);
                }
                needs.variables.push(Variable { scope: target, bindings });
            }
            needs.of_name[at] = needs.of_binding[first as usize];
        }
        needs
    }

    /// Answers for names whose variable lives in a function or module around theirs: they run later.
    fn deferred(&self, needs: &Needs, noted: &Noted, flowed: &mut Flowed, targets: &[u32]) {
        for (at, row) in self.names.iter().enumerate() {
            let variable = needs.of_name[at];
            if variable == NOTHING || flowed.of_name[at] != NOTHING || self.runs_within(row.scope, targets[at]) {
                continue;
            }
            // The function right inside that of the variable: where it is defined decides what it sees. A function of the
            // module runs when the module has run.
            let home = self.scopes[targets[at] as usize].region;
            let mut inside = if home == 0 { 0 } else { self.scopes[row.scope as usize].region };
            while inside > home && self.flow.regions[inside as usize].parent != home {
                inside = self.flow.regions[inside as usize].parent;
            }
            let Some(&seen) = noted.captured.get(&(variable, inside)) else { continue };
            flowed.of_name[at] = match noted.partly.get(&(at as u32)) {
                None => seen,
                Some(&own) => {
                    let mut both = [flowed.set(own), flowed.set(seen)].concat();
                    both.sort_unstable();
                    both.dedup();
                    flowed.add(&both)
                }
            };
        }
    }
}

/// Sets that names of other regions take.
#[derive(Default)]
struct Noted {
    /// What a function sees of a variable around it, by variable and region; what is left at the end of the module.
    captured: QuickMap<(u32, u32), u32>,
    /// What a function that binds a variable of another scope itself sees of that, where this is not all, by name.
    partly: QuickMap<u32, u32>,
}

/// Settles one region.
struct Solver<'a, 't> {
    walk: &'a Extractor<'t>,
    needs: &'a Needs,
    scopes: &'a [u32],
    targets: &'a [u32],
    region: u32,
    is_stub: bool,
    /// First bit of each variable of the region: "not yet"; then its bindings here, in order.
    variables: Vec<(u32, Group)>,
    variable_at: QuickMap<u32, u32>,
    bit_of: QuickMap<u32, u32>,
    keys: Vec<Key>,
    /// Key of a tested name by scope and symbol, of a chain by `NOTHING` and shape.
    plain_keys: QuickMap<(u32, u32), u32>,
    chain_keys: QuickMap<u64, u32>,
    /// Keys that a binding of the name, a store to the attribute forgets.
    hang_on_name: QuickMap<u32, Vec<u32>>,
    hang_on_shape: QuickMap<u64, Vec<u32>>,
    bits: u32,
    /// Bits from here on are of facts.
    first_fact_bit: u32,
    ops: Vec<Op>,
    /// First op of each block.
    starts: Vec<u32>,
    words: usize,
    arriving: Vec<u64>,
}

impl<'a, 't> Solver<'a, 't> {
    fn new(
        walk: &'a Extractor<'t>,
        needs: &'a Needs,
        scopes: &'a [u32],
        targets: &'a [u32],
        region: u32,
        is_stub: bool,
    ) -> Self {
        let mut solver = Solver {
            walk,
            needs,
            scopes,
            targets,
            region,
            is_stub,
            variables: Vec::new(),
            variable_at: QuickMap::default(),
            bit_of: QuickMap::default(),
            keys: Vec::new(),
            plain_keys: QuickMap::default(),
            chain_keys: QuickMap::default(),
            hang_on_name: QuickMap::default(),
            hang_on_shape: QuickMap::default(),
            bits: 0,
            first_fact_bit: 0,
            ops: Vec::new(),
            starts: Vec::new(),
            words: 0,
            arriving: Vec::new(),
        };
        for &variable in &needs.of_region[region as usize] {
            let from = solver.bits;
            solver.bits += 1;
            for &binding in &needs.variables[variable as usize].bindings {
                let row = &walk.bindings[binding as usize];
                let is_here = walk.scopes[row.scope as usize].region == region;
                if is_here && row.kind != walk.vocabulary.delete {
                    solver.bit_of.insert(binding, solver.bits);
                    solver.bits += 1;
                }
            }
            solver.variable_at.insert(variable, solver.variables.len() as u32);
            solver.variables.push((variable, Group { from, until: solver.bits }));
        }
        solver.first_fact_bit = solver.bits;
        solver.number_facts();
        solver.words = (solver.bits as usize).div_ceil(64);
        solver
    }

    fn flow(&self) -> &'a Flow {
        &self.walk.flow
    }

    /// Gives every fact of the region its bit.
    fn number_facts(&mut self) {
        let flow = self.flow();
        let mut facts: Vec<u32> = flow.regions[self.region as usize].assumed.iter().map(|&(_, fact)| fact).collect();
        facts.sort_unstable();
        facts.dedup();
        let mut by_key: Vec<Vec<u32>> = Vec::new();
        for fact in facts {
            let row = &flow.facts[fact as usize];
            let root = row.root;
            let scope = if root.is_binding { self.scopes[root.at as usize] } else { self.targets[root.at as usize] };
            let shapes = &flow.shapes[row.shapes.0 as usize..row.shapes.1 as usize];
            let next = by_key.len() as u32;
            let key = match shapes.last() {
                None => *self.plain_keys.entry((scope, root.symbol.0)).or_insert(next),
                Some(&shape) => *self.chain_keys.entry(shape).or_insert(next),
            };
            if key == next {
                by_key.push(Vec::new());
                self.hang_on_name.entry(root.symbol.0).or_default().push(key);
                for &shape in shapes {
                    self.hang_on_shape.entry(shape).or_default().push(key);
                }
            }
            by_key[key as usize].push(fact);
        }
        for facts in by_key {
            let class_from = self.bits;
            let (absent, class): (Vec<u32>, Vec<u32>) = facts
                .iter()
                .filter(|&&fact| !matches!(flow.facts[fact as usize].test, Test::NotNone | Test::Truthy))
                .partition(|&&fact| matches!(flow.facts[fact as usize].test, Test::NotIsinstance | Test::Guard));
            self.bits += 1 + class.len() as u32;
            let class_group = Group { from: class_from, until: self.bits };
            let present = Group { from: self.bits, until: self.bits + 3 };
            self.bits += 3;
            let mut groups = Vec::new();
            for fact in absent {
                groups.push((Group { from: self.bits, until: self.bits + 2 }, fact));
                self.bits += 2;
            }
            self.keys.push(Key { class: class_group, present, absent: groups, facts: class });
        }
    }

    /// Lists what each block does.
    fn collect(&mut self, segments: &[Segment]) {
        let flow = self.flow();
        let graph = &flow.regions[self.region as usize];
        let mut assumed = graph.assumed.clone();
        assumed.sort_unstable();
        let mut assumed = assumed.into_iter().peekable();
        let mut segments = segments.iter().peekable();
        for block in 0..graph.blocks {
            self.starts.push(self.ops.len() as u32);
            while let Some((_, fact)) = assumed.next_if(|&(at, _)| at == block) {
                self.assume(fact);
            }
            while let Some(segment) = segments.next_if(|segment| segment.block == block) {
                for &packed in &flow.log[segment.from as usize..segment.until as usize] {
                    self.event(Event::unpack(packed));
                }
            }
        }
        self.starts.push(self.ops.len() as u32);
    }

    fn assume(&mut self, fact: u32) {
        let row = &self.flow().facts[fact as usize];
        let shapes = &self.flow().shapes[row.shapes.0 as usize..row.shapes.1 as usize];
        let scope =
            if row.root.is_binding { self.scopes[row.root.at as usize] } else { self.targets[row.root.at as usize] };
        let key = match shapes.last() {
            None => self.plain_keys.get(&(scope, row.root.symbol.0)),
            Some(shape) => self.chain_keys.get(shape),
        };
        let Some(key) = key.map(|&key| &self.keys[key as usize]) else { return };
        let set = |group: Group, bit: u32| Op::Set { from: group.from, until: group.until, bit };
        let op = match row.test {
            Test::NotNone => set(key.present, key.present.from + 1),
            Test::Truthy => set(key.present, key.present.from + 2),
            Test::NotIsinstance | Test::Guard => match key.absent.iter().find(|(_, other)| *other == fact) {
                Some(&(group, _)) => set(group, group.from + 1),
                None => return,
            },
            _ => match key.facts.iter().position(|other| *other == fact) {
                Some(at) => set(key.class, key.class.from + 1 + at as u32),
                None => return,
            },
        };
        self.ops.push(op);
    }

    fn forget(&mut self, key: u32) {
        let key = &self.keys[key as usize];
        let groups = [key.class, key.present].into_iter().chain(key.absent.iter().map(|&(group, _)| group));
        self.ops.extend(groups.map(|group| Op::Set { from: group.from, until: group.until, bit: group.from }));
    }

    fn event(&mut self, event: Event) {
        let walk = self.walk;
        match event {
            Event::Name(name) | Event::LateName(name) => {
                let row = &walk.names[name as usize];
                let target = self.targets[name as usize];
                let variable = self.needs.of_name[name as usize];
                if let Some(&at) = self.variable_at.get(&variable).filter(|_| variable != NOTHING) {
                    let is_home = walk.scopes[target as usize].region == self.region;
                    self.ops.push(if is_home && !walk.runs_within(row.scope, target) {
                        Op::Later { name, variable: at }
                    } else {
                        let is_late = self.is_stub || matches!(event, Event::LateName(_));
                        Op::Use { name, variable: at, is_late }
                    });
                }
                if row.context == walk.vocabulary.load
                    && let Some(&key) = self.plain_keys.get(&(target, row.name.0))
                {
                    self.ops.push(Op::Known { expr: row.expr, key });
                }
            }
            Event::Bind(binding) | Event::Unbind(binding) => {
                let variable = self.needs.of_binding[binding as usize];
                if let Some(&at) = self.variable_at.get(&variable).filter(|_| variable != NOTHING) {
                    let group = self.variables[at as usize].1;
                    let made = self.bit_of.get(&binding).copied().filter(|_| matches!(event, Event::Bind(_)));
                    self.ops.push(Op::Set { from: group.from, until: group.until, bit: made.unwrap_or(group.from) });
                }
                let symbol = walk.bindings[binding as usize].word.symbol.0;
                if walk.bindings[binding as usize].kind != walk.vocabulary.self_attr
                    && let Some(keys) = self.hang_on_name.get(&symbol).cloned()
                {
                    keys.into_iter().for_each(|key| self.forget(key));
                }
            }
            Event::Attribute(at) => {
                let attribute = &walk.flow.attributes[at as usize];
                if attribute.is_load {
                    if let Some(&key) = self.chain_keys.get(&attribute.shape) {
                        self.ops.push(Op::Known { expr: attribute.expr, key });
                    }
                } else if let Some(keys) = self.hang_on_shape.get(&attribute.shape).cloned() {
                    keys.into_iter().for_each(|key| self.forget(key));
                }
            }
            Event::Region(region) => {
                // What is seen from functions of the module is what its end leaves.
                if self.region != 0 && !self.variables.is_empty() {
                    self.ops.push(Op::Make { region });
                }
            }
        }
    }

    fn work(&self) -> usize {
        let graph = &self.flow().regions[self.region as usize];
        let raised: usize = graph.raised.iter().map(|raised| (raised.until - raised.from) as usize).sum();
        (graph.blocks as usize + graph.edges.len() + raised) * self.words
    }

    /// Sends the bits along the ways until nothing new arrives.
    fn spread(&mut self) {
        let flow = self.flow();
        let graph = &flow.regions[self.region as usize];
        let (blocks, words) = (graph.blocks as usize, self.words);
        // What a block adds and lets pass, and all that is ever true in it.
        let mut adds = vec![0u64; blocks * words];
        let mut stops = vec![0u64; blocks * words];
        let mut ever = vec![0u64; blocks * words];
        let mut copies = graph.copies.iter().peekable();
        let mut copied: Option<(u32, u32, u32)> = None;
        for block in 0..blocks {
            if let Some(&copy) = copies.next_if(|copy| copy.0 as usize <= block) {
                copied = Some(copy);
            }
            let at = block * words;
            if let Some((first, past, original)) = copied
                && (block as u32) < past
            {
                let from = (block as u32 - first + original) as usize * words;
                for table in [&mut adds, &mut stops, &mut ever] {
                    table.copy_within(from..from + words, at);
                }
                continue;
            }
            for op in &self.ops[self.starts[block] as usize..self.starts[block + 1] as usize] {
                if let Op::Set { from, until, bit } = *op {
                    clear(&mut adds[at..at + words], from, until);
                    fill(&mut stops[at..at + words], from, until);
                    set(&mut adds[at..at + words], bit);
                    set(&mut ever[at..at + words], bit);
                }
            }
        }
        let mut ways = graph.edges.clone();
        ways.sort_unstable();
        ways.dedup();
        let mut raised = graph.raised.clone();
        raised.sort_unstable_by_key(|raised| raised.to);
        let mut arriving = vec![0u64; blocks * words];
        for &(_, group) in &self.variables {
            set(&mut arriving, group.from);
        }
        for key in &self.keys {
            set(&mut arriving, key.class.from);
            set(&mut arriving, key.present.from);
            for (group, _) in &key.absent {
                set(&mut arriving, group.from);
            }
        }
        let is_backward = |&(to, from): &(u32, u32)| from >= to;
        let again = ways.iter().any(is_backward) || raised.iter().any(|raised| raised.until > raised.to);
        let mut sum = vec![0u64; words];
        loop {
            let mut changed = false;
            let (mut way, mut rise) = (0, 0);
            for block in 0..blocks {
                let at = block * words;
                sum.copy_from_slice(&arriving[at..at + words]);
                while way < ways.len() && ways[way].0 as usize == block {
                    let from = ways[way].1 as usize * words;
                    if arriving[from..from + words].iter().any(|word| *word != 0) {
                        for word in 0..words {
                            sum[word] |= arriving[from + word] & !stops[from + word] | adds[from + word];
                        }
                    }
                    way += 1;
                }
                while rise < raised.len() && raised[rise].to as usize == block {
                    let Raised { from, until, is_swallowed, .. } = raised[rise];
                    for other in from as usize..until as usize {
                        let from = other * words;
                        if arriving[from..from + words].iter().all(|word| *word == 0) {
                            continue;
                        }
                        for word in 0..words {
                            let mut new = arriving[from + word] | ever[from + word];
                            if is_swallowed {
                                new &= below(self.first_fact_bit, word);
                            }
                            sum[word] |= new;
                        }
                    }
                    rise += 1;
                }
                if sum != arriving[at..at + words] {
                    arriving[at..at + words].copy_from_slice(&sum);
                    changed = true;
                }
            }
            if !changed || !again {
                break;
            }
        }
        self.arriving = arriving;
    }

    /// Tells every use what arrives there.
    fn answer(&self, flowed: &mut Flowed, noted: &mut Noted) {
        let graph = &self.flow().regions[self.region as usize];
        let words = self.words;
        let mut now = vec![0u64; words];
        let mut at_end = now.clone();
        let mut found = Vec::new();
        for block in 0..graph.blocks as usize {
            let arriving = &self.arriving[block * words..(block + 1) * words];
            let ops = &self.ops[self.starts[block] as usize..self.starts[block + 1] as usize];
            if arriving.iter().all(|word| *word == 0) {
                continue;
            }
            now.copy_from_slice(arriving);
            for op in ops {
                match *op {
                    Op::Set { .. } => apply(&mut now, *op),
                    Op::Use { name, variable, is_late } => {
                        let (variable, group) = self.variables[variable as usize];
                        self.found(&now, variable, group, &mut found);
                        if self.is_home(variable) {
                            found.extend(self.made_elsewhere(variable, self.walk.names[name as usize].time));
                            if !found.is_empty() || !is_late || self.is_plain(variable) {
                                flowed.of_name[name as usize] = flowed.add(&found);
                            }
                        } else if holds(&now, group.from) {
                            // Not bound here on some way: what is bound around this function counts too.
                            noted.partly.insert(name, flowed.add(&found));
                        } else {
                            flowed.of_name[name as usize] = flowed.add(&found);
                        }
                    }
                    // What functions of the module see is settled at its end.
                    Op::Later { .. } if self.region == 0 => {}
                    Op::Later { name, variable } => {
                        let (variable, group) = self.variables[variable as usize];
                        self.seen_later(&now, variable, group, self.walk.names[name as usize].time, &mut found);
                        flowed.of_name[name as usize] = flowed.add(&found);
                    }
                    Op::Make { region } => {
                        let time = self.flow().regions[region as usize].time;
                        for &(variable, group) in self.variables.iter().filter(|(variable, _)| self.is_home(*variable))
                        {
                            self.seen_later(&now, variable, group, time, &mut found);
                            noted.captured.insert((variable, region), flowed.add(&found));
                        }
                    }
                    Op::Known { expr, key } => self.known(&now, expr, key, flowed),
                }
            }
            if self.region == 0 && graph.ends.contains(&(block as u32)) {
                at_end.iter_mut().zip(&now).for_each(|(all, new)| *all |= new);
            }
        }
        for &(variable, group) in
            self.variables.iter().filter(|(variable, _)| self.region == 0 && self.is_home(*variable))
        {
            self.found(&at_end, variable, group, &mut found);
            found.extend(self.made_elsewhere(variable, NOTHING));
            noted.captured.insert((variable, 0), flowed.add(&found));
        }
    }

    /// True if the scope of a variable is part of this region.
    fn is_home(&self, variable: u32) -> bool {
        let scope = self.needs.variables[variable as usize].scope;
        self.walk.scopes[scope as usize].region == self.region
    }

    /// True if no binding of a variable is a definition or import: then an annotation cannot mean it before it is bound.
    fn is_plain(&self, variable: u32) -> bool {
        let words = self.walk.vocabulary;
        self.needs.variables[variable as usize].bindings.iter().all(|&binding| {
            let kind = self.walk.bindings[binding as usize].kind;
            kind == words.annotated || kind == words.assign
        })
    }

    /// What a function that is made now may see when it runs: what is bound now, and all that is bound later.
    fn seen_later(&self, now: &[u64], variable: u32, group: Group, time: u32, found: &mut Vec<u32>) {
        self.found(now, variable, group, found);
        let bindings = &self.needs.variables[variable as usize].bindings;
        found.extend(bindings.iter().filter(|binding| **binding >= time && self.bit_of.contains_key(binding)));
        found.extend(self.made_elsewhere(variable, NOTHING));
        found.sort_unstable();
        found.dedup();
    }

    /// The bindings of a variable that are set.
    fn found(&self, now: &[u64], variable: u32, group: Group, found: &mut Vec<u32>) {
        found.clear();
        let mut bit = group.from;
        for &binding in &self.needs.variables[variable as usize].bindings {
            if self.bit_of.contains_key(&binding) {
                bit += 1;
                if holds(now, bit) {
                    found.push(binding);
                }
            }
        }
    }

    /// Bindings that other functions make by `global` and `nonlocal`, above `time`.
    fn made_elsewhere(&self, variable: u32, time: u32) -> impl Iterator<Item = u32> {
        let walk = self.walk;
        let region = self.region;
        self.needs.variables[variable as usize].bindings.iter().copied().filter(move |&binding| {
            let row = &walk.bindings[binding as usize];
            walk.scopes[row.scope as usize].region != region && binding < time && row.kind != walk.vocabulary.delete
        })
    }

    fn known(&self, now: &[u64], expr: Id, key: u32, flowed: &mut Flowed) {
        let key = &self.keys[key as usize];
        let flow = self.flow();
        let classes = |fact: u32| {
            let (from, until) = flow.facts[fact as usize].classes;
            flow.classes[from as usize..until as usize].iter().copied()
        };
        if !holds(now, key.class.from) {
            let mut is_instance = false;
            for (at, &fact) in (0u32..).zip(&key.facts) {
                if holds(now, key.class.from + 1 + at) {
                    let test = flow.facts[fact as usize].test;
                    is_instance |= test != Test::IsNone;
                    let kind = test.word();
                    if test == Test::IsNone {
                        flowed.narrowings.push(Narrowing { expr, kind, class: 0 });
                    }
                    flowed.narrowings.extend(classes(fact).map(|class| Narrowing { expr, kind, class }));
                }
            }
            if !is_instance {
                return;
            }
        } else if !holds(now, key.present.from) {
            let test = match (holds(now, key.present.from + 1), holds(now, key.present.from + 2)) {
                (true, _) => Some(Test::NotNone),
                (false, true) => Some(Test::Truthy),
                _ => None,
            };
            flowed.narrowings.extend(test.map(|test| Narrowing { expr, kind: test.word(), class: 0 }));
        }
        for &(group, fact) in &key.absent {
            if !holds(now, group.from) && holds(now, group.from + 1) {
                let kind = flow.facts[fact as usize].test.word();
                flowed.narrowings.extend(classes(fact).map(|class| Narrowing { expr, kind, class }));
            }
        }
    }
}

/// The bindings that are told: of too many, the last that precede the use.
pub(crate) fn told(bindings: &[u32], time: u32) -> &[u32] {
    if bindings.len() <= BINDINGS_LIMIT {
        return bindings;
    }
    let before = bindings.partition_point(|&binding| binding < time).max(BINDINGS_LIMIT);
    &bindings[before - BINDINGS_LIMIT..before]
}

fn apply(now: &mut [u64], op: Op) {
    if let Op::Set { from, until, bit } = op {
        clear(now, from, until);
        set(now, bit);
    }
}

fn holds(bits: &[u64], bit: u32) -> bool {
    bits[bit as usize / 64] >> (bit % 64) & 1 != 0
}

fn set(bits: &mut [u64], bit: u32) {
    bits[bit as usize / 64] |= 1 << (bit % 64);
}

/// The bits of one word that are below a bit of all.
fn below(bit: u32, word: usize) -> u64 {
    match (bit as usize).checked_sub(word * 64) {
        None => 0,
        Some(within) if within >= 64 => u64::MAX,
        Some(within) => (1 << within) - 1,
    }
}

fn range(from: u32, until: u32, word: usize) -> u64 {
    below(until, word) & !below(from, word)
}

fn clear(bits: &mut [u64], from: u32, until: u32) {
    let (first, past) = (from as usize / 64, (until as usize).div_ceil(64));
    for (word, bits) in (first..past).zip(&mut bits[first..past]) {
        *bits &= !range(from, until, word);
    }
}

fn fill(bits: &mut [u64], from: u32, until: u32) {
    let (first, past) = (from as usize / 64, (until as usize).div_ceil(64));
    for (word, bits) in (first..past).zip(&mut bits[first..past]) {
        *bits |= range(from, until, word);
    }
}
