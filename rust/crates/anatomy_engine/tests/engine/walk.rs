//! Random walks: after each step every view is what a whole run makes of it, and at the end what a fresh engine has.

use std::collections::{BTreeMap, BTreeSet};

use anatomy_engine::{Change, Engine};

use super::support::{FileRows, World, apply, assert_law, change, engine, every_form, now, relations_of, rows};

/// A small generator of our own, so that a seed means the same walk everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }
}

/// A row of a table over so few values that most rows meet partners.
fn random_row(dice: &mut Dice) -> (&'static str, String) {
    match dice.roll(3) {
        0 => ("names", format!("expr={} target_scope={} name=n{}", 1 + dice.roll(12), 20 + dice.roll(3), dice.roll(4))),
        1 => (
            "bindings",
            format!(
                "binding={} scope={} name=n{} occurrence={}",
                40 + dice.roll(10),
                20 + dice.roll(3),
                dice.roll(4),
                dice.roll(4)
            ),
        ),
        _ => {
            let kind = ["name", "attribute", "call"][dice.roll(3) as usize];
            ("exprs", format!("expr={} base={} kind={kind}", 1 + dice.roll(12), dice.roll(13)))
        }
    }
}

fn random_edit(dice: &mut Dice, file: &mut FileRows) {
    for _ in 0..=dice.roll(6) {
        let (table, row) = random_row(dice);
        let rows = file.entry(table).or_default();
        if !rows.is_empty() && dice.roll(5) < 2 {
            let gone = dice.roll(rows.len() as u64) as usize;
            rows.remove(gone);
        } else {
            rows.push(row);
        }
    }
}

/// One step: some files are edited, go, come back, or are written again as they were.
fn step(dice: &mut Dice, world: &mut World) -> Vec<Change> {
    let names = ["a.py", "b.py", "c.py", "d.py"];
    let mut touched = BTreeSet::new();
    for _ in 0..=dice.roll(3) {
        let name = names[dice.roll(names.len() as u64) as usize];
        touched.insert(name);
        match dice.roll(8) {
            0 => {
                world.remove(name);
            }
            1 => {}
            2 => {
                world.insert(name.to_owned(), FileRows::new());
            }
            _ => random_edit(dice, world.entry(name.to_owned()).or_default()),
        }
    }
    touched.into_iter().map(|name| change(name, world.get(name))).collect()
}

fn start() -> (Engine, World) {
    let engine = engine(&every_form());
    let world = World::from([("still.py".to_owned(), rows("names: expr=1 target_scope=20 name=n1"))]);
    apply(&engine, &[change("still.py", world.get("still.py"))]);
    (engine, world)
}

fn assert_equals_fresh(live: &Engine, world: &World) {
    let fresh = engine(&every_form());
    let all: Vec<Change> = world.iter().map(|(name, rows)| change(name, Some(rows))).collect();
    apply(&fresh, &all);
    for relation in live.relation_names() {
        assert_eq!(now(live, &relation), now(&fresh, &relation), "{relation}");
    }
}

/// (expr, top, level) by walking the rows of `exprs` one level after the other: what the rounds of `up` mean.
fn levels_by_hand(live: &Engine, rounds: u32) -> BTreeSet<(u64, u64, u32)> {
    let cell = |row: &str, name: &str| -> u64 {
        row.split(' ').find_map(|cell| cell.strip_prefix(name)?.strip_prefix('=')?.parse().ok()).unwrap()
    };
    let mut bases: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for row in now(live, "exprs") {
        if cell(&row, "base") != 0 {
            bases.entry(cell(&row, "expr")).or_default().insert(cell(&row, "base"));
        }
    }
    let mut found: BTreeSet<(u64, u64, u32)> = BTreeSet::new();
    // A row names its rule, so what starts at a base and what goes further to it are two rows.
    let mut known: BTreeSet<(u64, u64, bool)> = BTreeSet::new();
    let mut last: BTreeSet<(u64, u64)> = BTreeSet::new();
    for (expr, tops) in &bases {
        for top in tops {
            known.insert((*expr, *top, false));
            found.insert((*expr, *top, 1));
            last.insert((*expr, *top));
        }
    }
    for level in 2..=rounds {
        let mut next = BTreeSet::new();
        for (expr, middle) in &last {
            for top in bases.get(middle).into_iter().flatten() {
                if known.insert((*expr, *top, true)) {
                    found.insert((*expr, *top, level));
                    next.insert((*expr, *top));
                }
            }
        }
        last = next;
    }
    found
}

#[test]
fn live_equals_whole_after_every_step_of_a_walk() {
    for seed in 1..=6_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (engine, mut world) = start();
        for at in 0..60 {
            let changes = step(&mut dice, &mut world);
            apply(&engine, &changes);
            assert_law(&engine, &format!("step {at} of seed {seed}"));
        }
        assert_equals_fresh(&engine, &world);
    }
}

