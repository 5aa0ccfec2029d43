//! Values that are defanged in the log itself, as in mails and tickets: `hxxp://evil[.]example/a`.

use perisai_model::Kind;
use perisai_values::refang;

use super::super::Hit;
use super::Scanner;

/// So far to either side a defanged value is read.
const LONGEST: usize = 512;

impl Scanner<'_> {
    /// Where the dot stands in brackets: refangs the text around it and scans that.
    pub(super) fn defanged(&mut self, bytes: &[u8], dot: usize, out: &mut Vec<Hit>) {
        let opens = |byte: &u8| matches!(byte, b'[' | b'(' | b'{');
        let closes = |byte: &u8| matches!(byte, b']' | b')' | b'}');
        let bracketed = dot > 0 && opens(&bytes[dot - 1]) && bytes.get(dot + 1).is_some_and(closes);
        if !bracketed {
            return;
        }
        let outside =
            |byte: u8| byte <= b' ' || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b',' | b';' | b'`');
        let before = bytes[..dot]
            .iter()
            .rev()
            .take(LONGEST)
            .take_while(|&&byte| !outside(byte))
            .count();
        let behind = bytes[dot..]
            .iter()
            .take(LONGEST)
            .take_while(|&&byte| !outside(byte))
            .count();
        let (start, end) = (dot - before, dot + behind);
        self.done.defanged = end;
        let text = String::from_utf8_lossy(&bytes[start..end]);
        let real = refang(&text);
        let mut hits = Vec::new();
        self.matcher
            .scanner()
            .scan_plain(real.as_bytes(), false, &mut hits);
        hits.retain(|hit| !hit.apart && is_defanged(self.matcher.value(hit.indicator).0));
        out.extend(hits.into_iter().map(|hit| Hit::new(start, end, hit.indicator)));
    }
}

/// The kinds that people defang: what a click could open.
fn is_defanged(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Domain | Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::Url | Kind::EmailAddress
    )
}
