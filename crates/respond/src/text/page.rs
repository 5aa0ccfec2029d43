//! Lines on a terminal: labels, wrapping and colour. Every text that goes through here is cleaned, so that nothing a
//! stranger wrote reaches the terminal as it is.

use std::io::{self, Write};

use perisai_model::Severity;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::clean::clean;
use crate::sample::Sample;

/// The narrowest page that is still laid out; a narrower terminal wraps by itself.
const NARROWEST: usize = 40;
/// Lines that a sample may take.
const SAMPLE_LINES: usize = 3;

/// How a text looks in colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Match,
    Severity(Severity),
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Match => "1;31",
            Self::Severity(Severity::Critical) => "1;97;41",
            Self::Severity(Severity::High) => "1;31",
            Self::Severity(Severity::Medium) => "1;33",
            Self::Severity(Severity::Low) => "36",
            Self::Severity(Severity::Informational) => "2",
        }
    }
}

/// A page that is written line by line.
pub(crate) struct Page<W> {
    out: W,
    width: usize,
    color: bool,
}

/// Where the lines of a labelled text start, and how wide its label is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) indent: usize,
    pub(crate) label: usize,
}

impl<W: Write> Page<W> {
    pub(crate) fn new(out: W, width: usize, color: bool) -> Self {
        Self {
            out,
            width: width.max(NARROWEST),
            color,
        }
    }

    pub(crate) fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// A paragraph from the left edge.
    pub(crate) fn paragraph(&mut self, text: &str, style: Style) -> io::Result<()> {
        for line in wrap(&clean(text), self.width) {
            self.paint(&line, style)?;
            self.blank()?;
        }
        Ok(())
    }

    /// A word in the margin, a title, and a note at the right edge; the note moves below where the title is long.
    pub(crate) fn heading(
        &mut self,
        margin: (&str, usize),
        title: &str,
        note: &str,
        style: Style,
    ) -> io::Result<()> {
        let (word, indent) = margin;
        let lines = wrap(&clean(title), self.width - indent);
        let last = lines.len() - 1;
        for (at, line) in lines.iter().enumerate() {
            if at == 0 {
                self.paint(word, style)?;
                self.spaces(indent.saturating_sub(word.width()))?;
            } else {
                self.spaces(indent)?;
            }
            self.paint(line, Style::Bold)?;
            if at == last {
                let used = indent + line.width();
                if used + 2 + note.width() <= self.width {
                    self.spaces(self.width - used - note.width())?;
                } else {
                    self.blank()?;
                    self.spaces(indent)?;
                }
                self.paint(note, Style::Plain)?;
            }
            self.blank()?;
        }
        Ok(())
    }

    /// A label and its text, wrapped under its own start.
    pub(crate) fn field(&mut self, column: Column, label: &str, text: &str) -> io::Result<()> {
        let start = column.indent + column.label;
        for (at, line) in wrap(&clean(text), self.width - start).iter().enumerate() {
            self.spaces(column.indent)?;
            let label = if at == 0 { label } else { "" };
            self.paint(label, Style::Dim)?;
            self.spaces(column.label.saturating_sub(label.width()))?;
            self.paint(line, Style::Plain)?;
            self.blank()?;
        }
        Ok(())
    }

    /// A sample with its match in colour, or underlined where there is no colour.
    pub(crate) fn sample(&mut self, indent: usize, sample: &Sample) -> io::Result<()> {
        let parts = [
            (&sample.before, Style::Dim),
            (&sample.matched, Style::Match),
            (&sample.after, Style::Dim),
        ];
        let cells: Vec<(char, Style)> = parts
            .into_iter()
            .flat_map(|(text, style)| text.chars().map(move |c| (c, style)))
            .collect();
        for line in window(&cells, self.width - indent) {
            let end = line.iter().rposition(|cell| cell.0 != ' ').map_or(0, |at| at + 1);
            let line = &line[..end];
            self.spaces(indent)?;
            for run in line.chunk_by(|one, other| one.1 == other.1) {
                let text: String = run.iter().map(|cell| cell.0).collect();
                self.paint(&text, run[0].1)?;
            }
            self.blank()?;
            if !self.color && line.iter().any(|cell| cell.1 == Style::Match) {
                self.underline(indent, line)?;
            }
        }
        Ok(())
    }

