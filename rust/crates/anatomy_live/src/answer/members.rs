//! Members of classes along inheritance: what a member replaces, what replaces it, and what stands in for a protocol.
//!
//! The order of ancestors is that of `mro`, which knows nothing of a class that lies outside the graph. Structural types are told
//! by the names of their members, never by signatures.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anatomy_facts::{Id, Symbol};

use super::Answers;

/// A member of a class, by one of the bindings that make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) class: Id,
    pub(super) name: Symbol,
    pub(super) id: Id,
    pub(super) variable: Id,
    pub(super) kind: Symbol,
}

const MEMBER: &[&str] = &["class", "name", "target", "variable", "kind"];

fn member(row: &[u64]) -> Member {
    Member { class: row[0], name: Symbol(row[1] as u32), id: row[2], variable: row[3], kind: Symbol(row[4] as u32) }
}

impl Member {
    /// True for what stands in the body of a class; false for what a method stores on its object.
    pub(super) fn is_in_body(&self) -> bool {
        self.kind.text() != "self_attr"
    }
}

impl Answers {
    /// The member that a binding is, if it stands in the body of a class.
    pub(super) fn member_of(&self, binding: Id) -> Option<Member> {
        self.rows("class_member", "target", binding, MEMBER).first().map(|row| member(row)).filter(Member::is_in_body)
    }

    /// Members in the bodies of these classes.
    pub(super) fn members_of(&self, classes: &[Id]) -> Vec<Member> {
        let rows = self.rows_of("class_member", "class", classes, MEMBER);
        rows.iter().map(|(_, row)| member(row)).filter(Member::is_in_body).collect()
    }

    /// The classes that a class derives from, in the order in which attributes are looked for, itself not among them.
    pub(super) fn ancestors(&self, class: Id) -> Vec<Id> {
        let mut rows = self.rows("mro", "class", class, &["path", "ancestor"]);
        rows.retain(|row| row[0] != 0);
        rows.sort_unstable();
        rows.into_iter().map(|row| row[1]).collect()
    }

    /// (number of the class, class that derives from it) for these classes, over any number of steps.
    pub(super) fn descendants_of(&self, classes: &[Id]) -> Vec<(usize, Id)> {
        let rows = self.rows_of("mro", "ancestor", classes, &["path", "class"]);
        rows.into_iter().filter(|(_, row)| row[0] != 0).map(|(at, row)| (at, row[1])).collect()
    }

    /// The classes that derive from a class, over any number of steps.
    pub(super) fn descendants(&self, class: Id) -> Vec<Id> {
        self.descendants_of(&[class]).into_iter().map(|(_, class)| class).collect()
    }

    /// Members of that name in the classes below one, one binding for each.
    pub(super) fn overriders(&self, class: Id, name: Symbol) -> Vec<Member> {
        let below = self.members_of(&self.descendants(class));
        self.one_each(below.into_iter().filter(|member| member.name == name))
    }

    /// Members of the same name in the classes above that of a member, the nearest first, one binding for each.
    pub(super) fn overridden(&self, of: &Member) -> Vec<Member> {
        let above = self.members_of(&self.ancestors(of.class));
        self.one_each(above.into_iter().filter(|member| member.name == of.name))
    }

    /// One binding for each variable: the first that is no `@overload`.
    fn one_each(&self, members: impl Iterator<Item = Member>) -> Vec<Member> {
        let mut kept: Vec<Member> = Vec::new();
        for member in members {
            match kept.iter_mut().find(|other| other.variable == member.variable) {
                None => kept.push(member),
                Some(other) => {
                    if self.is_overload(other.id) && !self.is_overload(member.id) {
                        *other = member;
                    }
                }
            }
        }
        kept
    }

    /// True for a signature without a body of its own.
    pub(super) fn is_overload(&self, definition: Id) -> bool {
        self.is_decorated(definition, &["overload"])
    }

    /// True for a function that is read or written like an attribute.
    pub(super) fn is_property(&self, definition: Id) -> bool {
        !self.rows("property_getter", "definition", definition, &["name"]).is_empty()
            || self.is_decorated(definition, &["setter", "deleter"])
    }

    /// True for a class that says of itself that it is a protocol.
    pub(super) fn is_protocol(&self, class: Id) -> bool {
        !self.rows("protocol_class", "class", class, &["class"]).is_empty()
    }

    /// Classes that have every member of a protocol, at least one of them in their own body, without deriving from it.
    pub(super) fn structural(&self, protocol: Id) -> Vec<Id> {
        let mut parts = vec![protocol];
        parts.extend(self.ancestors(protocol).into_iter().filter(|class| self.is_protocol(*class)));
        let names: BTreeSet<u32> = self
            .members_of(&parts)
            .iter()
            .filter(|member| !matches!(member.name.text(), "__init__" | "__slots__" | "__doc__" | "__module__"))
            .map(|member| member.name.0)
            .collect();
        let keys: Vec<u64> = names.iter().map(|name| u64::from(*name)).collect();
        let mut owners: BTreeMap<usize, Vec<Id>> = (0..keys.len()).map(|at| (at, Vec::new())).collect();
        for (at, row) in self.rows_of("class_member", "name", &keys, &["class"]) {
            owners.entry(at).or_default().push(row[0]);
        }
        let Some(rarest) = owners.values().min_by_key(|classes| classes.len()) else { return vec![] };
        let own: HashSet<Id> = owners.values().flatten().copied().collect();
        let derived: HashSet<Id> = self.descendants(protocol).into_iter().chain(parts).collect();
        let mut candidates: Vec<Id> = rarest.clone();
        candidates.extend(self.descendants_of(rarest).into_iter().map(|(_, class)| class));
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|class| own.contains(class) && !derived.contains(class) && !self.is_protocol(*class));
        candidates
            .into_iter()
            .filter(|class| {
                let mut line = vec![*class];
                line.extend(self.ancestors(*class));
                let has: HashSet<u64> =
                    self.rows_of("class_member", "class", &line, &["name"]).iter().map(|(_, row)| row[0]).collect();
                keys.iter().all(|name| has.contains(name))
            })
            .collect()
    }

    /// The function that runs when a class is called: the first `__init__`, or else `__new__`, on the way up.
    pub(super) fn constructor_of(&self, class: Id) -> Option<Member> {
        let mut line = vec![class];
        line.extend(self.ancestors(class));
        let members = self.members_of(&line);
        line.iter().find_map(|class| {
            ["__init__", "__new__"].iter().find_map(|name| {
                members.iter().find(|member| member.class == *class && member.name.text() == *name).copied()
            })
        })
    }

    /// True for `object`, which every class derives from and which nobody means when they ask what is overridden.
    pub(super) fn is_object(&self, class: Id) -> bool {
        let names = self.rows("library_class", "target", class, &["name"]);
        names.iter().any(|row| Symbol(row[0] as u32).text() == "object")
    }

    /// The members that a name leads to in each of these classes: the first in the order of ancestors.
    pub(super) fn found_in(&self, classes: &[Id], name: Symbol) -> Vec<Member> {
        let mut found = Vec::new();
        for class in classes {
            let mut line = vec![*class];
            line.extend(self.ancestors(*class));
            let rows = self.rows_of("class_member", "class", &line, MEMBER);
            found.extend(rows.iter().map(|(_, row)| member(row)).find(|member| member.name == name));
        }
        self.one_each(found.into_iter())
    }
}
