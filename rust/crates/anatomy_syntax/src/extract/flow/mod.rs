//! Control flow: which bindings reach a use of a name, and which tests have held on every way to it.
//!
//! The walk draws a graph of blocks while it reads, one for each function (classes, comprehensions and lambdas are part of
//! what is around them), and logs in each block what is bound and what is used. `solve` settles the graph when the whole
//! file is known: only for names with several bindings and for names that are tested, so that most code costs nothing.
//!
//! It follows too many ways rather than too few: any statement of a `try` may raise, any `with` may swallow.

mod conditions;
mod solve;

use anatomy_facts::{Id, Symbol};
use tree_sitter::Node;

use super::{Extractor, kinds::kind_of};
use conditions::Fact;
pub(crate) use conditions::Subject;
pub(crate) use solve::told;

/// How many blocks of a `finally` are followed apart for each way of leaving it; a longer one is followed once for all.
const COPIED_BLOCKS: u32 = 64;

/// What happens in a block, in order; packed as kind and ordinal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    /// A use of a plain name.
    Name(u32),
    /// One in an annotation, which may be evaluated at any time or never.
    LateName(u32),
    /// A binding.
    Bind(u32),
    /// The end of a binding: `except ... as e` unbinds `e`.
    Unbind(u32),
    /// A use of an attribute, or a store to it.
    Attribute(u32),
    /// A function is defined; its body is a region of its own.
    Region(u32),
}

const EVENT_SHIFT: u32 = 29;

impl Event {
    fn pack(self) -> u32 {
        let (kind, at) = match self {
            Event::Name(at) => (0, at),
            Event::LateName(at) => (1, at),
            Event::Bind(at) => (2, at),
            Event::Unbind(at) => (3, at),
            Event::Attribute(at) => (4, at),
            Event::Region(at) => (5, at),
        };
        kind << EVENT_SHIFT | at
    }

    fn unpack(packed: u32) -> Self {
        let at = packed & ((1 << EVENT_SHIFT) - 1);
        match packed >> EVENT_SHIFT {
            0 => Event::Name(at),
            1 => Event::LateName(at),
            2 => Event::Bind(at),
            3 => Event::Unbind(at),
            4 => Event::Attribute(at),
            _ => Event::Region(at),
        }
    }
}

/// Events `from..until` of the log stand in a block of a region.
#[derive(Clone, Copy)]
struct Segment {
    region: u32,
    block: u32,
    from: u32,
    until: u32,
}

/// An attribute that was met, by the shape of its whole chain.
struct AttributeUse {
    expr: Id,
    shape: u64,
    is_load: bool,
}

/// A block that control reaches from any point of others.
#[derive(Clone, Copy)]
struct Raised {
    to: u32,
    from: u32,
    until: u32,
    /// Only a context manager that swallows leads here: no ground to forget what a test said.
    is_swallowed: bool,
}

/// The graph of one function or of the module. Blocks are numbers; the first is the entry.
#[derive(Default)]
struct Region {
    parent: u32,
    blocks: u32,
    /// Target and source.
    edges: Vec<(u32, u32)>,
    raised: Vec<Raised>,
    /// Facts that hold where a block begins.
    assumed: Vec<(u32, u32)>,
    /// Blocks that repeat others: first of them, one past the last, first of the others.
    copies: Vec<(u32, u32, u32)>,
    /// The blocks in which it ends: the last one, and those that leave the program.
    ends: Vec<u32>,
    /// How many bindings the walk had seen when it came here.
    time: u32,
}

/// What surrounds a statement that jumps.
enum Frame {
    Loop { breaks: Vec<u32>, continues: Vec<u32> },
    Finally { breaks: Vec<u32>, continues: Vec<u32>, returns: Vec<u32> },
}

/// Where control goes when a condition is true and when it is false: blocks that lead on.
#[derive(Default, Debug)]
pub(crate) struct Outcome {
    pub(crate) yes: Vec<u32>,
    pub(crate) no: Vec<u32>,
}

/// A `try` that is being read.
pub(crate) struct Trying {
    first: u32,
    has_finally: bool,
}

/// The graphs of a file, as the walk draws them.
#[derive(Default)]
pub(crate) struct Flow {
    regions: Vec<Region>,
    region: u32,
    block: u32,
    log: Vec<u32>,
    segments: Vec<Segment>,
    attributes: Vec<AttributeUse>,
    facts: Vec<Fact>,
    /// Class expressions of the facts.
    classes: Vec<Id>,
    /// Shapes of the tested chains and of what they hang on, below the name.
    shapes: Vec<u64>,
    frames: Vec<Frame>,
    /// Regions around the current one: number, block and frames.
    around: Vec<(u32, u32, Vec<Frame>)>,
    /// Of the boolean operation that was read last, by node.
    outcome: Option<(usize, Outcome)>,
}

impl Flow {
    pub(crate) fn new() -> Self {
        let mut flow = Flow::default();
        flow.regions.push(Region { blocks: 1, ..Region::default() });
        flow.segments.push(Segment { region: 0, block: 0, from: 0, until: 0 });
        flow
    }

