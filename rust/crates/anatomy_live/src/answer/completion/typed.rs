//! How well a name fits the letters that are typed.

/// 0 begins with them, 1 begins with them in other case, 2 has them at the beginnings of its words, 3 holds them in one
/// piece, 4 holds them in order; none if it does not hold them.
pub(super) fn fit(name: &str, typed: &str) -> Option<u8> {
    if name.starts_with(typed) {
        return Some(0);
    }
    let same = |left: u8, right: u8| left.eq_ignore_ascii_case(&right);
    let (letters, wanted) = (name.as_bytes(), typed.as_bytes());
    if wanted.len() > letters.len() {
        return None;
    }
    let starts = |at: usize| letters[at..].iter().zip(wanted).all(|(left, right)| same(*left, *right));
    if starts(0) {
        return Some(1);
    }
    let begins_word = |at: usize| {
        at == 0
            || letters[at - 1] == b'_'
            || (letters[at].is_ascii_uppercase() && !letters[at - 1].is_ascii_uppercase())
    };
    let mut left = wanted.iter().peekable();
    let mut in_word = false;
    for (at, letter) in letters.iter().enumerate() {
        let fits = left.peek().is_some_and(|wanted| same(*letter, **wanted));
        in_word = fits && (in_word || begins_word(at));
        if in_word {
            left.next();
        }
    }
    if left.peek().is_none() {
        return Some(2);
    }
    if (0..=letters.len() - wanted.len()).any(starts) {
        return Some(3);
    }
    let mut letters = letters.iter();
    wanted.iter().all(|wanted| letters.any(|letter| same(*letter, *wanted))).then_some(4)
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn beginnings_fit_best() {
        assert_eq!(fit("HttpResponse", "Http"), Some(0));
        assert_eq!(fit("HttpResponse", "http"), Some(1));
        assert_eq!(fit("HttpResponse", "hr"), Some(2));
        assert_eq!(fit("get_object", "go"), Some(2));
        assert_eq!(fit("HttpResponse", "resp"), Some(2));
        assert_eq!(fit("HttpResponse", "spon"), Some(3));
        assert_eq!(fit("HttpResponse", "tpe"), Some(4));
        assert_eq!(fit("HttpResponse", "x"), None);
        assert_eq!(fit("a", ""), Some(0));
        assert_eq!(fit("a", "abc"), None);
    }
}
