//! STIX 2.0 and 2.1 for a hunt: objects are read one at a time and forgotten, but for what indicators need of them.

pub(crate) mod graph;
pub(crate) mod marking;
pub(crate) mod observed;
pub(crate) mod view;
pub(crate) mod walk;

use std::fmt;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

use self::graph::Graph;
use self::walk::{At, Objects};
use crate::Options;
use crate::json::{self, Tell};
use crate::sink::Sink;

/// Reads STIX JSON; `by_line` where each line is a document.
pub(crate) fn read(
    input: &mut dyn BufRead,
    by_line: bool,
    options: &Options,
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    let mut hunt = Hunt {
        options,
        sink,
        graph: Graph::default(),
    };
    let outcome = walk::read(input, by_line, &mut hunt);
    hunt.graph.finish(hunt.sink);
    outcome
}

struct Hunt<'a, 'b> {
    options: &'a Options,
    sink: &'a mut Sink<'b>,
    graph: Graph,
}

impl Tell for Hunt<'_, '_> {
    fn problem(&mut self, line: Option<u64>, why: fmt::Arguments<'_>) {
        self.sink.problem(line, why);
    }
}

impl Objects for Hunt<'_, '_> {
    fn object(&mut self, raw: &[u8], at: At) -> ControlFlow<()> {
        let head: view::Head = match json::parse(raw, at.line) {
            Ok(head) => head,
            Err(refused) => {
                let name = at.name(raw);
                self.problem(Some(refused.line), format_args!("{name}: {}", refused.why));
                return ControlFlow::Continue(());
            }
        };
        match head.kind {
            None => {
                let (name, start) = (at.name(raw), walk::start_of(raw));
                self.problem(Some(at.line), format_args!("{name} has no type: {start}"));
            }
            Some(kind) => {
                let object = graph::Object {
                    kind: &kind,
                    id: head.id,
                    raw,
                    line: at.line,
                };
                self.graph.add(object, self.options, self.sink);
            }
        }
        ControlFlow::Continue(())
    }
}
