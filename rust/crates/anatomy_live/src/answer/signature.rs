//! The signatures of the call that is being typed.

use anatomy_engine::EngineError;
use anatomy_syntax::{CallSite, Given, PositionEncoding, call_at};
use serde_json::{Value, json};

use super::Answers;
use super::callable::Callable;
use crate::docstring::of_parameter;
use crate::signature::{Part, Taken};

/// How an editor wants to be told which part of a label is a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterLabels {
    /// By offsets, in UTF-16 units as the protocol says.
    Offsets,
    /// By its text.
    Text,
}

impl Answers {
    /// `SignatureHelp` for a position in an open document, or null. `chosen` is the signature that the editor shows already;
    /// it stays as long as it fits.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn signature_help(
        &self,
        path: &str,
        (line, character): (u32, u32),
        labels: ParameterLabels,
        chosen: Option<u32>,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let nothing = || Ok(b"null".to_vec());
        let (file, view) = self.file(path)?;
        let Some(document) = &view.document else { return nothing() };
        let offset = view.index().offset(line, character, encoding);
        let Some(site) = call_at(document.text(), offset) else { return nothing() };
        let callee = view.expression_ending_at(site.callee_end);
        let mut callables = callee.map_or_else(Vec::new, |callee| self.callables(callee.id));
        if callables.is_empty() {
            let (found, reached) = self.callees_before((file, &**view, document.text()), site.callee_end, encoding);
            callables = self.callables_of(found, |_| reached);
        }
        if callables.is_empty() {
            return nothing();
        }
        let chosen =
            chosen.map(|chosen| chosen as usize).filter(|&at| callables.get(at).is_some_and(|of| fits(of, &site)));
        let active = chosen.or_else(|| callables.iter().position(|of| fits(of, &site))).unwrap_or(0);
        let signatures: Vec<Value> = callables.iter().map(|of| self.signature(of, &site, labels)).collect();
        let parameter = &signatures[active]["activeParameter"];
        let help = json!({"activeParameter": parameter, "activeSignature": active, "signatures": signatures});
        Ok(help.to_string().into_bytes())
    }

    fn signature(&self, callable: &Callable, site: &CallSite, labels: ParameterLabels) -> Value {
        let docs = [callable.function, callable.class].into_iter().filter(|id| *id != 0);
        let docs: Vec<String> = docs.map(|id| self.engine.docstring(&self.snapshot, id)).collect();
        let mut label = format!("{}(", callable.name);
        let mut parameters = Vec::new();
        let mut units = label.encode_utf16().count();
        for (at, part) in callable.parts.iter().enumerate() {
            if at > 0 {
                label.push_str(", ");
                units += 2;
            }
            let end = units + part.text.encode_utf16().count();
            if part.taken != Taken::Separator {
                let mut parameter = match labels {
                    ParameterLabels::Offsets => json!({"label": [units, end]}),
                    ParameterLabels::Text => json!({"label": part.text}),
                };
                if let Some(text) = docs.iter().find_map(|doc| of_parameter(doc, &part.name)) {
                    parameter["documentation"] = plain(text);
                }
                parameters.push(parameter);
            }
            label.push_str(&part.text);
            units = end;
        }
        label.push(')');
        if let Some(returns) = &callable.returns {
            label.push_str(" -> ");
            label.push_str(returns);
        }
        let active = active_parameter(&callable.parts, site).unwrap_or(parameters.len());
        let mut signature = json!({"label": label, "parameters": parameters, "activeParameter": active});
        if let Some(doc) = docs.into_iter().find(|doc| !doc.is_empty()) {
            signature["documentation"] = plain(doc);
        }
        signature
    }
}

/// Text of a user's file: nothing in it shall be clicked.
fn plain(text: String) -> Value {
    json!({"kind": "plaintext", "value": text})
}

fn parameters(parts: &[Part]) -> impl Iterator<Item = (usize, &Part)> {
    parts.iter().filter(|part| part.taken != Taken::Separator).enumerate()
}

/// Which parameter takes the argument at the cursor, if one does.
fn active_parameter(parts: &[Part], site: &CallSite) -> Option<usize> {
    match &site.current {
        Given::Keyword(name) => by_name(parts, name),
        Given::DoubleStar => parameters(parts).find(|(_, part)| part.taken == Taken::Names).map(|(at, _)| at),
        Given::Star => parameters(parts)
            .find(|(_, part)| part.taken == Taken::Places)
            .map(|(at, _)| at)
            .or_else(|| by_place(parts, places(site))),
        Given::Place if site.given.iter().any(|given| matches!(given, Given::Keyword(_) | Given::DoubleStar)) => {
            // What follows a keyword is one too: the next that is not given.
            let is_given = |part: &Part| site.given.contains(&Given::Keyword(part.name.clone()));
            let place = places(site);
            parameters(parts)
                .find(|(at, part)| *at >= place && matches!(part.taken, Taken::Either | Taken::Name) && !is_given(part))
                .map(|(at, _)| at)
        }
        Given::Place => by_place(parts, places(site)),
    }
}

fn places(site: &CallSite) -> usize {
    site.given.iter().filter(|given| matches!(given, Given::Place | Given::Star)).count()
}

fn by_name(parts: &[Part], name: &str) -> Option<usize> {
    let named = |part: &Part| part.name == name && matches!(part.taken, Taken::Either | Taken::Name);
    let rest = || parameters(parts).find(|(_, part)| part.taken == Taken::Names);
    parameters(parts).find(|(_, part)| named(part)).or_else(rest).map(|(at, _)| at)
}

/// The parameter that takes the argument of that place. Behind all others a keyword is still possible.
fn by_place(parts: &[Part], place: usize) -> Option<usize> {
    let mut left = place;
    for (at, part) in parameters(parts) {
        match part.taken {
            Taken::Place | Taken::Either if left == 0 => return Some(at),
            Taken::Place | Taken::Either => left -= 1,
            Taken::Places => return Some(at),
            Taken::Name => return Some(at).filter(|_| left == 0),
            Taken::Names | Taken::Separator => return Some(at).filter(|_| left == 0),
        }
    }
    None
}

/// True if a callable takes what is given so far and the argument at the cursor.
fn fits(callable: &Callable, site: &CallSite) -> bool {
    let parts = &callable.parts;
    let most = if parts.iter().any(|part| part.taken == Taken::Places) {
        usize::MAX
    } else {
        parts.iter().filter(|part| matches!(part.taken, Taken::Place | Taken::Either)).count()
    };
    let names_fit = site.given.iter().chain([&site.current]).all(|given| match given {
        Given::Keyword(name) => by_name(parts, name).is_some(),
        _ => true,
    });
    let is_empty = site.given.is_empty() && site.current == Given::Place;
    names_fit && places(site) <= most && (is_empty || active_parameter(parts, site).is_some() || places(site) < most)
}