    fn underline(&mut self, indent: usize, line: &[(char, Style)]) -> io::Result<()> {
        let marks: String = line
            .iter()
            .map(|&(c, style)| if style == Style::Match { "^" } else { " " }.repeat(width(c)))
            .collect();
        self.spaces(indent)?;
        self.out.write_all(marks.trim_end().as_bytes())?;
        self.blank()
    }

    fn spaces(&mut self, many: usize) -> io::Result<()> {
        write!(self.out, "{:many$}", "")
    }

    fn paint(&mut self, text: &str, style: Style) -> io::Result<()> {
        let text = clean(text);
        let code = style.code();
        if self.color && !code.is_empty() && !text.is_empty() {
            write!(self.out, "\x1b[{code}m{text}\x1b[0m")
        } else {
            self.out.write_all(text.as_bytes())
        }
    }
}

fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Breaks at spaces. A word that is wider than the page stays whole, so that it can be copied. At least one line.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let wide = word.width();
        if used > 0 && used + 1 + wide > columns {
            lines.push(String::new());
            used = 0;
        }
        let line = lines.last_mut().expect("there is always a line");
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += wide;
    }
    lines
}

/// The few lines of a sample that are shown: those from the start, or where the match would be cut off, those
/// around it.
fn window(cells: &[(char, Style)], columns: usize) -> Vec<&[(char, Style)]> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut used = 0;
    for (at, cell) in cells.iter().enumerate() {
        let wide = width(cell.0);
        if used + wide > columns {
            lines.push(&cells[start..at]);
            start = at;
            used = 0;
        }
        used += wide;
    }
    if start < cells.len() {
        lines.push(&cells[start..]);
    }
    let hit = lines
        .iter()
        .rposition(|line| line.iter().any(|cell| cell.1 == Style::Match))
        .unwrap_or(0);
    let skip = (hit + 1).saturating_sub(SAMPLE_LINES);
    lines.into_iter().skip(skip).take(SAMPLE_LINES).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_wrap() {
        let check = |text: &str, expected: &[&str]| assert_eq!(wrap(text, 10), expected, "{text:?}");
        check("", &[""]);
        check("one two", &["one two"]);
        check("one two three", &["one two", "three"]);
        check("0123456789abc d", &["0123456789abc", "d"]);
        check("東京 大阪 京都", &["東京 大阪", "京都"]);
    }

    fn page(draw: impl Fn(&mut Page<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        draw(&mut Page::new(&mut out, 40, false));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn wide_characters_are_underlined_whole() {
        let sample = Sample {
            place: perisai_model::Place::file("a"),
            before: "x 東".to_owned(),
            matched: "京y".to_owned(),
            after: "z".to_owned(),
        };
        let text = page(|page| page.sample(2, &sample).unwrap());
        assert_eq!(text, "  x 東京yz\n      ^^^\n");
    }

    proptest! {
        #[test]
        fn no_text_steers_the_terminal(text in any::<String>()) {
            let column = Column { indent: 4, label: 8 };
            let sample = Sample {
                place: perisai_model::Place::file("a"),
                before: clean(&text).into_owned(),
                matched: clean(&text).into_owned(),
                after: String::new(),
            };
            let drawn = page(|page| {
                page.paragraph(&text, Style::Plain).unwrap();
                page.heading(("HIGH", 6), &text, "1 finding", Style::Bold).unwrap();
                page.field(column, "source", &text).unwrap();
                page.sample(4, &sample).unwrap();
            });
            prop_assert!(drawn.lines().all(|line| !line.chars().any(crate::clean::is_hidden)));
        }
    }
}
