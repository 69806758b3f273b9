//! Where the slots are among a span's attributes, found out once for spans that name the same attributes.

use std::{collections::HashSet, ptr};

use opentelemetry::KeyValue;

use super::{
    Slot, Slots,
    bits::Bits,
    known::{Known, Name, is_ours},
    table::Met,
};

/// What the names of a span's attributes say, whatever the values.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    /// Tells it from the other layouts of the batch.
    pub(super) id: u32,
    names: Vec<&'a str>,
    pub(super) present: Slots,
    /// For each slot the index of its attribute, and one more; zero if it is not there.
    pub(super) found: [u16; Slot::COUNT],
    /// Attributes of which the same key comes again.
    pub(super) overwritten: Bits,
    /// Attributes whose names are no slot's.
    pub(super) unread: Bits,
    tells: Vec<Name>,
    /// A name that is no slot's begins like those that handlers hand over or like our own in metadata.
    pub(super) has_ours: bool,
    /// Parameters of a query are among them.
    pub(super) has_query_parameters: bool,
}

/// The layouts of a batch: spans from the same line of code have the same names in the same order, and the names are
/// constants, so that most spans are like another one.
#[derive(Debug, Default)]
pub(super) struct Layouts<'a> {
    layouts: Vec<Layout<'a>>,
    /// The id that was given last.
    last_id: u32,
    known: Known<'a>,
}

/// More than most programs have kinds of spans; each is kept at a place of its own or evicts another.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 4;

impl<'a> Layouts<'a> {
    /// The layout of these attributes.
    #[inline]
    pub(super) fn layout(&mut self, attributes: &'a [KeyValue]) -> &Layout<'a> {
        let place = place(attributes);
        if place >= self.layouts.len() {
            self.layouts.resize_with(PLACES, Layout::default);
        }
        let layout = &mut self.layouts[place];
        if !layout.is_of(attributes) {
            self.last_id = self.last_id.wrapping_add(1);
            layout.id = self.last_id;
            layout.read(attributes, &mut self.known);
        }
        layout
    }

    /// The same room for the names of another batch. Nothing is kept: what stands at their places then may be other names.
    pub(super) fn recycle<'b>(self) -> Layouts<'b> {
        let layouts = self.layouts.into_iter().map(Layout::recycle).collect();
        Layouts { layouts, last_id: 0, known: self.known.recycle() }
    }
}

/// Spans of different kinds differ in how many attributes they have, or in the first one or the last.
#[inline]
fn place(attributes: &[KeyValue]) -> usize {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let address = |attribute: Option<&KeyValue>| {
        attribute.map_or(0, |attribute| attribute.key.as_str().as_ptr().addr() as u64)
    };
    let bits =
        address(attributes.first()) ^ address(attributes.last()).rotate_left(32) ^ attributes.len() as u64;
    (bits.wrapping_mul(SPREAD) >> (u64::BITS - PLACE_BITS)) as usize
}

impl<'a> Layout<'a> {
    /// Names are compared by where they are: as long as a batch is borrowed, the same text at the same place is the same name.
    #[inline]
    fn is_of(&self, attributes: &[KeyValue]) -> bool {
        self.names.len() == attributes.len()
            && self
                .names
                .iter()
                .zip(attributes)
                .all(|(name, attribute)| ptr::eq(*name, attribute.key.as_str()))
    }

