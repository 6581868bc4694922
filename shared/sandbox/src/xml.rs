//! Writes text into XML. Elements are written as canonical XML has them (no white space between them, no empty-element
//! tags, attributes in order), so that what is signed is what is sent.

/// Text as it stands between tags and in attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\r' => safe.push_str("&#xD;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_reads_as_it_was() {
        let text = "a<b>&\"c\"\r\n";
        let document = format!("<t a=\"{}\">{}</t>", escaped("<&\">"), escaped(text));
        let document = roxmltree::Document::parse(&document).unwrap();
        assert_eq!(document.root_element().text(), Some(text));
        assert_eq!(document.root_element().attribute("a"), Some("<&\">"));
    }
}
