//! All names that modules have, each once: what a typed word is compared with.
//!
//! Made of a whole relation, so it is kept until that relation changes, which typing inside functions does not do.

use std::sync::{Arc, RwLock};

use anatomy_engine::store::Relation;
use anatomy_facts::Symbol;
use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;

/// A name with its number.
pub(super) type Name = (&'static str, u32);

/// The names of one version of a relation.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(RwLock<Option<(Relation, Arc<[Name]>)>>);

impl Catalogue {
    /// The distinct names in a column of a relation, in no order that means anything.
    pub(super) fn names(&self, relation: &Relation, column: usize) -> Arc<[Name]> {
        let held = self.0.read().unwrap_or_else(|poison| poison.into_inner());
        if let Some((_, names)) = held.as_ref().filter(|(of, _)| of.is_same(relation)) {
            return names.clone();
        }
        drop(held);
        let all = relation.gather(column, &relation.all_locations());
        let mut numbers = all.as_primitive::<UInt32Type>().values().to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        let texts = Symbol::texts(numbers.iter().copied());
        let names: Arc<[Name]> = texts.into_iter().zip(numbers).collect();
        *self.0.write().unwrap_or_else(|poison| poison.into_inner()) = Some((relation.clone(), names.clone()));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{RecordBatch, UInt32Array};
    use arrow::datatypes::{DataType, Field, Schema};

    fn batch(names: &[&str]) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("name", DataType::UInt32, false)]));
        let numbers: UInt32Array = names.iter().map(|name| Symbol::of(name).0).collect();
        RecordBatch::try_new(schema, vec![Arc::new(numbers)]).unwrap()
    }

    fn texts(names: &[Name]) -> Vec<&'static str> {
        let mut texts: Vec<&'static str> = names.iter().map(|name| name.0).collect();
        texts.sort_unstable();
        texts
    }

    #[test]
    fn names_are_kept_while_their_relation_stands() {
        let catalogue = Catalogue::default();
        let old = Relation::of(batch(&[]).schema(), vec![batch(&["a", "b", "a"])]);
        let names = catalogue.names(&old, 0);
        assert_eq!(texts(&names), ["a", "b"]);
        assert!(Arc::ptr_eq(&names, &catalogue.names(&old.clone(), 0)));
        let new = old.changed(&[], &batch(&["c"]));
        assert_eq!(texts(&catalogue.names(&new, 0)), ["a", "b", "c"]);
        assert_eq!(texts(&catalogue.names(&old, 0)), ["a", "b"]);
    }
}
