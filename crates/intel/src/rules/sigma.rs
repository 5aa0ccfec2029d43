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

#[cfg(test)]
mod tests {
    use super::*;

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
