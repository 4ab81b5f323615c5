//! What a docstring says of a parameter, in the three ways in which people write it: `:param name: text`, a section `Args:`
//! with indented entries, and a section `Parameters` underlined with dashes.

/// The sentence about a parameter, if there is one.
pub(crate) fn of_parameter(doc: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = doc.lines().collect();
    let found = field(&lines, name).or_else(|| entry(&lines, name)).or_else(|| underlined(&lines, name))?;
    let text = found.join(" ").split_whitespace().collect::<Vec<&str>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// `:param name: text` and `:param type name: text`.
fn field<'d>(lines: &[&'d str], name: &str) -> Option<Vec<&'d str>> {
    let (at, rest) = lines.iter().enumerate().find_map(|(at, line)| {
        let line = line.trim_start();
        let rest = [":param ", ":parameter ", ":arg ", ":argument ", ":keyword ", ":kwarg "];
        let rest = rest.iter().find_map(|word| line.strip_prefix(word))?;
        let (declared, text) = rest.split_once(':')?;
        (is_name(declared.split_whitespace().last()?, name)).then_some((at, text))
    })?;
    let margin = indent(lines[at]);
    Some(with_more(rest, &lines[at + 1..], margin))
}

/// An entry of a section `Args:`.
fn entry<'d>(lines: &[&'d str], name: &str) -> Option<Vec<&'d str>> {
    let heads = ["args:", "arguments:", "parameters:", "keyword args:", "keyword arguments:", "attributes:"];
    let section = lines.iter().position(|line| heads.contains(&line.trim().to_lowercase().as_str()))?;
    let margin = indent(lines[section]);
    let inside = lines[section + 1..].iter().take_while(|line| line.trim().is_empty() || indent(line) > margin);
    let count = inside.count();
    let inside = &lines[section + 1..section + 1 + count];
    let level = inside.iter().find(|line| !line.trim().is_empty()).map(|line| indent(line))?;
    inside.iter().enumerate().find_map(|(at, line)| {
        if indent(line) != level {
            return None;
        }
        let (declared, text) = line.split_once(':')?;
        let declared = declared.split('(').next()?.trim();
        is_name(declared, name).then(|| with_more(text, &inside[at + 1..], level))
    })
}

/// An entry below `Parameters` and a line of dashes.
fn underlined<'d>(lines: &[&'d str], name: &str) -> Option<Vec<&'d str>> {
    let section = lines.windows(2).position(|pair| {
        pair[0].trim() == "Parameters" && pair[1].trim().len() > 2 && pair[1].trim().chars().all(|letter| letter == '-')
    })?;
    let level = indent(lines[section]);
    let inside = &lines[section + 2..];
    let at = inside.iter().position(|line| {
        let declared = line.split(':').next().unwrap_or_default();
        indent(line) == level && declared.split(',').any(|each| is_name(each.trim(), name))
    })?;
    Some(with_more("", &inside[at + 1..], level))
}

/// A text with the lines below it that are indented deeper.
fn with_more<'d>(text: &'d str, below: &[&'d str], margin: usize) -> Vec<&'d str> {
    let more = below.iter().copied().take_while(|line| !line.trim().is_empty() && indent(line) > margin);
    std::iter::once(text).chain(more).collect()
}

fn is_name(declared: &str, name: &str) -> bool {
    declared.trim_matches(|letter| matches!(letter, '*' | '`' | '\\')) == name
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::of_parameter;

    #[test]
    fn fields_entries_and_underlined_sections_are_read() {
        let doc = "Pay.\n\n:param order: what to\n    pay\n:param int amount: how much\n:returns: nothing";
        assert_eq!(of_parameter(doc, "order").as_deref(), Some("what to pay"));
        assert_eq!(of_parameter(doc, "amount").as_deref(), Some("how much"));
        let doc = "Pay.\n\nArgs:\n    order (Order): what to\n        pay\n    *more: the\n    rest\n\nReturns:\n    order: no";
        assert_eq!(of_parameter(doc, "order").as_deref(), Some("what to pay"));
        assert_eq!(of_parameter(doc, "more").as_deref(), Some("the"));
        let doc = "Pay.\n\nParameters\n----------\norder, other : Order\n    What to pay.\namount\n    How much.\n";
        assert_eq!(of_parameter(doc, "other").as_deref(), Some("What to pay."));
        assert_eq!(of_parameter(doc, "amount").as_deref(), Some("How much."));
    }

    #[test]
    fn what_is_not_said_is_not_found() {
        for doc in
            ["", "Pay the order: all of it.", "Args:", "Args:\n", ":param order", "Parameters\n---", ":param order:"]
        {
            assert_eq!(of_parameter(doc, "order"), None, "{doc}");
        }
    }
}
