//! Labels as people and programs write them (`TLP RED`, `tlp-red`, `ＴＬＰ：ＲＥＤ`), brought to plain words.

/// The words of a label that may begin with a letter; none for one that begins otherwise.
///
/// Letters are compared in lower case and as they look: full-width, circled and mathematical forms count as plain ones,
/// as do the letters of other scripts that cannot be told from T and P. What cannot be seen is passed over. All that is
/// neither a letter nor a digit parts words.
pub(super) fn words(label: &str, first: char) -> Vec<String> {
    let seen = label.chars().filter(|c| !is_unseen(*c)).map(plain);
    if seen.clone().find(|c| c.is_alphanumeric()) != Some(first) {
        return Vec::new();
    }
    let folded: String = seen.collect();
    let words = folded.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What stands behind a name, its words joined by `+`.
pub(super) fn behind(words: &[String], name: &[&str]) -> Option<String> {
    let begins = words.len() >= name.len() && words.iter().zip(name).all(|(word, part)| word == part);
    begins.then(|| words[name.len()..].join("+"))
}

/// A letter as it looks, in lower case.
fn plain(c: char) -> char {
    let letter = |at: u32| char::from(b'a' + (at % 26) as u8);
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0)
            .unwrap_or(c)
            .to_ascii_lowercase(),
        '\u{1d400}'..='\u{1d6a3}' => letter(c as u32 - 0x1d400),
        '\u{24b6}'..='\u{24e9}' => letter(c as u32 - 0x24b6),
        '\u{1f130}'..='\u{1f149}' => letter(c as u32 - 0x1f130),
        'Т' | 'т' | 'Τ' | 'τ' => 't',
        'Р' | 'р' | 'Ρ' | 'ρ' => 'p',
        c => c.to_lowercase().next().unwrap_or(c),
    }
}

/// Marks without a width, and those that only change what stands before them.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}
