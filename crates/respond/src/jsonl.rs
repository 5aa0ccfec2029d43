//! `jsonl`: one finding a line. The fields are those of design.md and stand with [`Finding`] in `model`.

use std::io::{self, BufWriter, Write};

use perisai_model::{Finding, Report};

use crate::Writer;
use crate::json::{self, Target};

pub(crate) struct Jsonl<'a> {
    out: BufWriter<Box<dyn Write + 'a>>,
}

impl<'a> Jsonl<'a> {
    pub(crate) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self {
            out: BufWriter::with_capacity(1 << 16, out),
        }
    }
}

impl Writer for Jsonl<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        json::write(&mut self.out, finding, Target::File)?;
        self.out.write_all(b"\n")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self, _report: &Report) -> io::Result<()> {
        self.out.flush()
    }
}