    /// The SDK keeps every value that was ever set for a key; the last one counts.
    #[inline(never)]
    fn read(&mut self, attributes: &'a [KeyValue], known: &mut Known<'a>) {
        let many = attributes.len() > MANY;
        self.names.clear();
        self.names.extend(attributes.iter().map(|attribute| attribute.key.as_str()));
        (self.present, self.found) = (Slots::NONE, [0; Slot::COUNT]);
        self.overwritten.reset(attributes.len());
        self.unread.reset(attributes.len());
        self.tells.clear();
        self.has_ours = attributes.len() > MOST;
        self.has_query_parameters = self.names.iter().any(|name| name.starts_with("db.query.parameter."));
        let mut met = Met::default();
        for index in 0..self.names.len() {
            let name = known.name(self.names[index]);
            self.tells.push(name.tells);
            let Some(slot) = name.slot.filter(|_| index < MOST) else {
                self.unread.insert(index);
                self.has_ours |= is_ours(self.names[index]);
                if met.insert_bucket(name.bucket) && !many {
                    self.overwrite_before(index);
                }
                continue;
            };
            let earlier = std::mem::replace(&mut self.found[slot as usize], index as u16 + 1);
            if earlier != 0 {
                self.overwritten.insert(usize::from(earlier - 1));
            }
            self.present.insert(slot);
        }
        if many {
            self.overwrite_repeated();
        }
    }

    /// What the name of an attribute tells of its value.
    #[inline]
    pub(super) fn name(&self, index: usize) -> Name {
        self.tells.get(index).copied().unwrap_or(Name::Special)
    }

    /// Marks the earlier values of a key.
    #[cold]
    fn overwrite_before(&mut self, index: usize) {
        let (earlier, later) = self.names.split_at(index);
        let same = earlier.iter().enumerate().filter(|(_, name)| later.first() == Some(*name));
        same.for_each(|(index, _)| self.overwritten.insert(index));
    }

    /// Marks all but the last value of each key.
    #[cold]
    fn overwrite_repeated(&mut self) {
        let mut later = HashSet::with_capacity(self.names.len());
        for (index, name) in self.names.iter().enumerate().rev() {
            if !later.insert(*name) {
                self.overwritten.insert(index);
            }
        }
    }

    fn recycle<'b>(mut self) -> Layout<'b> {
        self.names.clear();
        self.overwritten.reset(0);
        self.unread.reset(0);
        self.tells.clear();
        Layout {
            // Collecting from a `Vec`'s own iterator reuses its memory.
            names: self.names.into_iter().map(|_| "").collect(),
            overwritten: self.overwritten,
            unread: self.unread,
            tells: self.tells,
            ..Layout::default()
        }
    }
}

impl Default for Layout<'_> {
    fn default() -> Self {
        Self {
            id: 0,
            names: Vec::new(),
            present: Slots::NONE,
            found: [0; Slot::COUNT],
            overwritten: Bits::default(),
            unread: Bits::default(),
            tells: Vec::new(),
            has_ours: false,
            has_query_parameters: false,
        }
    }
}

/// So many attributes are looked through for slots; an SDK keeps 128 unless it was told otherwise.
const MOST: usize = u16::MAX as usize - 1;

/// With more attributes than this, comparing each with each would cost more than a set.
const MANY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_alike_share_a_layout_and_others_do_not() {
        let spans = [
            vec![KeyValue::new("http.route", 1), KeyValue::new("http.method", "GET")],
            vec![KeyValue::new("http.route", 2), KeyValue::new("http.method", "PUT")],
            vec![KeyValue::new("http.method", "GET"), KeyValue::new("http.route", 1)],
            vec![KeyValue::new("http.route", 1), KeyValue::new(String::from("http.method"), "GET")],
            Vec::new(),
        ];
        let mut layouts = Layouts::default();
        for (span, method) in spans.iter().zip([2, 2, 1, 2, 0]) {
            let layout = layouts.layout(span);
            assert_eq!(layout.found[Slot::HttpMethod as usize], method, "{span:?}");
        }
    }

    #[test]
    fn nothing_is_known_of_another_batch() {
        let span = [KeyValue::new("otel.secret", 1), KeyValue::new("http.method", "GET")];
        let mut layouts = Layouts::default();
        layouts.layout(&span);
        let mut layouts = layouts.recycle();
        let layout = layouts.layout(&[]);
        assert_eq!((layout.found, layout.has_ours), ([0; Slot::COUNT], false));
        for layout in &layouts.layouts {
            assert!(layout.names.is_empty() && !layout.present.intersects(Slots::of(&[Slot::HttpMethod])));
        }
    }
}
