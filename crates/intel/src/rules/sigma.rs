//! Tells Sigma rules by the keys at the start of their lines, without parsing YAML: a title, and what makes it a rule,
//! a correlation or a filter.

/// True where the text holds a Sigma rule, correlation or filter.
pub(crate) fn is_sigma(text: &str) -> bool {
    let (mut title, mut body) = (false, false);
    for line in text.lines() {
        let Some((key, _)) = line.split_once(':') else {
            continue;
        };
        match key.trim_end() {
            "title" => title = true,
            "detection" | "logsource" | "correlation" | "filter" => body = true,
            _ => {}
        }
        if title && body {
            return true;
        }
    }
    false
}

/// How many rules and correlations there are in the documents of a text; filters and what is common to all are none.
pub(crate) fn count(text: &str) -> usize {
    let mut rules = 0;
    // Of one document: it has a body, and it is a filter.
    let (mut body, mut filter) = (false, false);
    for line in text.lines().chain(["---"]) {
        if line.starts_with("---") {
            rules += usize::from(body && !filter);
            (body, filter) = (false, false);
        }
        match line.split_once(':').map(|(key, _)| key.trim_end()) {
            Some("detection" | "correlation") => body = true,
            Some("filter") => filter = true,
            _ => {}
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_counted() {
        let check = |text: &str, expected: usize| assert_eq!(count(text), expected, "{text}");
        check("title: a\ndetection:\n  x: y\n", 1);
        check(
            "---\ntitle: a\ndetection:\n---\ntitle: b\r\ncorrelation:\r\n  type: x\r\n--- # c\n",
            2,
        );
        check("action: global\ntitle: x\n---\ndetection:\n---\ndetection:\n", 2);
        check("title: x\nfilter:\n  rules: any\n", 0);
    }

    #[test]
    fn rules_correlations_and_filters() {
        let check = |text: &str, expected: bool| assert_eq!(is_sigma(text), expected, "{text}");
        check("title: x\nlogsource:\n  product: windows\ndetection:\n", true);
        check("---\r\ntitle: x\r\ncorrelation:\r\n  type: event_count\r\n", true);
        check("# c\naction: global\ntitle: x\n---\ndetection:\n", true);
        check("title: x\nfilter:\n  rules: any\n", true);
        check("title: a book\nauthor: b\n", false);
        check("kind: Deployment\nspec:\n  detection:\n", false);
        check("", false);
    }
}