    fn log(&mut self, event: Event) {
        self.log.push(event.pack());
    }

    pub(crate) fn name_used(&mut self, ordinal: u32, is_late: bool) {
        self.log(if is_late { Event::LateName(ordinal) } else { Event::Name(ordinal) });
    }

    pub(crate) fn bound(&mut self, ordinal: u32) {
        self.log(Event::Bind(ordinal));
    }

    pub(crate) fn unbound(&mut self, ordinal: u32) {
        self.log(Event::Unbind(ordinal));
    }

    pub(crate) fn attribute_used(&mut self, expr: Id, shape: u64, is_load: bool) {
        self.log(Event::Attribute(self.attributes.len() as u32));
        self.attributes.push(AttributeUse { expr, shape, is_load });
    }

    /// The block in which the walk is.
    pub(crate) fn here(&self) -> u32 {
        self.block
    }

    fn graph(&mut self) -> &mut Region {
        &mut self.regions[self.region as usize]
    }

    fn new_block(&mut self, from: &[u32]) -> u32 {
        let graph = self.graph();
        let block = graph.blocks;
        graph.blocks += 1;
        graph.edges.extend(from.iter().map(|&from| (block, from)));
        block
    }

    /// Goes on in a block.
    pub(crate) fn go(&mut self, block: u32) {
        self.block = block;
        let from = self.log.len() as u32;
        let segment = Segment { region: self.region, block, from, until: from };
        match self.segments.last_mut() {
            Some(last) if last.from == from => *last = segment,
            Some(last) => {
                last.until = from;
                self.segments.push(segment);
            }
            None => self.segments.push(segment),
        }
    }

    /// Goes on in a new block that control reaches from those, and returns it; from none: code that never runs.
    pub(crate) fn enter(&mut self, from: &[u32]) -> u32 {
        let block = self.new_block(from);
        self.go(block);
        block
    }

    /// Adds ways into a block: the way back of a loop.
    pub(crate) fn lead(&mut self, to: u32, from: &[u32]) {
        self.graph().edges.extend(from.iter().map(|&from| (to, from)));
    }

    /// Opens the graph of a function.
    pub(crate) fn open_region(&mut self, time: u32) -> u32 {
        let region = self.regions.len() as u32;
        self.log(Event::Region(region));
        self.regions.push(Region { parent: self.region, blocks: 1, time, ..Region::default() });
        self.around.push((self.region, self.block, std::mem::take(&mut self.frames)));
        self.region = region;
        self.go(0);
        region
    }

    /// Goes back to the graph around it.
    pub(crate) fn close_region(&mut self) {
        if let Some((region, block, frames)) = self.around.pop() {
            self.region = region;
            self.frames = frames;
            self.go(block);
        }
    }

    /// The walk is over.
    fn close(&mut self) {
        let last = self.block;
        self.graph().ends.push(last);
        if let Some(last) = self.segments.last_mut() {
            last.until = self.log.len() as u32;
        }
    }

    pub(crate) fn open_loop(&mut self) {
        self.frames.push(Frame::Loop { breaks: Vec::new(), continues: Vec::new() });
    }

    /// The blocks that break and that continue the loop.
    pub(crate) fn close_loop(&mut self) -> (Vec<u32>, Vec<u32>) {
        match self.frames.pop() {
            Some(Frame::Loop { breaks, continues }) => (breaks, continues),
            Some(other) => {
                self.frames.push(other);
                Default::default()
            }
            None => Default::default(),
        }
    }

    fn break_from(&mut self, block: u32) {
        if let Some(Frame::Loop { breaks, .. } | Frame::Finally { breaks, .. }) = self.frames.last_mut() {
            breaks.push(block);
        }
    }

    fn continue_from(&mut self, block: u32) {
        if let Some(Frame::Loop { continues, .. } | Frame::Finally { continues, .. }) = self.frames.last_mut() {
            continues.push(block);
        }
    }

    pub(crate) fn break_here(&mut self) {
        self.break_from(self.block);
        self.enter(&[]);
    }

    pub(crate) fn continue_here(&mut self) {
        self.continue_from(self.block);
        self.enter(&[]);
    }

    pub(crate) fn return_here(&mut self) {
        let block = self.block;
        if let Some(Frame::Finally { returns, .. }) =
            self.frames.iter_mut().rev().find(|frame| matches!(frame, Frame::Finally { .. }))
        {
            returns.push(block);
        }
        self.enter(&[]);
    }

    /// Control never comes past this point.
    pub(crate) fn stop_here(&mut self) {
        self.enter(&[]);
    }

    /// The program ends here.
    pub(crate) fn exit_here(&mut self) {
        let here = self.block;
        self.graph().ends.push(here);
        self.enter(&[]);
    }

    /// Begins the body of a `try`.
    pub(crate) fn open_try(&mut self, has_finally: bool) -> Trying {
        if has_finally {
            self.frames.push(Frame::Finally { breaks: Vec::new(), continues: Vec::new(), returns: Vec::new() });
        }
        let first = self.enter(&[self.block]);
        Trying { first, has_finally }
    }

