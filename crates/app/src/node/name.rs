//! What people may call what a node keeps.

/// Refuses a name that cannot stand in a path or on a line: `.` and `..`, those with a `/`, and those with control
/// characters.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    match name {
        "." | ".." => Err("`.` and `..` are no names"),
        name if name.contains('/') => Err("a name has no `/` in it"),
        name if name.chars().any(char::is_control) => Err("a name has no control characters in it"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, is_good: bool| assert_eq!(check_name(name).is_ok(), is_good, "{name:?}");
        check("B CERT", true);
        check("Міністерство", true);
        check("list.txt", true);
        check("...", true);
        check(".", false);
        check("..", false);
        check("a/b", false);
        check("a\nb", false);
        check("a\u{1b}[2J", false);
        check("a\u{85}", false);
    }
}