#[test]
fn rounds_equal_a_walk_by_hand() {
    let mut dice = Dice(0xA5A5_1234_5678_9ABC);
    let (engine, mut world) = start();
    for at in 0..80 {
        let changes = step(&mut dice, &mut world);
        apply(&engine, &changes);
        let live: BTreeSet<(u64, u64, u32)> = now(&engine, "up")
            .iter()
            .map(|row| {
                let cell = |name: &str| row.split(' ').find_map(|cell| cell.strip_prefix(name)).unwrap();
                (cell("expr=").parse().unwrap(), cell("top=").parse().unwrap(), cell("level=").parse().unwrap())
            })
            .collect();
        assert_eq!(live, levels_by_hand(&engine, 6), "step {at}");
    }
}

#[test]
fn a_change_and_its_undo_lead_back() {
    let mut dice = Dice(77);
    let (engine, mut world) = start();
    for _ in 0..15 {
        apply(&engine, &step(&mut dice, &mut world));
    }
    let views = relations_of(&engine);
    let before: Vec<Vec<String>> = views.iter().map(|view| now(&engine, view)).collect();
    let kept = world.clone();
    let mut names: BTreeSet<String> = kept.keys().cloned().collect();
    for _ in 0..15 {
        apply(&engine, &step(&mut dice, &mut world));
        names.extend(world.keys().cloned());
    }
    let back: Vec<Change> = names.iter().map(|name| change(name, kept.get(name))).collect();
    apply(&engine, &back);
    let after: Vec<Vec<String>> = views.iter().map(|view| now(&engine, view)).collect();
    assert_eq!(after, before);
}

#[test]
fn a_change_of_more_rows_than_a_batch_holds() {
    let (engine, mut world) = start();
    let mut dice = Dice(5);
    for _ in 0..5 {
        apply(&engine, &step(&mut dice, &mut world));
    }
    let many: String = (0..9000)
        .map(|at| {
            format!("names: expr={} target_scope=20 name=n1\n exprs: expr={} base={}\n", at + 100, at + 100, at % 40)
        })
        .collect();
    let many = rows(&many);
    let partners = rows("bindings: binding=90 scope=20 name=n1");
    let report = apply(&engine, &[change("many.py", Some(&many)), change("p.py", Some(&partners))]);
    assert!(report.views.iter().any(|run| run.view == "inner" && run.keys > 8192), "a keyed run of many keys");
    assert_law(&engine, "many rows came");
    // One row now touches thousands of keys.
    let report = apply(&engine, &[change("p.py", None)]);
    assert!(report.views.iter().any(|run| run.view == "inner" && run.keys > 8192));
    assert_law(&engine, "their partner went");
    apply(&engine, &[change("many.py", None)]);
    assert_law(&engine, "many rows went");
    assert_equals_fresh(&engine, &world);
}

#[test]
fn everything_may_go_and_come_again() {
    let (engine, world) = start();
    apply(&engine, &[change("still.py", None)]);
    assert!(relations_of(&engine).iter().all(|view| now(&engine, view).is_empty()));
    assert_law(&engine, "nothing is left");
    apply(&engine, &[change("still.py", world.get("still.py"))]);
    assert_equals_fresh(&engine, &world);
}

#[test]
fn a_group_past_its_limit_is_one_row_of_each_kind_or_one_for_all() {
    let engine = engine(&every_form());
    let bases = |of: &[(u64, &str)]| -> FileRows {
        rows(&of.iter().map(|(base, kind)| format!("exprs: expr=1 base={base} kind={kind}\n")).collect::<String>())
    };
    let few = || -> BTreeSet<(String, String)> {
        let cell = |row: &str, name: &str| row.split(' ').find_map(|cell| cell.strip_prefix(name)).unwrap().to_owned();
        now(&engine, "few").iter().map(|row| (cell(row, "top="), cell(row, "kind="))).collect()
    };
    let is = |top: &str, kind: &str| (top.to_owned(), kind.to_owned());
    apply(&engine, &[change("a.py", Some(&bases(&[(11, "name"), (12, "name"), (13, "call")])))]);
    assert_eq!(few().len(), 3);
    apply(&engine, &[change("b.py", Some(&bases(&[(14, "name")])))]);
    assert_eq!(few(), BTreeSet::from([is("11", "name"), is("13", "call")]), "one of each kind");
    apply(&engine, &[change("b.py", Some(&bases(&[(14, "attribute"), (15, "list")])))]);
    assert_eq!(few(), BTreeSet::from([is("0", "many")]), "four kinds");
    apply(&engine, &[change("b.py", None)]);
    assert_eq!(few().len(), 3);
    assert_law(&engine, "what was too many went");
}