    /// The block that an exception from the body leads to.
    pub(crate) fn caught(&mut self, trying: &Trying) -> u32 {
        let until = self.graph().blocks;
        let to = self.enter(&[]);
        self.graph().raised.push(Raised { to, from: trying.first, until, is_swallowed: false });
        to
    }

    /// Ends a `try`: reads its `finally`, if any, once, and follows it for each way on which it is left.
    pub(crate) fn close_try<'t>(
        extractor: &mut Extractor<'t>,
        trying: &Trying,
        ends: &[u32],
        last: impl FnOnce(&mut Extractor<'t>),
    ) {
        if !trying.has_finally {
            extractor.flow.enter(ends);
            return;
        }
        let flow = &mut extractor.flow;
        let Some(Frame::Finally { breaks, continues, returns }) = flow.frames.pop() else {
            flow.enter(ends);
            return last(extractor);
        };
        let marks = (flow.graph().edges.len(), flow.graph().raised.len(), flow.graph().assumed.len());
        let until = flow.graph().blocks;
        let first = flow.enter(ends);
        for ways in [&breaks, &continues, &returns] {
            flow.lead(first, ways);
        }
        flow.graph().raised.push(Raised { to: first, from: trying.first, until, is_swallowed: false });
        last(extractor);
        let flow = &mut extractor.flow;
        let end = flow.block;
        if !breaks.is_empty() {
            let left = flow.repeat(first, end, marks, &breaks);
            flow.break_from(left);
        }
        if !continues.is_empty() {
            let left = flow.repeat(first, end, marks, &continues);
            flow.continue_from(left);
        }
        let left = flow.repeat(first, end, marks, ends);
        flow.enter(&[left]);
    }

    /// Repeats the blocks since `first` for those who come from `entries` only; the block that stands for `end`.
    fn repeat(&mut self, first: u32, end: u32, marks: (usize, usize, usize), entries: &[u32]) -> u32 {
        let graph = self.graph();
        let past =
            graph.copies.iter().find(|&&(_, _, original)| original == first).map_or(graph.blocks, |&(copy, _, _)| copy);
        if past - first > COPIED_BLOCKS {
            return end;
        }
        let shift = graph.blocks - first;
        let moved = |block: u32| if block >= first { block + shift } else { block };
        graph.copies.push((graph.blocks, graph.blocks + past - first, first));
        graph.blocks += past - first;
        let edges: Vec<(u32, u32)> = graph.edges[marks.0..]
            .iter()
            .filter(|&&(to, from)| to > first && to < past && from < past)
            .map(|&(to, from)| (to + shift, moved(from)))
            .collect();
        graph.edges.extend(edges);
        graph.edges.extend(entries.iter().map(|&from| (first + shift, from)));
        let raised: Vec<Raised> = graph.raised[marks.1..]
            .iter()
            .filter(|raised| raised.to > first && raised.to < past)
            .map(|raised| Raised {
                to: raised.to + shift,
                from: moved(raised.from),
                until: moved(raised.until),
                ..*raised
            })
            .collect();
        graph.raised.extend(raised);
        let assumed: Vec<(u32, u32)> = graph.assumed[marks.2..]
            .iter()
            .filter(|&&(block, _)| block >= first && block < past)
            .map(|&(block, fact)| (block + shift, fact))
            .collect();
        graph.assumed.extend(assumed);
        end + shift
    }

    /// Begins a `with`: what its managers bind belongs to it.
    pub(crate) fn open_with(&mut self) -> u32 {
        self.enter(&[self.block])
    }

    /// Ends it: whatever was raised in it may have been swallowed.
    pub(crate) fn close_with(&mut self, first: u32) {
        let until = self.graph().blocks;
        let to = self.enter(&[self.block]);
        self.graph().raised.push(Raised { to, from: first, until, is_swallowed: true });
    }

    /// Ends a condition whose parts were followed apart.
    pub(crate) fn settle(&mut self, node: Node<'_>, outcome: Outcome) {
        let mut both: Vec<u32> = outcome.yes.iter().chain(&outcome.no).copied().collect();
        both.dedup();
        self.enter(&both);
        self.outcome = Some((node.id(), outcome));
    }
}

impl Extractor<'_> {
    /// True if a call never returns, by its name.
    pub(crate) fn never_returns(&self, call: Node<'_>) -> bool {
        use super::kinds::{Kind, fields};
        kind_of(call) == Kind::Call
            && call.child_by_field_id(fields().function).is_some_and(|callee| {
                matches!(
                    self.text_of(callee),
                    "sys.exit"
                        | "exit"
                        | "quit"
                        | "os._exit"
                        | "os.abort"
                        | "assert_never"
                        | "typing.assert_never"
                        | "typing_extensions.assert_never"
                        | "pytest.fail"
                        | "pytest.skip"
                        | "pytest.exit"
                        | "pytest.xfail"
                )
            })
    }
}

/// The name of a tested thing: what the walk knows of it before names have their meaning.
#[derive(Clone, Copy, Debug)]
struct Root {
    symbol: Symbol,
    /// Ordinal among the names; of a walrus among the bindings.
    at: u32,
    is_binding: bool,
}
