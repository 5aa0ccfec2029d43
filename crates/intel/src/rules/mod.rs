//! Rules that are recognised here and stay text: Sigma, YARA, Snort and Suricata. `detect` and `yara` compile them.

pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod sigma;
pub(crate) mod yara;

use std::io::{self, BufRead, Read};

use perisai_model::RuleLanguage;

use crate::sink::Sink;

/// The largest file of rules that is read.
const FILE: u64 = 32 * 1024 * 1024;

/// Keeps a whole file as one rule text.
pub(crate) fn read_file(
    input: &mut dyn BufRead,
    language: RuleLanguage,
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    let outcome = input.take(FILE + 1).read_to_end(&mut bytes);
    if bytes.len() as u64 > FILE {
        sink.problem(None, format_args!("a file of rules of more than {FILE} bytes"));
        return Ok(());
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let line = memchr::memchr_iter(b'\n', &error.as_bytes()[..good]).count() as u64 + 1;
            sink.problem(
                Some(line),
                format_args!("not valid UTF-8; read with replacement characters"),
            );
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
    };
    if outcome.is_ok() {
        let context = sink.bare_context();
        let context = sink.add_context(context);
        sink.rule(language, text, context, None);
    }
    outcome.map(|_| ())
}
